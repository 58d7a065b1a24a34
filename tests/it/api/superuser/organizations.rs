//! Organizations, as superusers list, rename, take over and delete them.

use reqwest::Method;

use super::*;

const ORGANIZATIONS: &str = "/api/v1/superuser/organizations/";

pub(super) async fn organizations_are_listed_renamed_taken_over_and_deleted(
    engine: Engine,
) -> Result<()> {
    let settings = json!({ "FEATURE_QUOTA_MANAGEMENT": true, "FEATURE_EDIT_QUOTA": true });
    let mut world = World::start(engine, settings).await?;
    for (name, email) in [("acme", "acme@example.com"), ("reef", "reef@example.com")] {
        let new = json!({ "name": name, "email": email });
        json_of(world.ann.post("/api/v1/organization/", new).await?, 201)?;
    }
    they_are_listed_with_their_quotas(&world).await?;
    a_name_is_changed_everywhere(&world).await?;
    namespaces_are_taken_over(&world).await?;
    an_organization_is_deleted(&world).await?;
    world.server.stop().await
}

async fn they_are_listed_with_their_quotas(world: &World) -> Result<()> {
    let devel = &world.devel;
    let quota = "/api/v1/superuser/organization/acme/quota";
    json_of(
        devel.post(quota, json!({ "limit_bytes": 1000 })).await?,
        201,
    )?;
    let listed = json_of(devel.get(ORGANIZATIONS).await?, 200)?;
    assert!(listed.get("next_page").is_none());
    assert_eq!(names(&listed["organizations"]), ["acme", "reef"]);
    let acme = without_avatar(listed["organizations"][0].clone());
    let id = &acme["quotas"][0]["id"];
    let status = &acme["quota_report"]["backfill_status"];
    assert_eq!(
        acme,
        json!({
            "name": "acme", "email": "acme@example.com",
            "quotas": [{ "id": id, "limit_bytes": 1000, "limits": [] }],
            "quota_report": {
                "quota_bytes": 0, "configured_quota": 1000, "running_backfill": status, "backfill_status": status,
            },
        })
    );
    assert_eq!(listed["organizations"][1]["quotas"], json!([]));
    assert_eq!(
        world.pages(ORGANIZATIONS, "organizations", 1).await?,
        [vec!["acme"], vec!["reef"]]
    );
    let text = refusal(
        devel.get(&format!("{ORGANIZATIONS}?limit=101")).await?,
        400,
        "invalid_request",
    )?;
    assert_eq!(text, "Page limit cannot be above 100");
    // The session's account, the page, what they hold, the limits of their quotas.
    assert!(world.statements(ORGANIZATIONS).await? <= 5);
    let person = json_of(devel.get("/api/v1/superuser/users/ann").await?, 200)?;
    assert_eq!(person["quotas"], json!([]));
    Ok(())
}

async fn a_name_is_changed_everywhere(world: &World) -> Result<()> {
    let World { devel, ann, .. } = world;
    let acme = format!("{ORGANIZATIONS}acme");
    let robot = "/api/v1/organization/acme/robots/ci";
    json_of(ann.put(robot, json!({})).await?, 201)?;
    let before = json_of(devel.get(ORGANIZATIONS).await?, 200)?;
    for wrong in [json!({ "name": null }), json!({ "name": 1 })] {
        refusal(devel.put(&acme, wrong).await?, 400, "invalid_request")?;
    }
    for (wrong, begin) in [
        (json!({ "name": "Bad Name" }), "Invalid"),
        (json!({ "name": "ann" }), "Username is already in use"),
        (json!({ "name": "reef" }), "Username is already in use"),
    ] {
        let text = message(devel.put(&acme, wrong.clone()).await?)?;
        assert!(text.starts_with(begin), "{wrong}: {text}");
    }
    let nobody = format!("{ORGANIZATIONS}nobody");
    refusal(
        devel.put(&nobody, json!({ "name": "x1" })).await?,
        404,
        "not_found",
    )?;
    let same = json_of(devel.put(&acme, json!({})).await?, 200)?;
    assert_eq!(same, before["organizations"][0]);
    assert_eq!(json_of(devel.get(ORGANIZATIONS).await?, 200)?, before);

    let renamed = json_of(devel.put(&acme, json!({ "name": "tide" })).await?, 200)?;
    assert_eq!(
        (&renamed["name"], &renamed["email"]),
        (&json!("tide"), &json!("acme@example.com"))
    );
    let row = world.audited("org_change_name").await?;
    assert_eq!(
        row["metadata"],
        json!({ "old_name": "acme", "new_name": "tide", "superuser": "devel" })
    );
    assert_eq!(row["namespace"]["name"], "tide");
    json_of(ann.get("/api/v1/organization/acme").await?, 404)?;
    let robots = json_of(ann.get("/api/v1/organization/tide/robots").await?, 200)?;
    assert_eq!(names(&robots["robots"]), ["tide+ci"]);
    Ok(())
}

async fn namespaces_are_taken_over(world: &World) -> Result<()> {
    let World { server, devel, .. } = world;
    let take = async |name: &str| {
        let path = format!("/api/v1/superuser/takeownership/{name}");
        devel.call(Method::POST, &path, None).await
    };
    let members = "/api/v1/organization/tide/members";
    refusal(devel.get(members).await?, 403, "insufficient_scope")?;
    for _ in 0..2 {
        assert_eq!(
            json_of(take("tide").await?, 200)?,
            json!({ "namespace": "tide" })
        );
    }
    let row = world.audited("take_ownership").await?;
    let id = &row["metadata"]["entity_id"];
    assert!(id.is_i64());
    assert_eq!(
        row["metadata"],
        json!({ "entity_id": id, "namespace": "tide", "was_user": false, "superuser": "devel" })
    );
    assert_eq!(row["namespace"]["name"], "devel");
    let members = json_of(devel.get(members).await?, 200)?;
    let mut members = names(&members["members"]);
    members.sort();
    assert_eq!(members, ["ann", "devel"]);

    let bob = server.create_user("bob")?;
    assert_eq!(
        json_of(take("bob").await?, 200)?,
        json!({ "namespace": "bob" })
    );
    let row = world.audited("take_ownership").await?;
    assert_eq!(row["metadata"]["was_user"], true);
    let organization = json_of(devel.get("/api/v1/organization/bob").await?, 200)?;
    assert_eq!(organization["is_admin"], true);
    let login = json!({ "username": "bob", "password": bob.password() });
    let client = server.anonymous();
    client.fetch_csrf_token().await?;
    json_of(client.post("/api/v1/signin", login).await?, 403)?;

    let text = refusal(take("devel").await?, 400, "invalid_request")?;
    assert_eq!(text, "Cannot take ownership of a superuser");
    refusal(take("nobody").await?, 404, "not_found")?;
    refusal(take("tide+ci").await?, 404, "not_found")?;
    Ok(())
}

async fn an_organization_is_deleted(world: &World) -> Result<()> {
    let World { devel, ann, .. } = world;
    let tide = format!("{ORGANIZATIONS}tide");
    json_of(devel.delete(&tide).await?, 204)?;
    let row = world.audited("org_delete").await?;
    assert_eq!(row["metadata"], json!({ "namespace": "tide" }));
    refusal(devel.delete(&tide).await?, 404, "not_found")?;
    refusal(
        devel.delete(&format!("{ORGANIZATIONS}ann")).await?,
        404,
        "not_found",
    )?;
    json_of(ann.get("/api/v1/organization/tide").await?, 404)?;
    let listed = json_of(devel.get(ORGANIZATIONS).await?, 200)?;
    assert_eq!(names(&listed["organizations"]), ["reef", "bob"]);
    Ok(())
}
