use super::super::testing::{Shell, is_wrong_usage};

#[tokio::test]
async fn a_robot_is_made_listed_renewed_and_deleted() {
    let shell = Shell::new().await;
    shell.text("user create alice").await;
    let created = shell
        .json("robot create alice+ci --description builds")
        .await;
    assert_eq!(created["name"], "alice+ci");
    assert_eq!(created["token"].as_str().map(str::len), Some(64));
    let listed = shell.json("robot list alice").await;
    assert_eq!(
        (&listed[0]["name"], &listed[0]["description"]),
        (&"alice+ci".into(), &"builds".into())
    );
    assert_eq!(listed[0].get("token"), None);
    let renewed = shell.json("robot regenerate alice+ci").await;
    assert_ne!(renewed["token"], created["token"]);
    shell.text("robot delete alice+ci").await;
    assert_eq!(
        shell.text("robot list alice").await,
        "The namespace has no robots.\n"
    );
    assert_eq!(
        shell.fails("robot regenerate alice+ci").await,
        "Could not find robot with username: alice+ci"
    );
}

#[test]
fn a_robot_is_named_in_full() {
    assert!(is_wrong_usage("robot create ci"));
    assert!(is_wrong_usage("robot create +ci"));
    assert!(is_wrong_usage("robot delete alice+"));
}
