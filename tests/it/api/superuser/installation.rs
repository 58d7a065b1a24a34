//! The installation itself: its size, configuration, logs, change log and end.

use reqwest::Method;

use super::*;

pub(super) async fn superusers_see_and_end_the_installation(engine: Engine) -> Result<()> {
    let secret = "not-for-anybodys-eyes";
    let settings = json!({ "FEATURE_SUPERUSER_CONFIGDUMP": true, "SECRET_KEY": secret });
    let mut world = World::start(engine, settings).await?;
    the_registrys_size_is_calculated_on_demand(&world).await?;
    the_configuration_is_shown_without_secrets(&world, secret).await?;
    the_whole_log_is_read_and_counted(&world).await?;
    let status = json_of(
        world.ann.get("/api/v1/superuser/registrystatus").await?,
        200,
    )?;
    assert_eq!(status, json!({ "provider_id": "file", "status": "ready" }));
    let log = json_of(world.devel.get("/api/v1/superuser/changelog/").await?, 200)?;
    assert!(log["log"].as_str().unwrap().starts_with('#'));

    let end = "/api/v1/superuser/shutdown";
    let refused = world.ann.call(Method::POST, end, None).await?;
    let refused = json_of(refused, 403)?;
    assert_eq!(refused, json!({ "error": "Permission Denied" }));
    let ending = world.devel.call(Method::POST, end, None).await?;
    assert_eq!(json_of(ending, 200)?, json!({}));
    world.server.ended().await
}

async fn the_registrys_size_is_calculated_on_demand(world: &World) -> Result<()> {
    let (devel, path) = (&world.devel, "/api/v1/superuser/registrysize/");
    let size = |queued: bool| json!({ "size_bytes": 0, "last_ran": null, "running": false, "queued": queued });
    assert_eq!(json_of(devel.get(path).await?, 200)?, size(false));
    for status in [201, 202] {
        let asked = devel.call(Method::POST, path, None).await?;
        assert_eq!(json_of(asked, status)?, "");
        assert_eq!(json_of(devel.get(path).await?, 200)?, size(true));
    }
    Ok(())
}

async fn the_configuration_is_shown_without_secrets(world: &World, secret: &str) -> Result<()> {
    let answer = world.devel.get("/api/v1/superuser/config").await?;
    assert!(!answer.text().contains(secret));
    let shown = json_of(answer, 200)?;
    let keys: Vec<_> = shown.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["config", "warning", "env", "schema"]);
    assert_eq!(shown["config"]["SUPER_USERS"], json!(["devel"]));
    assert_eq!(shown["config"]["SECRET_KEY"], "<redacted>");
    assert!(shown["env"]["PATH"].is_string());
    Ok(())
}

async fn the_whole_log_is_read_and_counted(world: &World) -> Result<()> {
    let devel = &world.devel;
    let log = json_of(devel.get("/api/v1/superuser/logs").await?, 200)?;
    for key in ["start_time", "end_time"] {
        assert!(log[key].as_str().unwrap().ends_with(" -0000"), "{log}");
    }
    let rows = log["logs"].as_array().unwrap();
    let made: Vec<_> = rows
        .iter()
        .filter(|row| row["kind"] == "user_create")
        .map(|row| row["namespace"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(made, ["ann", "auditor", "devel"], "the newest first");
    let counted = json_of(devel.get("/api/v1/superuser/aggregatelogs").await?, 200)?;
    let times: i64 = counted["aggregated"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|count| count["kind"] == "user_create")
        .map(|count| count["count"].as_i64().unwrap())
        .sum();
    assert_eq!(times, 3);
    let none = "/api/v1/superuser/logs?starttime=01/01/2001&endtime=01/02/2001";
    assert_eq!(json_of(devel.get(none).await?, 200)?["logs"], json!([]));
    let turned = "/api/v1/superuser/aggregatelogs?starttime=01/02/2001&endtime=01/01/2001";
    let none = json_of(devel.get(turned).await?, 200)?;
    assert_eq!(none, json!({ "aggregated": [] }));
    Ok(())
}
