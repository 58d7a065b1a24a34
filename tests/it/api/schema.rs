//! The served OpenAPI document against what the server answers: schemathesis asks every operation for what the document says
//! can be asked, and for what it says cannot. No answer may be a failure of the server, or another one than the document says.

use std::time::Duration;

use pierhead_testkit::{Client, Engine, Image, Result, Sandbox, Tool};
use serde_json::{Value, json};

use super::installation::Installation;

/// Names that exist, so that most questions are about something.
const KNOWN: &str = r#"
[dictionaries]
namespaces = { values = ["acme", "devel"] }
repositories = { values = ["acme/app", "acme/nested/app", "devel/own"] }
tags = { values = ["latest", "v1"] }
teams = { values = ["owners", "devs"] }
robots = { values = ["ci"] }
people = { values = ["ann", "bob", "acme+ci"] }

[parameters]
"path.orgname" = { dictionary = "namespaces", probability = 0.8 }
"path.namespace" = { dictionary = "namespaces", probability = 0.8 }
"path.repository" = { dictionary = "repositories", probability = 0.8 }
"path.tag" = { dictionary = "tags", probability = 0.8 }
"path.teamname" = { dictionary = "teams", probability = 0.8 }
"path.robot_shortname" = { dictionary = "robots", probability = 0.8 }
"path.membername" = { dictionary = "people", probability = 0.8 }
"path.username" = { dictionary = "people", probability = 0.8 }
"#;

/// What would end the caller or the server.
const NOT_ASKED: [&str; 2] = ["deleteCurrentUser", "scShutdownContainer"];

/// Every part of the API that a configuration can switch on.
fn everything_on() -> Value {
    json!({
        "SUPER_USERS": ["devel"],
        "FEATURE_SUPERUSERS_FULL_ACCESS": true,
        "FEATURE_QUOTA_MANAGEMENT": true,
        "FEATURE_EDIT_QUOTA": true,
        "FEATURE_QUOTA_NOTIFICATIONS": true,
        "FEATURE_PROXY_CACHE": true,
        "FEATURE_REPO_MIRROR": true,
        "FEATURE_ORG_MIRROR": true,
        "FEATURE_AUTO_PRUNE": true,
        "FEATURE_IMMUTABLE_TAGS": true,
        "FEATURE_BUILD_SUPPORT": true,
        "FEATURE_LOG_EXPORT": true,
        "FEATURE_SECURITY_SCANNER": true,
        "FEATURE_ASSIGN_OAUTH_TOKEN": true,
        "FEATURE_IMAGE_PULL_STATS": true,
        "PERMANENTLY_DELETE_TAGS": true,
    })
}

async fn every_answer_is_one_that_the_description_knows(engine: Engine) -> Result<()> {
    let mut site = Installation::start(engine, everything_on()).await?;
    let organization = json!({ "name": "acme", "email": "acme@example.com" });
    site.post("/api/v1/organization/", organization, 201)
        .await?;
    for user in ["ann", "bob"] {
        let user = json!({ "username": user, "email": format!("{user}@example.com") });
        site.post("/api/v1/superuser/users/", user, 200).await?;
    }
    site.put("/api/v1/organization/acme/robots/ci", json!({}), 201)
        .await?;
    let team = json!({ "role": "member" });
    site.put("/api/v1/organization/acme/team/devs", team, 200)
        .await?;
    let client = Client::new(&site.server, Some(&site.devel));
    for repository in ["acme/app", "acme/nested/app", "devel/own"] {
        for tag in ["latest", "v1"] {
            client
                .push_image(repository, tag, &Image::build(1, &[100]))
                .await?;
        }
    }

    let sandbox = Sandbox::new()?;
    sandbox.write("schemathesis.toml", KNOWN.as_bytes())?;
    let document = format!("{}/api/v1/openapi.json", site.server.base_url());
    let token = format!(
        "Authorization: Bearer {}",
        site.api.token().unwrap_or_default()
    );
    let mut arguments = vec![
        "--config-file=schemathesis.toml",
        "run",
        &document,
        "--header",
        &token,
        "--checks=not_a_server_error,response_schema_conformance,content_type_conformance,status_code_conformance",
        "--phases=examples,coverage,fuzzing",
        "--continue-on-failure",
        "--max-examples=25",
        "--suppress-health-check=all",
        "--warnings=off",
    ];
    for operation in NOT_ASKED {
        arguments.extend(["--exclude-operation-id", operation]);
    }
    let schemathesis = Tool::new("schemathesis", &sandbox)?.limit(Duration::from_mins(15));
    let report = schemathesis.run(&arguments).await?;
    assert!(report.contains("Test cases:"), "{report}");
    site.server.stop().await
}

#[tokio::test]
#[ignore = "takes minutes; part of `make test-long`"]
async fn every_answer_is_one_that_the_description_knows_on_sqlite() {
    every_answer_is_one_that_the_description_knows(Engine::Sqlite)
        .await
        .unwrap();
}

#[tokio::test]
#[ignore = "takes minutes; part of `make test-long`"]
async fn every_answer_is_one_that_the_description_knows_on_postgresql() {
    every_answer_is_one_that_the_description_knows(Engine::PostgreSql)
        .await
        .unwrap();
}
