//! The organization itself, and its people.

use super::*;

const ACME: &str = "/api/v1/organization/acme";

pub(super) async fn an_organization_is_made_seen_changed_and_deleted(engine: Engine) -> Result<()> {
    let world = World::start(engine, json!({ "FEATURE_SUPERUSERS_FULL_ACCESS": true })).await?;
    let World {
        server,
        devel,
        ann,
        bob,
        ..
    } = &world;

    for (body, text) in [
        (
            json!({ "name": "acme" }),
            "A user or organization with this name already exists",
        ),
        (
            json!({ "name": "bob" }),
            "A user or organization with this name already exists",
        ),
        (
            json!({ "name": "other", "email": "nonsense" }),
            "Invalid email address",
        ),
        (
            json!({ "name": "other", "email": "bob@example.com" }),
            "Email has already been used: bob@example.com",
        ),
    ] {
        let answer = ann.post("/api/v1/organization/", body).await?;
        let refused = refusal(answer, 400, "invalid_request")?;
        assert_eq!(refused["error_message"], text);
        assert_eq!(refused["detail"], text);
    }
    for body in [
        json!({}),
        json!({ "name": 1 }),
        json!({ "name": "other", "email": null }),
        json!({ "name": "Other" }),
    ] {
        let answer = ann.post("/api/v1/organization/", body).await?;
        refusal(answer, 400, "invalid_request")?;
    }
    let anonymous = server.anonymous();
    anonymous.fetch_csrf_token().await?;
    let body = json!({ "name": "other" });
    let answer = anonymous.post("/api/v1/organization/", body).await?;
    refusal(answer, 401, "invalid_token")?;
    refusal(
        ann.get("/api/v1/organization/other").await?,
        404,
        "not_found",
    )?;

    // Everybody sees the name; members see the teams; administrators the rest.
    for client in [&anonymous, bob] {
        let seen = json_of(client.get(ACME).await?, 200)?;
        assert_eq!(
            without_avatar(seen),
            json!({ "name": "acme", "email": "", "is_admin": false, "is_member": false })
        );
    }
    let seen = json_of(ann.get(ACME).await?, 200)?;
    assert_eq!(seen["avatar"]["kind"], "user");
    let mut seen = without_avatar(seen);
    let owners = without_avatar(seen["teams"]["owners"].take());
    assert_eq!(
        owners,
        json!({ "name": "owners", "description": "", "role": "admin", "can_view": true, "repo_count": 0,
            "member_count": 1, "is_synced": false })
    );
    for (field, value) in [
        ("name", json!("acme")),
        ("email", json!("team@acme.example")),
        ("is_admin", json!(true)),
        ("is_member", json!(true)),
        ("ordered_teams", json!(["owners"])),
        ("invoice_email", json!(false)),
        ("invoice_email_address", Value::Null),
        ("tag_expiration_s", json!(1_209_600)),
        ("is_free_account", json!(true)),
    ] {
        assert_eq!(seen[field], value, "{field}");
    }

    let change = json!({ "contact_email": "new@acme.example", "invoice_email": true,
        "invoice_email_address": "pay@acme.example", "tag_expiration_s": 86_400, "unknown": 1 });
    let changed = json_of(ann.put(ACME, change).await?, 200)?;
    assert_eq!(changed["email"], "new@acme.example");
    assert_eq!(changed["invoice_email_address"], "pay@acme.example");
    assert_eq!(changed["tag_expiration_s"], 86_400);
    let bad = json!({ "invoice_email": false, "tag_expiration_s": 5 });
    let bad = json_of(ann.put(ACME, bad).await?, 400)?;
    assert_eq!(bad, json!({ "message": "Invalid tag expiration option" }));
    for body in [
        json!({ "tag_expiration_s": -1 }),
        json!({ "email": "nonsense", "invoice_email": false }),
        json!({ "invoice_email": "yes" }),
        json!({ "email": null }),
    ] {
        refusal(ann.put(ACME, body).await?, 400, "invalid_request")?;
    }
    let unchanged = json_of(ann.get(ACME).await?, 200)?;
    assert_eq!(unchanged["invoice_email"], json!(true));
    assert_eq!(unchanged["email"], "new@acme.example");
    refusal(bob.put(ACME, json!({})).await?, 403, "insufficient_scope")?;
    let none = devel.put("/api/v1/organization/none", json!({})).await?;
    refusal(none, 404, "not_found")?;
    let taken_away = devel.put(ACME, json!({ "contact_email": null })).await?;
    assert_eq!(
        json_of(taken_away, 200)?["email"],
        "",
        "a superuser with full access may change it"
    );

    // Q22: it is out of sight at once, and its name is not free until it is collected.
    refusal(bob.delete(ACME).await?, 403, "insufficient_scope")?;
    ann.delete(ACME).await?.expect(&[StatusCode::NO_CONTENT])?;
    refusal(ann.get(ACME).await?, 404, "not_found")?;
    refusal(ann.delete(ACME).await?, 403, "insufficient_scope")?;
    let again = ann
        .post("/api/v1/organization/", json!({ "name": "acme" }))
        .await?;
    let again = refusal(again, 400, "invalid_request")?;
    let message = again["error_message"].as_str().unwrap();
    assert!(message.starts_with("Username is not available"), "{again}");
    Ok(())
}

pub(super) async fn people_are_listed_and_removed(engine: Engine) -> Result<()> {
    let world = World::start(engine, json!({})).await?;
    let World {
        server, ann, bob, ..
    } = &world;
    server.create_repository("acme/app", "private")?;
    server.create_robot("acme+ci")?;
    for team in ["devs", "testers"] {
        let path = format!("{ACME}/team/{team}");
        json_of(ann.put(&path, json!({ "role": "member" })).await?, 200)?;
        let bobs = format!("{path}/members/bob");
        json_of(ann.put(&bobs, json!({})).await?, 200)?;
    }
    server.permit("acme/app", "user", "bob", "read")?;
    server.permit("acme/app", "user", "eve", "write")?;
    server.permit("acme/app", "robot", "acme+ci", "write")?;

    let members = json_of(ann.get(&format!("{ACME}/members")).await?, 200)?;
    let members = &members["members"];
    assert_eq!(names(members, "name"), ["ann", "bob"]);
    assert_eq!(names(&members[1]["teams"], "name"), ["devs", "testers"]);
    assert_eq!(members[1]["repositories"], json!(["app"]));
    assert_eq!(members[1]["kind"], "user");
    assert_eq!(members[0]["repositories"], json!([]));
    let collaborators = json_of(ann.get(&format!("{ACME}/collaborators")).await?, 200)?;
    let eve = without_avatar(collaborators["collaborators"][0].clone());
    assert_eq!(
        eve,
        json!({ "kind": "user", "name": "eve", "repositories": ["app"] })
    );
    let robot = json_of(ann.get(&format!("{ACME}/members/acme+ci")).await?, 200)?;
    assert_eq!(
        without_avatar(robot),
        json!({ "name": "acme+ci", "kind": "robot", "teams": [], "repositories": ["app"] })
    );
    for stranger in ["eve", "nobody", "acme"] {
        let answer = ann.get(&format!("{ACME}/members/{stranger}")).await?;
        refusal(answer, 404, "not_found")?;
    }
    for list in ["members", "collaborators", "members/ann"] {
        let answer = bob.get(&format!("{ACME}/{list}")).await?;
        refusal(answer, 403, "insufficient_scope")?;
    }
    names_are_completed(&world).await?;

    let bobs = format!("{ACME}/members/bob");
    ann.delete(&bobs).await?.expect(&[StatusCode::NO_CONTENT])?;
    let members = json_of(ann.get(&format!("{ACME}/members")).await?, 200)?;
    assert_eq!(names(&members["members"], "name"), ["ann"]);
    let last = json_of(ann.delete(&format!("{ACME}/members/ann")).await?, 400)?;
    assert_eq!(
        last,
        json!({ "message": "Cannot remove user as they are the only organization admin" })
    );
    let robot = ann.delete(&format!("{ACME}/members/acme+ci")).await?;
    refusal(robot, 404, "not_found")?;
    Ok(())
}

/// Teams and robots are for members of the organization.
async fn names_are_completed(world: &World) -> Result<()> {
    let World { ann, bob, eve, .. } = world;
    let complete = async |client: &ApiClient, typed: &str| {
        let answer = client.get(&format!("/api/v1/entities/{typed}")).await?;
        Ok::<_, pierhead_testkit::Error>(json_of(answer, 200)?["results"].clone())
    };
    let found = complete(bob, "d?namespace=acme&includeTeams=true").await?;
    assert_eq!(names(&found, "name"), ["devs", "devel"]);
    let everything = "a?namespace=acme&includeTeams=true&includeOrgs=true";
    let found = complete(ann, everything).await?;
    assert_eq!(names(&found, "name"), ["ann", "acme"]);
    assert_eq!(
        without_avatar(found[0].clone()),
        json!({ "name": "ann", "kind": "user", "is_robot": false, "is_org_member": true })
    );
    assert_eq!(found[1]["avatar"]["kind"], "org");
    let robots = complete(bob, "c?namespace=acme").await?;
    assert_eq!(
        without_avatar(robots[0].clone()),
        json!({ "name": "acme+ci", "kind": "user", "is_robot": true, "is_org_member": true })
    );
    let outside = complete(eve, everything).await?;
    assert_eq!(names(&outside, "name"), ["ann"]);
    let typed = complete(eve, "%20B").await?;
    assert_eq!(
        without_avatar(typed[0].clone()),
        json!({ "name": "bob", "kind": "user", "is_robot": false })
    );
    let link = eve.post("/api/v1/entities/link/bob", json!({})).await?;
    assert_eq!(link.status, StatusCode::NOT_FOUND);
    Ok(())
}
