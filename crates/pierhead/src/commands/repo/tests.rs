use serde_json::json;

use super::super::testing::{Shell, is_wrong_usage};

async fn shell() -> Shell {
    let shell = Shell::new().await;
    shell.text("user create alice").await;
    shell.text("user create bob").await;
    shell.text("org create acme --owner alice").await;
    shell.text("robot create acme+ci").await;
    shell.text("repo create acme/team/app").await;
    shell
}

#[tokio::test]
async fn a_repository_is_made_private_and_changed() {
    let shell = shell().await;
    assert_eq!(
        shell
            .json("repo create alice/web --visibility public --description Site")
            .await,
        json!({ "name": "alice/web", "visibility": "public" })
    );
    shell.text("repo state acme/team/app read-only").await;
    assert_eq!(
        shell.json("repo list").await,
        json!([
            { "name": "acme/team/app", "visibility": "private", "state": "read-only", "description": "" },
            { "name": "alice/web", "visibility": "public", "state": "normal", "description": "Site" },
        ])
    );
    shell.text("repo visibility alice/web private").await;
    assert_eq!(
        shell.text("repo list alice").await,
        "NAME       VISIBILITY  STATE   DESCRIPTION\nalice/web  private     normal  Site\n"
    );
    shell.text("repo delete alice/web").await;
    assert_eq!(
        shell.text("repo list alice").await,
        "There are no repositories.\n"
    );
    assert_eq!(
        shell.fails("repo delete alice/web").await,
        "Repository does not exist: alice/web"
    );
}

#[tokio::test]
async fn permissions_are_given_listed_and_taken_back() {
    let shell = shell().await;
    shell
        .text("repo permission acme/team/app --user bob --role write")
        .await;
    shell
        .text("repo permission acme/team/app --robot ci --role read")
        .await;
    assert_eq!(
        shell
            .json("repo permission acme/team/app --team owners --role admin")
            .await,
        json!({ "name": "acme/team/app", "kind": "team", "grantee": "owners", "role": "admin" })
    );
    assert_eq!(
        shell.json("repo permissions acme/team/app").await,
        json!([
            { "kind": "robot", "grantee": "acme+ci", "role": "read" },
            { "kind": "user", "grantee": "bob", "role": "write" },
            { "kind": "team", "grantee": "owners", "role": "admin" },
        ])
    );
    let taken = shell
        .json("repo permission acme/team/app --user bob --role none")
        .await;
    assert_eq!(taken["role"], json!(null));
    assert_eq!(
        shell
            .fails("repo permission acme/team/app --user bob --role none")
            .await,
        "User bob does not have permission for repo."
    );
}

#[test]
fn exactly_one_grantee_is_named() {
    assert!(is_wrong_usage("repo permission acme/app --role read"));
    assert!(is_wrong_usage(
        "repo permission acme/app --user a --team b --role read"
    ));
    assert!(is_wrong_usage("repo permission acme/app --user a"));
    assert!(is_wrong_usage("repo create app"));
}
