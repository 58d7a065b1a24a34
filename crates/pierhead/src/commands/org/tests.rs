use serde_json::json;

use super::super::testing::{Shell, is_wrong_usage};

#[tokio::test]
async fn an_organization_begins_with_its_owner_in_the_team_owners() {
    let shell = Shell::new().await;
    shell.text("user create alice").await;
    assert_eq!(
        shell.json("org create acme --owner alice").await,
        json!({ "name": "acme", "owner": "alice" })
    );
    assert_eq!(
        shell.json("org team list acme").await,
        json!([{ "name": "owners", "role": "admin", "members": ["alice"], "description": "" }])
    );
    let listed = shell.json("org list").await;
    assert_eq!(
        (&listed[0]["name"], &listed[0]["email"]),
        (&json!("acme"), &json!(null))
    );
    assert_eq!(
        shell.fails("org create other --owner nobody").await,
        "User does not exist: nobody"
    );
    assert!(is_wrong_usage("org create acme"), "an owner is needed");
}

#[tokio::test]
async fn a_team_is_made_and_its_members_come_and_go() {
    let shell = Shell::new().await;
    shell.text("user create alice").await;
    shell.text("org create acme --owner alice").await;
    assert_eq!(
        shell.json("org team create acme devs --role creator").await,
        json!({ "organization": "acme", "team": "devs", "role": "creator" })
    );
    let text = shell.text("org team add-member acme devs alice").await;
    assert!(
        text.starts_with("Added alice to team devs of acme.\n"),
        "{text}"
    );
    assert_eq!(
        shell.json("org team list acme").await[0]["members"],
        json!(["alice"])
    );
    shell.text("org team remove-member acme devs alice").await;
    assert_eq!(
        shell.json("org team list acme").await[0]["members"],
        json!([])
    );
}
