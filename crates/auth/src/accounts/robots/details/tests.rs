#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::accounts::testing::Fixture;
use crate::accounts::{Actor, Grantee, NewRobot, Role};

async fn robot(fixture: &Fixture, namespace: &str, short: &str) -> UserId {
    let new = NewRobot {
        namespace: namespace.to_owned(),
        short: short.to_owned(),
        unstructured_metadata: json!({ "team": "ci" }).as_object().cloned(),
        ..NewRobot::default()
    };
    fixture
        .accounts
        .create_robot(&Actor::operator(), new)
        .await
        .unwrap()
        .id
}

#[tokio::test]
async fn a_list_costs_the_same_for_one_robot_and_for_many() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.organization("acme", "alice").await;
    fixture.organization("acme2", "alice").await;
    fixture.repository("acme", "app").await;
    robot(&fixture, "acme2", "other").await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(robot(&fixture, "acme", &format!("bot{number}")).await);
    }
    let accounts = &fixture.accounts;
    for number in [0, 3] {
        let name = format!("acme+bot{number}");
        accounts
            .set_permission(
                &Actor::operator(),
                "acme",
                "app",
                Grantee::Robot(name.clone()),
                Role::Write,
            )
            .await
            .unwrap();
        accounts
            .add_team_member(&Actor::operator(), "acme", "owners", &name)
            .await
            .unwrap();
    }
    fixture
        .execute(
            r#"UPDATE "user" SET last_accessed = '2026-01-01 00:00:00' WHERE username = 'acme+bot1'"#,
        )
        .await;
    let before = fixture.db.statements();
    let robots = accounts.robots_of("acme", None, true).await.unwrap();
    assert_eq!(fixture.db.statements() - before, 1);
    let names: Vec<_> = robots.iter().map(|robot| robot.username.as_str()).collect();
    assert_eq!(
        names,
        [
            "acme+bot0",
            "acme+bot2",
            "acme+bot3",
            "acme+bot4",
            "acme+bot1"
        ],
        "those that were never used come first, as on Quay's PostgreSQL"
    );
    assert!(
        robots
            .iter()
            .all(|robot| robot.token.as_ref().unwrap().expose().len() == 64)
    );
    assert_eq!(robots[0].unstructured_metadata["team"], "ci");
    let before = fixture.db.statements();
    let access = accounts.robots_access("acme", None).await.unwrap();
    assert_eq!(fixture.db.statements() - before, 2);
    let both = RobotAccess {
        teams: vec!["owners".to_owned()],
        repositories: vec!["app".to_owned()],
    };
    assert_eq!(
        access,
        HashMap::from([(ids[0], both.clone()), (ids[3], both.clone())])
    );
    let page = accounts.robots_of("acme", Some(2), false).await.unwrap();
    assert_eq!(page.len(), 2);
    assert!(page.iter().all(|robot| robot.token.is_none()));
    let access = accounts.robots_access("acme", Some(2)).await.unwrap();
    assert_eq!(access, HashMap::from([(ids[0], both)]));
}

#[tokio::test]
async fn one_robot_is_shown_with_its_token() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    let id = robot(&fixture, "alice", "bot").await;
    let accounts = &fixture.accounts;
    let shown = accounts.robot("alice+bot").await.unwrap();
    assert_eq!(shown.id, id);
    assert_eq!(shown.description.as_deref(), Some(""));
    let renewed = accounts
        .regenerate_robot(&Actor::operator(), "alice+bot")
        .await
        .unwrap();
    let after = accounts.robot("alice+bot").await.unwrap();
    assert_eq!(
        after.token.unwrap().expose(),
        renewed.token.expose(),
        "the new token is stored"
    );
    assert_ne!(shown.token.unwrap().expose(), renewed.token.expose());
    for missing in ["alice+none", "alice", "nobody+bot"] {
        assert!(accounts.robot(missing).await.unwrap_err().is_not_found());
    }
}
