//! Robots of organizations and of people.

use pierhead_testkit::{Client, Credentials};

use super::*;

const ROBOTS: &str = "/api/v1/organization/acme/robots";

pub(super) async fn robots_are_made_listed_renewed_and_deleted(engine: Engine) -> Result<()> {
    let world = World::start(engine, json!({ "FEATURE_SUPERUSERS_FULL_ACCESS": true })).await?;
    let World { server, ann, .. } = &world;

    // Q2: a robot for a purpose, whose token works at once.
    let ci = format!("{ROBOTS}/ci");
    let given = json!({ "description": "builds", "unstructured_metadata": { "team": "devs" } });
    let made = json_of(ann.put(&ci, given).await?, 201)?;
    let token = made["token"].as_str().unwrap().to_owned();
    assert_eq!(token.len(), 64);
    assert_eq!(made["name"], "acme+ci");
    assert_eq!(made["description"], "builds");
    assert_eq!(made["last_accessed"], Value::Null);
    assert_eq!(made["unstructured_metadata"], json!({ "team": "devs" }));
    let created = made["created"].as_str().unwrap();
    assert!(created.ends_with(" -0000"), "{made}");
    server.create_repository("acme/app", "private")?;
    server.permit("acme/app", "robot", "acme+ci", "write")?;
    let pull = async |token: &str| {
        let robot = Client::new(server, Some(&Credentials::new("acme+ci", token)));
        robot.send("GET", "/v2/acme/app/tags/list").await
    };
    pull(&token).await?.expect(&[StatusCode::OK])?;

    let twice = refusal(ann.put(&ci, json!({})).await?, 400, "invalid_request")?;
    assert_eq!(twice["error_message"], "Existing robot with name: acme+ci");
    for (short, body) in [
        ("Bad", json!({})),
        ("long", json!({ "description": "x".repeat(256) })),
        ("other", json!({ "description": 1 })),
        ("other", json!({ "unstructured_metadata": [] })),
    ] {
        let answer = ann.put(&format!("{ROBOTS}/{short}"), body).await?;
        refusal(answer, 400, "invalid_request")?;
    }
    let bare = ann.request(reqwest::Method::PUT, &format!("{ROBOTS}/bare"));
    let bare = json_of(ann.send(bare).await?, 201)?;
    assert_eq!(bare["description"], "");
    assert_eq!(bare["unstructured_metadata"], Value::Null);
    robots_are_shown(&world, &token).await?;

    let renewed = json_of(ann.post(&format!("{ci}/regenerate"), json!({})).await?, 200)?;
    let new = renewed["token"].as_str().unwrap();
    assert!(new != token && renewed.get("unstructured_metadata").is_none());
    assert_eq!(pull(&token).await?.status, StatusCode::UNAUTHORIZED);
    pull(new).await?.expect(&[StatusCode::OK])?;
    federation(ann, &ci).await?;
    people_have_robots_too(&world).await?;

    ann.delete(&ci).await?.expect(&[StatusCode::NO_CONTENT])?;
    assert_eq!(pull(new).await?.status, StatusCode::UNAUTHORIZED);
    let gone = json_of(ann.delete(&ci).await?, 400)?;
    assert_eq!(
        gone,
        json!({ "message": "Could not find robot with specified username" })
    );
    Ok(())
}

async fn robots_are_shown(world: &World, token: &str) -> Result<()> {
    let World { ann, bob, .. } = world;
    let ci = format!("{ROBOTS}/ci");
    let list = json_of(ann.get(&format!("{ROBOTS}?permissions=true")).await?, 200)?;
    let list = list["robots"].as_array().unwrap();
    assert_eq!(list.len(), 2);
    let entry = list
        .iter()
        .find(|robot| robot["name"] == "acme+ci")
        .unwrap();
    assert_eq!(entry["repositories"], json!(["app"]));
    assert_eq!(entry["teams"], json!([]));
    assert_eq!(entry["token"], json!(token));
    let list = json_of(
        ann.get(&format!("{ROBOTS}?token=false&limit=1")).await?,
        200,
    )?;
    let list = list["robots"].as_array().unwrap();
    assert_eq!(list.len(), 1);
    assert!(list[0].get("token").is_none() && list[0].get("teams").is_none());
    let bad = json_of(ann.get(&format!("{ROBOTS}?limit=many")).await?, 400)?;
    assert!(bad["message"]["limit"].is_string(), "{bad}");
    let shown = json_of(ann.get(&ci).await?, 200)?;
    assert_eq!(shown["token"], json!(token));
    assert_eq!(shown["unstructured_metadata"], json!({ "team": "devs" }));
    let missing = json_of(ann.get(&format!("{ROBOTS}/none")).await?, 400)?;
    assert_eq!(
        missing,
        json!({ "message": "Could not find robot with specified username" })
    );
    let permissions = json_of(ann.get(&format!("{ci}/permissions")).await?, 200)?;
    assert_eq!(
        permissions,
        json!({ "permissions": [{ "repository": { "name": "app", "is_public": false }, "role": "write" }] })
    );

    // Strangers see nothing, members names without tokens.
    refusal(bob.get(ROBOTS).await?, 403, "insufficient_scope")?;
    let refused = json_of(bob.get(&format!("{ci}/permissions")).await?, 403)?;
    assert!(refused["message"].is_string() && refused.get("error_type").is_none());
    let team = "/api/v1/organization/acme/team/devs";
    json_of(ann.put(team, json!({ "role": "member" })).await?, 200)?;
    json_of(
        ann.put(&format!("{team}/members/bob"), json!({})).await?,
        200,
    )?;
    let list = json_of(bob.get(&format!("{ROBOTS}?permissions=true")).await?, 200)?;
    let list = list["robots"].as_array().unwrap();
    assert_eq!(list.len(), 2);
    assert!(list[0].get("token").is_none() && list[0].get("teams").is_none());
    refusal(bob.get(&ci).await?, 403, "insufficient_scope")?;
    Ok(())
}

async fn people_have_robots_too(world: &World) -> Result<()> {
    let World { devel, bob, .. } = world;
    let own = "/api/v1/user/robots/mine";
    let made = json_of(bob.put(own, json!({})).await?, 201)?;
    assert_eq!(made["name"], "bob+mine");
    let list = json_of(bob.get("/api/v1/user/robots").await?, 200)?;
    assert_eq!(names(&list["robots"], "name"), ["bob+mine"]);
    let permissions = json_of(bob.get(&format!("{own}/permissions")).await?, 200)?;
    assert_eq!(permissions, json!({ "permissions": [] }));
    let renewed = json_of(
        bob.post(&format!("{own}/regenerate"), json!({})).await?,
        200,
    )?;
    let shown = json_of(bob.get(own).await?, 200)?;
    assert_eq!(shown["token"], renewed["token"]);
    federation(bob, own).await?;
    // A superuser with full access lists them by the other form, as Quay's console does.
    let list = json_of(devel.get("/api/v1/organization/bob/robots").await?, 200)?;
    assert_eq!(names(&list["robots"], "name"), ["bob+mine"]);
    let no_organization = devel.get("/api/v1/organization/bob/robots/mine").await?;
    assert_eq!(
        json_of(no_organization, 400)?,
        json!({ "message": "Organization does not exist: bob" })
    );
    bob.delete(own).await?.expect(&[StatusCode::NO_CONTENT])?;
    Ok(())
}

async fn federation(client: &ApiClient, robot: &str) -> Result<()> {
    let path = format!("{robot}/federation");
    assert_eq!(json_of(client.get(&path).await?, 200)?, json!([]));
    let entries = json!([
        { "issuer": "https://idp.example", "subject": "a" },
        { "issuer": "https://idp.example", "subject": "b" },
    ]);
    let stored = json_of(client.post(&path, entries.clone()).await?, 200)?;
    assert_eq!(stored, entries);
    for (body, text) in [
        (
            json!([entries[0], entries[0]]),
            "Duplicate federation config entry",
        ),
        (
            json!([{ "issuer": "idp", "subject": "a" }]),
            "Issuer must be a URL (http:// or https://)",
        ),
        (
            json!([{ "issuer": "https://idp", "subject": "" }]),
            "Missing one or more required fields (issuer, subject)",
        ),
    ] {
        let refused = refusal(client.post(&path, body).await?, 400, "invalid_request")?;
        assert_eq!(refused["error_message"], text);
    }
    for body in [json!({}), json!([{ "issuer": "https://idp" }]), json!([1])] {
        refusal(client.post(&path, body).await?, 400, "invalid_request")?;
    }
    let kept = json_of(client.get(&path).await?, 200)?;
    assert_eq!(kept, entries, "nothing of it was stored");
    client
        .delete(&path)
        .await?
        .expect(&[StatusCode::NO_CONTENT])?;
    assert_eq!(json_of(client.get(&path).await?, 200)?, json!([]));
    Ok(())
}
