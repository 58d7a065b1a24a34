//! Searching (api-v1.md §5.20): what is found by whom, and what is told of it.

use pierhead_testkit::{Client, Engine, Image, Result};
use serde_json::json;

use super::installation::{Installation, json_of};

/// The results of `/find/all`, as `kind name` in the order of the answer.
async fn found(client: &pierhead_testkit::ApiClient, text: &str) -> Result<Vec<String>> {
    let answer = client
        .get(&format!("/api/v1/find/all?query={text}"))
        .await?;
    let answer = json_of(answer, 200)?;
    let results = answer["results"].as_array().unwrap();
    Ok(results
        .iter()
        .map(|result| {
            let part = |name: &str| result[name].as_str().unwrap().to_owned();
            format!("{} {}", part("kind"), part("name"))
        })
        .collect())
}

async fn names_are_found_by_those_who_may_see_them(engine: Engine) -> Result<()> {
    let world = Installation::start(engine, json!({})).await?;
    let ann = world.server.create_user("ann")?;
    let bob = world.server.create_user("bob")?;
    world.server.create_organization("a_b", &ann)?;
    world.server.create_organization("axb", &bob)?;
    for robot in ["a_b+deploy", "axb+deploy", "ann+deploy"] {
        world.server.create_robot(robot)?;
    }
    world.server.create_repository("a_b/app", "private")?;
    world.server.create_repository("axb/app", "public")?;
    let ann = world
        .server
        .signed_in(ann.username(), ann.password())
        .await?;

    let mut robots = found(&ann, "Deploy").await?;
    robots.sort();
    assert_eq!(robots, ["robot a_b+deploy", "robot ann+deploy"]);
    assert_eq!(found(&ann, "OWN").await?, ["team owners"]);
    let mut namespaces = found(&ann, "A").await?;
    namespaces.retain(|found| found.starts_with("organization"));
    namespaces.sort();
    assert_eq!(namespaces, ["organization a_b", "organization axb"]);
    let anonymous = world.server.anonymous();
    assert_eq!(found(&anonymous, "a_").await?, Vec::<String>::new());
    assert_eq!(found(&anonymous, "ax").await?, ["organization axb"]);
    assert_eq!(found(&anonymous, "deploy").await?, Vec::<String>::new());
    Ok(())
}

async fn only_tags_that_are_there_say_when_a_repository_changed(engine: Engine) -> Result<()> {
    let world = Installation::start(engine, json!({})).await?;
    world.server.create_repository("devel/app", "private")?;
    let registry = Client::new(&world.server, Some(&world.devel));
    registry
        .push_image("devel/app", "v1", &Image::build(1, &[10]))
        .await?;
    let usage = "/api/v1/find/repositories?query=app&includeUsage=true";
    let before = world.get(usage).await?;
    assert!(before["results"][0]["last_modified"].is_i64(), "{before}");
    world
        .delete("/api/v1/repository/devel/app/tag/v1", 204)
        .await?;
    let after = world.get(usage).await?;
    assert_eq!(after["results"][0]["last_modified"], json!(null), "{after}");
    assert_eq!(after["results"][0]["stars"], 0);
    Ok(())
}

on_engines! {
    names_are_found_by_those_who_may_see_them
    only_tags_that_are_there_say_when_a_repository_changed
}
