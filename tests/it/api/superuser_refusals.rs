//! What superusers are refused about the accounts of others (api-v1.md §5.22), in Quay's words and shapes.

use pierhead_testkit::{Engine, Result};
use serde_json::{Value, json};

use super::installation::{Installation, json_of};

const USERS: &str = "/api/v1/superuser/users/";

async fn the_data_model_refuses_in_its_own_words(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, json!({ "SUPER_USERS": ["devel"] })).await?;
    site.server.create_organization("acme", &site.devel)?;
    for name in ["ann", "bob"] {
        let new = json!({ "username": name, "email": format!("{name}@example.com") });
        site.post(USERS, new, 200).await?;
    }
    for (new, text) in [
        (
            json!({ "username": "ann" }),
            "Username has already been taken by user cannot be reused: ann",
        ),
        (
            json!({ "username": "acme" }),
            "Username has already been taken by an organization and cannot be reused: acme",
        ),
        (
            json!({ "username": "carl", "email": "bob@example.com" }),
            "Email has already been used: bob@example.com",
        ),
    ] {
        let refused = site.post(USERS, new, 400).await?;
        assert_eq!(refused, json!({ "message": text }));
    }
    let refused = site.post(USERS, json!({ "username": "C" }), 400).await?;
    let message = refused["message"].as_str().unwrap();
    assert!(message.starts_with("Invalid namespace C: "), "{refused}");

    let bob = format!("{USERS}bob");
    let before = site.get(&bob).await?;
    for (change, text) in [
        (
            json!({ "password": "short" }),
            "Invalid password, password must be at least 8 characters and contain no whitespace.",
        ),
        (
            json!({ "email": "ann@example.com", "enabled": false }),
            "E-mail address already used",
        ),
    ] {
        let refused = site.put(&bob, change, 400).await?;
        assert_eq!(refused, json!({ "message": text }));
    }
    // Who is a superuser is written in the configuration, and nothing is done in silence.
    for superuser in [json!(true), json!(false), Value::Null] {
        let change = json!({ "enabled": false, "superuser": superuser });
        let refused = site.put(&bob, change, 400).await?;
        assert_eq!(refused["error_type"], "invalid_request");
        assert_eq!(refused["detail"], "SUPER_USERS is set in the configuration");
    }
    assert_eq!(site.get(&bob).await?, before);
    Ok(())
}

async fn who_is_listed_as_superuser_is_protected_although_they_only_read(
    engine: Engine,
) -> Result<()> {
    let config =
        json!({ "SUPER_USERS": ["devel", "rita"], "GLOBAL_READONLY_SUPER_USERS": ["rita"] });
    let site = Installation::start(engine, config).await?;
    site.server.create_user("rita")?;
    let rita = format!("{USERS}rita");
    let seen = site.get(&rita).await?;
    assert_eq!(
        (&seen["super_user"], &seen["global_readonly_super_user"]),
        (&json!(true), &json!(true))
    );
    let refused = site.delete(&rita, 400).await?;
    assert_eq!(refused["detail"], "Cannot delete a superuser");
    let refused = site.put(&rita, json!({ "enabled": false }), 400).await?;
    assert_eq!(refused["detail"], "Cannot update a superuser");
    let path = "/api/v1/superuser/takeownership/rita";
    let refused = site.post(path, json!({}), 400).await?;
    assert_eq!(refused["detail"], "Cannot take ownership of a superuser");
    assert_eq!(site.get(&rita).await?, seen);
    Ok(())
}

async fn the_configuration_is_shown_with_its_schema_while_superusers_are_on(
    engine: Engine,
) -> Result<()> {
    const CONFIG: &str = "/api/v1/superuser/config";
    let on = json!({ "SUPER_USERS": ["devel"], "FEATURE_SUPERUSER_CONFIGDUMP": true });
    let site = Installation::start(engine, on.clone()).await?;
    let shown = site.get(CONFIG).await?;
    assert_eq!(shown["config"]["FEATURE_SUPERUSER_CONFIGDUMP"], true);
    let properties = shown["schema"]["properties"].as_object().unwrap();
    for key in shown["config"].as_object().unwrap().keys() {
        assert!(properties.contains_key(key), "{key} is not in the schema");
    }
    drop(site);

    let mut off = on;
    off["FEATURE_SUPER_USERS"] = json!(false);
    let server = pierhead_testkit::Pierhead::builder()
        .engine(engine)
        .config(off)
        .start()
        .await?;
    json_of(server.anonymous().get(CONFIG).await?, 404)?;
    Ok(())
}

on_engines! {
    the_data_model_refuses_in_its_own_words
    who_is_listed_as_superuser_is_protected_although_they_only_read
    the_configuration_is_shown_with_its_schema_while_superusers_are_on
}
