//! Default permissions.

use super::*;

const PROTOTYPES: &str = "/api/v1/organization/acme/prototypes";

pub(super) async fn default_permissions_are_made_changed_and_deleted(engine: Engine) -> Result<()> {
    let world = World::start(engine, json!({})).await?;
    let World { ann, bob, .. } = &world;
    let new = json!({ "role": "write", "activating_user": { "name": "ann" },
        "delegate": { "name": "bob", "kind": "user" } });
    let made = json_of(ann.post(PROTOTYPES, new).await?, 200)?;
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["role"], "write");
    assert_eq!(
        without_avatar(made["activating_user"].clone()),
        json!({ "name": "ann", "is_robot": false, "kind": "user", "is_org_member": true })
    );
    assert_eq!(
        without_avatar(made["delegate"].clone()),
        json!({ "name": "bob", "is_robot": false, "kind": "user", "is_org_member": false })
    );
    let for_team = json!({ "role": "read", "delegate": { "name": "owners", "kind": "team" } });
    let for_team = json_of(ann.post(PROTOTYPES, for_team).await?, 200)?;
    assert_eq!(for_team["activating_user"], Value::Null);
    assert_eq!(
        without_avatar(for_team["delegate"].clone()),
        json!({ "name": "owners", "kind": "team" })
    );

    let delegate = json!({ "name": "bob", "kind": "user" });
    for (body, text) in [
        (
            json!({ "role": "read", "delegate": { "name": "nobody", "kind": "user" } }),
            "Missing delegate user or team",
        ),
        (
            json!({ "role": "read", "activating_user": { "name": "nobody" }, "delegate": delegate }),
            "Unknown activating user",
        ),
    ] {
        let refused = refusal(ann.post(PROTOTYPES, body).await?, 400, "invalid_request")?;
        assert_eq!(refused["error_message"], text);
    }
    for body in [
        json!({ "delegate": delegate }),
        json!({ "role": "none", "delegate": delegate }),
        json!({ "role": "read", "delegate": { "name": "bob" } }),
        json!({ "role": "read", "delegate": { "name": "bob", "kind": "org" } }),
        json!({ "role": "read", "delegate": delegate, "activating_user": null }),
    ] {
        refusal(ann.post(PROTOTYPES, body).await?, 400, "invalid_request")?;
    }
    let no_team = json!({ "role": "read", "delegate": { "name": "none", "kind": "team" } });
    let no_team = json_of(ann.post(PROTOTYPES, no_team).await?, 400)?;
    assert!(no_team["message"].is_string(), "{no_team}");

    let path = format!("{PROTOTYPES}/{id}");
    let changed = json_of(ann.put(&path, json!({ "role": "admin" })).await?, 200)?;
    assert_eq!(changed["role"], "admin");
    let bad = ann.put(&path, json!({ "role": "none" })).await?;
    refusal(bad, 400, "invalid_request")?;
    let none = format!("{PROTOTYPES}/none");
    refusal(
        ann.put(&none, json!({ "role": "read" })).await?,
        404,
        "not_found",
    )?;
    refusal(bob.get(PROTOTYPES).await?, 403, "insufficient_scope")?;
    let all = json_of(ann.get(PROTOTYPES).await?, 200)?;
    assert_eq!(names(&all["prototypes"], "role"), ["admin", "read"]);
    ann.delete(&path).await?.expect(&[StatusCode::NO_CONTENT])?;
    refusal(ann.delete(&path).await?, 404, "not_found")?;
    Ok(())
}
