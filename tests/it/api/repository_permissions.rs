//! Permissions on repositories (api-v1.md §5.9) of those to whom none may be given, and of nobody.

use pierhead_testkit::{Engine, Result};
use serde_json::json;

use super::installation::Installation;

const USERS: &str = "/api/v1/repository/acme/app/permissions/user";
const TEAMS: &str = "/api/v1/repository/acme/app/permissions/team";

async fn whatever_permission_there_is_can_be_taken_back(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, json!({})).await?;
    site.server.create_organization("acme", &site.devel)?;
    site.server.create_user("ann")?;
    site.server.create_robot("ann+ci")?;
    // A default permission may name any robot.
    let any = json!({ "role": "write", "delegate": { "kind": "user", "name": "ann+ci" } });
    site.post("/api/v1/organization/acme/prototypes", any, 200)
        .await?;
    let new = json!({ "namespace": "acme", "repository": "app", "visibility": "private", "description": "" });
    site.post("/api/v1/repository", new, 201).await?;
    let robot = format!("{USERS}/ann+ci");
    assert_eq!(site.get(&robot).await?["role"], "write");
    let refused = site.put(&robot, json!({ "role": "admin" }), 400).await?;
    assert_eq!(
        refused["detail"],
        "Cannot add robot ann+ci under namespace acme"
    );
    assert_eq!(site.get(&robot).await?["role"], "write");
    site.delete(&robot, 204).await?;
    site.call(reqwest::Method::GET, &robot, None, 400).await?;

    let users = "User does not have permission for repo.";
    let teams = "Team does not have permission for repo.";
    for (path, text) in [
        (robot.as_str(), users),
        (&format!("{USERS}/ann"), users),
        (&format!("{USERS}/nobody"), users),
        (&format!("{USERS}/acme+nobody"), users),
        (&format!("{TEAMS}/owners"), teams),
        (&format!("{TEAMS}/nobody"), teams),
    ] {
        let refused = site.delete(path, 400).await?;
        assert_eq!(refused["error_type"], "invalid_request", "{path}");
        assert_eq!(refused["detail"], text, "{path}");
    }
    for name in ["nobody", "acme+nobody"] {
        let path = format!("{USERS}/{name}");
        let refused = site.put(&path, json!({ "role": "read" }), 400).await?;
        assert_eq!(refused["detail"], format!("Invalid username: {name}"));
    }
    Ok(())
}

on_engines! {
    whatever_permission_there_is_can_be_taken_back
}
