//! Teams, who is in them, and invitations.

use pierhead_testkit::Smtp;

use super::*;

const TEAM: &str = "/api/v1/organization/acme/team";

pub(super) async fn teams_get_members_and_permissions(engine: Engine) -> Result<()> {
    let world = World::start(engine, json!({ "FEATURE_TEAM_SYNCING": true })).await?;
    let World {
        server,
        ann,
        bob,
        eve,
        ..
    } = &world;
    let devs = format!("{TEAM}/devs");
    let new = json!({ "role": "creator", "description": "who build" });
    let made = json_of(ann.put(&devs, new).await?, 200)?;
    assert_eq!(
        without_avatar(made),
        json!({ "name": "devs", "description": "who build", "can_view": true, "role": "creator", "new_team": true })
    );
    let changed = json_of(ann.put(&devs, json!({ "role": "member" })).await?, 200)?;
    assert_eq!(
        without_avatar(changed),
        json!({ "name": "devs", "description": "who build", "can_view": true, "role": "member", "new_team": false })
    );
    for body in [
        json!({}),
        json!({ "role": "owner" }),
        json!({ "role": null }),
        json!({ "role": "member", "description": 1 }),
    ] {
        refusal(ann.put(&devs, body).await?, 400, "invalid_request")?;
    }
    let bad = ann
        .put(&format!("{TEAM}/No_Name"), json!({ "role": "member" }))
        .await?;
    let bad = json_of(bad, 400)?;
    let message = bad["message"].as_str().unwrap();
    assert!(message.starts_with("Invalid team name No_Name"), "{bad}");
    let owners = format!("{TEAM}/owners");
    let demoted = json_of(ann.put(&owners, json!({ "role": "member" })).await?, 400)?;
    assert_eq!(
        demoted["message"],
        "Cannot remove admin from team 'owners' because calling user would no longer have admin on org 'acme'"
    );
    let stranger = bob.put(&devs, json!({ "role": "admin" })).await?;
    refusal(stranger, 403, "insufficient_scope")?;

    let bobs = format!("{devs}/members/bob");
    let member = json_of(ann.put(&bobs, json!({})).await?, 200)?;
    assert_eq!(
        without_avatar(member),
        json!({ "name": "bob", "kind": "user", "is_robot": false, "invited": false })
    );
    let twice = json_of(ann.put(&bobs, json!({})).await?, 400)?;
    assert_eq!(
        twice,
        json!({ "message": "User bob is already a member of team devs" })
    );
    let unknown = ann
        .put(&format!("{devs}/members/nobody"), json!({}))
        .await?;
    let unknown = refusal(unknown, 400, "invalid_request")?;
    assert_eq!(unknown["error_message"], "Unknown user");
    server.create_robot("bob+ci")?;
    let foreign = ann
        .put(&format!("{devs}/members/bob+ci"), json!({}))
        .await?;
    let foreign = json_of(foreign, 400)?;
    let message = foreign["message"].as_str().unwrap();
    assert!(
        message.starts_with("Cannot add the specified robot"),
        "{foreign}"
    );
    let none = ann
        .put(&format!("{TEAM}/none/members/bob"), json!({}))
        .await?;
    refusal(none, 404, "not_found")?;

    // Members see who is in their team; strangers do not.
    let members = format!("{devs}/members?includePending=true");
    let seen = json_of(bob.get(&members).await?, 200)?;
    assert_eq!(seen["name"], "devs");
    assert_eq!(seen["can_edit"], json!(false));
    assert_eq!(names(&seen["members"], "name"), ["bob"]);
    assert_eq!(
        json_of(ann.get(&members).await?, 200)?["can_edit"],
        json!(true)
    );
    let others = bob.get(&format!("{TEAM}/owners/members")).await?;
    refusal(others, 403, "insufficient_scope")?;
    refusal(eve.get(&members).await?, 403, "insufficient_scope")?;
    let organization = json_of(bob.get("/api/v1/organization/acme").await?, 200)?;
    assert_eq!(organization["ordered_teams"], json!(["owners", "devs"]));
    assert_eq!(organization["teams"]["owners"]["can_view"], json!(false));
    assert_eq!(organization["teams"]["devs"]["can_view"], json!(true));
    // Who administers the organization sees all teams by a token that makes repositories, and nothing else.
    let applications = "/api/v1/organization/acme/applications";
    let tool = json_of(
        ann.post(applications, json!({ "name": "tool" })).await?,
        200,
    )?;
    let tokens = format!(
        "{applications}/{}/tokens",
        tool["client_id"].as_str().unwrap()
    );
    let minted = json!({ "name": "maker", "scope": "repo:create" });
    let minted = json_of(ann.post(&tokens, minted).await?, 200)?;
    let maker = server.with_token(minted["token"].as_str().unwrap());
    let made_for = json_of(maker.get("/api/v1/organization/acme").await?, 200)?;
    assert_eq!(made_for["is_admin"], json!(false));
    for team in ["owners", "devs"] {
        assert_eq!(made_for["teams"][team]["can_view"], json!(true), "{team}");
    }
    assert!(
        organization.get("tag_expiration_s").is_none(),
        "that is for administrators"
    );

    server.create_repository("acme/app", "public")?;
    server.permit("acme/app", "team", "devs", "write")?;
    let permissions = json_of(ann.get(&format!("{devs}/permissions")).await?, 200)?;
    assert_eq!(
        permissions,
        json!({ "permissions": [{ "repository": { "name": "app", "is_public": true }, "role": "write" }] })
    );
    let stranger = bob.get(&format!("{devs}/permissions")).await?;
    refusal(stranger, 403, "insufficient_scope")?;
    there_is_no_group_to_synchronize_with(&world).await?;

    let none = json_of(ann.delete(&format!("{devs}/members/eve")).await?, 400)?;
    assert_eq!(
        none,
        json!({ "message": "User eve does not belong to team devs" })
    );
    ann.delete(&bobs).await?.expect(&[StatusCode::NO_CONTENT])?;
    refusal(bob.get(&members).await?, 403, "insufficient_scope")?;
    ann.delete(&devs).await?.expect(&[StatusCode::NO_CONTENT])?;
    let gone = json_of(ann.delete(&devs).await?, 400)?;
    assert!(gone["message"].as_str().unwrap().contains("devs"), "{gone}");
    Ok(())
}

/// Accounts are in the database alone.
async fn there_is_no_group_to_synchronize_with(world: &World) -> Result<()> {
    let World { devel, ann, .. } = world;
    let syncing = format!("{TEAM}/devs/syncing");
    let group = || json!({ "group_dn": "cn=devs" });
    let no_superuser = ann.post(&syncing, group()).await?;
    refusal(no_superuser, 403, "insufficient_scope")?;
    let no_administrator = devel.post(&syncing, group()).await?;
    refusal(no_administrator, 403, "insufficient_scope")?;
    let devels = format!("{TEAM}/owners/members/devel");
    json_of(ann.put(&devels, json!({})).await?, 200)?;
    let refused = refusal(devel.post(&syncing, group()).await?, 400, "invalid_request")?;
    assert_eq!(
        refused["error_message"],
        "Could not sync to group: Not supported"
    );
    let none = devel.delete(&format!("{TEAM}/none/syncing")).await?;
    refusal(none, 404, "not_found")?;
    assert_eq!(json_of(devel.delete(&syncing).await?, 200)?["name"], "devs");
    ann.delete(&devels)
        .await?
        .expect(&[StatusCode::NO_CONTENT])?;
    let last = json_of(ann.delete(&format!("{TEAM}/owners")).await?, 400)?;
    let message = last["message"].as_str().unwrap();
    assert!(
        message.starts_with("Deleting team 'owners' would remove"),
        "{last}"
    );
    Ok(())
}

pub(super) async fn people_from_outside_are_invited(engine: Engine) -> Result<()> {
    let smtp = Smtp::start().await?;
    let settings = json!({ "FEATURE_MAILING": true, "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": smtp.port(),
        "MAIL_USE_TLS": false, "MAIL_DEFAULT_SENDER": "registry@acme.example" });
    let world = World::start(engine, settings).await?;
    let World {
        server,
        ann,
        bob,
        eve,
        ..
    } = &world;
    let bobs = format!("{TEAM}/owners/members/bob");
    let invited = json_of(ann.put(&bobs, json!({})).await?, 200)?;
    assert_eq!(
        without_avatar(invited),
        json!({ "name": "bob", "kind": "user", "is_robot": false, "invited": true })
    );
    let mail = format!("{TEAM}/owners/invite/dan@acme.example");
    let invited = json_of(ann.put(&mail, json!({})).await?, 200)?;
    assert_eq!(
        without_avatar(invited),
        json!({ "email": "dan@acme.example", "kind": "invite", "invited": true })
    );
    let begin = format!("{}/confirminvite?code=", server.base_url());
    let mut links = Vec::new();
    for address in ["bob@example.com", "dan@acme.example"] {
        let mail = smtp.next_to(address).await?;
        assert!(
            mail.subject.ends_with("Invitation to join team"),
            "{mail:?}"
        );
        links.push(mail.link(&begin).unwrap().to_owned());
    }
    let nonsense = ann
        .put(&format!("{TEAM}/owners/invite/nonsense"), json!({}))
        .await?;
    refusal(nonsense, 400, "invalid_request")?;
    let members = format!("{TEAM}/owners/members");
    let all = json_of(
        ann.get(&format!("{members}?includePending=true")).await?,
        200,
    )?;
    let all = &all["members"];
    assert_eq!(names(all, "name"), ["ann", "bob", ""]);
    assert_eq!(all[1]["invited"], json!(true));
    assert_eq!(all[2]["email"], "dan@acme.example");
    let joined = json_of(ann.get(&members).await?, 200)?;
    assert_eq!(names(&joined["members"], "name"), ["ann"]);

    // The code is in bob's notification; only bob may use it.
    let notifications = json_of(bob.get("/api/v1/user/notifications").await?, 200)?;
    let notification = &notifications["notifications"][0];
    assert_eq!(notification["kind"], "org_team_invite");
    let code = notification["metadata"]["code"].as_str().unwrap();
    assert_eq!(
        notification["metadata"],
        json!({ "code": code, "inviter": "ann", "org": "acme", "team": "owners" })
    );
    let path = format!("/api/v1/teaminvite/{code}");
    let stolen = json_of(eve.put(&path, json!({})).await?, 400)?;
    let message = stolen["message"].as_str().unwrap();
    assert!(message.contains("intended for user \"bob\""), "{stolen}");
    let invalid = json!({ "message": "Invalid confirmation code." });
    assert_eq!(json_of(eve.delete(&path).await?, 400)?, invalid);
    let accepted = json_of(bob.put(&path, json!({})).await?, 200)?;
    assert_eq!(accepted, json!({ "org": "acme", "team": "owners" }));
    assert_eq!(json_of(bob.put(&path, json!({})).await?, 400)?, invalid);
    let organization = json_of(bob.get("/api/v1/organization/acme").await?, 200)?;
    assert_eq!(organization["is_admin"], json!(true));

    whoever_has_the_link_registers_and_joins(server, &links[1]).await?;
    refusal(ann.delete(&mail).await?, 404, "not_found")?;
    let mail = format!("{TEAM}/owners/invite/eva@acme.example");
    json_of(ann.put(&mail, json!({})).await?, 200)?;
    ann.delete(&mail).await?.expect(&[StatusCode::NO_CONTENT])?;
    refusal(ann.delete(&mail).await?, 404, "not_found")?;
    let eves = format!("{TEAM}/owners/members/eve");
    json_of(ann.put(&eves, json!({})).await?, 200)?;
    ann.delete(&eves).await?.expect(&[StatusCode::NO_CONTENT])?;
    let none = json_of(ann.delete(&eves).await?, 400)?;
    assert_eq!(
        none,
        json!({ "message": "User eve does not belong to team owners" })
    );
    // Robots need no invitation.
    server.create_robot("acme+ci")?;
    let robot = json_of(
        ann.put(&format!("{members}/acme+ci"), json!({})).await?,
        200,
    )?;
    assert_eq!(robot["is_robot"], json!(true));
    assert_eq!(robot["invited"], json!(false));
    Ok(())
}

/// The code of the link confirms the address that it was sent to; it is accepted as any other.
async fn whoever_has_the_link_registers_and_joins(server: &Pierhead, link: &str) -> Result<()> {
    let dan = server.anonymous();
    let path = link.strip_prefix(server.base_url()).unwrap();
    let page = dan.get(path).await?.expect(&[StatusCode::OK])?;
    assert!(page.text().contains("/api/v1/teaminvite/urn:teaminvite:"));
    let (_, code) = path.split_once('=').unwrap();
    let code = code.replace("%3A", ":").replace("%2D", "-");
    let new = json!({
        "username": "dan", "password": PASSWORD, "email": "dan@acme.example", "invite_code": code,
    });
    dan.fetch_csrf_token().await?;
    let me = json_of(dan.post("/api/v1/user/", new).await?, 200)?;
    assert_eq!(
        (&me["username"], &me["verified"]),
        (&json!("dan"), &json!(true)),
        "signed in without a further mail"
    );
    assert_eq!(me["organizations"], json!([]));
    let accept = format!("/api/v1/teaminvite/{code}");
    let accepted = json_of(dan.put(&accept, json!({})).await?, 200)?;
    assert_eq!(accepted, json!({ "org": "acme", "team": "owners" }));
    let acme = json_of(dan.get("/api/v1/organization/acme").await?, 200)?;
    assert_eq!(acme["is_admin"], json!(true));
    Ok(())
}
