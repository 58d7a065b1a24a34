//! What lists of an organization cost: statements are counted, because they are the same on every machine.
#![allow(clippy::unwrap_used)]

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::Value;

use crate::testing::{Answer, Fixture};

async fn call(fixture: &Fixture, token: &str, method: &str, path: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap();
    fixture.ask(request).await
}

/// The first user's token, after the organization `acme` was made with it.
async fn fixture() -> (Fixture, String) {
    let fixture = Fixture::new().await;
    let first = fixture
        .initialize(
            r#"{"username": "devel", "password": "password", "email": "devel@acme.example", "access_token": true}"#,
        )
        .await
        .json();
    let token = first["access_token"].as_str().unwrap().to_owned();
    let made = call(
        &fixture,
        &token,
        "POST",
        "/api/v1/organization/",
        r#"{"name": "acme"}"#,
    )
    .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(made.json(), "Created");
    (fixture, token)
}

/// Statements of a call that has been made before.
async fn cost(fixture: &Fixture, token: &str, path: &str) -> u64 {
    call(fixture, token, "GET", path, "").await;
    let before = fixture.db.statements();
    let answer = call(fixture, token, "GET", path, "").await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    fixture.db.statements() - before
}

/// Many of everything that an organization can have.
const MANY: [&str; 9] = [
    r#"INSERT INTO "user" (uuid, username, email, verified, organization, robot, invoice_email, invalid_login_attempts,
            last_invalid_login, removed_tag_expiration_s, enabled)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
        SELECT 'p' || i, 'person' || i, 'person' || i, true, false, false, false, 0, '2026-01-01', 0, true FROM n"#,
    r#"INSERT INTO "user" (uuid, username, email, verified, organization, robot, invoice_email, invalid_login_attempts,
            last_invalid_login, removed_tag_expiration_s, enabled)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
        SELECT 'r' || i, 'acme+bot' || i, 'bot' || i, true, false, true, false, 0, '2026-01-01', 0, true FROM n"#,
    "INSERT INTO team (name, organization_id, role_id, description)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
        SELECT 'team' || i, (SELECT id FROM \"user\" WHERE username = 'acme'), 3, '' FROM n",
    "INSERT INTO repository (namespace_user_id, name, visibility_id, badge_token, kind_id, trust_enabled, state)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
        SELECT (SELECT id FROM \"user\" WHERE username = 'acme'), 'repo' || i, 1, 'b' || i, 1, false, 0 FROM n",
    "INSERT INTO teammember (user_id, team_id)
        SELECT \"user\".id, team.id FROM \"user\", team WHERE team.name = 'owners' AND NOT organization
            AND \"user\".username <> 'devel' AND \"user\".username <> 'person1'",
    "INSERT INTO repositorypermission (user_id, repository_id, role_id)
        SELECT \"user\".id, repository.id, 1 FROM \"user\", repository WHERE NOT organization",
    "INSERT INTO repositorypermission (team_id, repository_id, role_id)
        SELECT team.id, repository.id, 1 FROM team, repository",
    "INSERT INTO permissionprototype (org_id, uuid, delegate_user_id, role_id)
        SELECT (SELECT id FROM \"user\" WHERE username = 'acme'), 'u' || id, id, 1 FROM \"user\" WHERE NOT organization",
    "INSERT INTO teammemberinvite (email, team_id, inviter_id, invite_token)
        SELECT 'mail' || team.id, team.id, 1, 'c' || team.id FROM team",
];

#[tokio::test]
async fn a_list_costs_the_same_statements_however_long_it_is() {
    let (fixture, token) = fixture().await;
    let path = |rest: &str| format!("/api/v1/organization/acme{rest}");
    let lists = [
        (path(""), 5),
        (path("/members"), 4),
        (path("/collaborators"), 4),
        (path("/prototypes"), 3),
        (path("/robots"), 3),
        (path("/robots?permissions=true"), 5),
        (path("/team/owners/members?includePending=true"), 6),
        (path("/team/owners/permissions"), 5),
        (
            "/api/v1/entities/p?namespace=acme&includeTeams=true&includeOrgs=true".to_owned(),
            5,
        ),
    ];
    let mut few = Vec::new();
    for (list, _) in &lists {
        few.push(cost(&fixture, &token, list).await);
    }
    for sql in MANY {
        fixture.execute(sql).await;
    }
    for ((list, most), few) in lists.iter().zip(few) {
        let many = cost(&fixture, &token, list).await;
        assert_eq!(many, few, "{list}");
        assert!(many <= *most, "{list}: {many} statements");
    }
    let robots = call(
        &fixture,
        &token,
        "GET",
        &path("/robots?permissions=true"),
        "",
    )
    .await
    .json();
    let robots = robots["robots"].as_array().unwrap();
    assert_eq!(robots.len(), 50);
    let complete = |robot: &Value| {
        robot["repositories"].as_array().map(Vec::len) == Some(50)
            && robot["teams"].as_array().map(Vec::len) == Some(1)
    };
    assert!(robots.iter().all(complete), "{}", robots[0]);
    let collaborators = call(&fixture, &token, "GET", &path("/collaborators"), "").await;
    let collaborators = collaborators.json();
    assert_eq!(collaborators["collaborators"].as_array().unwrap().len(), 1);
}
