#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt as _;

use super::super::testing::Fixture;
use super::*;

fn bootstrap(fixture: &Fixture, owner: &str) -> Bootstrap {
    Bootstrap {
        owner: owner.to_owned(),
        scope: "super:user repo:read".to_owned(),
        lifetime: Duration::hours(1),
        path: fixture.folder().join("machine/token.json"),
    }
}

fn token(bootstrap: &Bootstrap) -> Secret {
    let text = std::fs::read_to_string(&bootstrap.path).unwrap();
    let content: Value = serde_json::from_str(&text).unwrap();
    Secret::new(content["access_token"].as_str().unwrap())
}

const COUNT: &str = "SELECT COUNT(*) FROM oauthaccesstoken";

#[tokio::test]
async fn a_token_is_made_once_and_written_for_its_owner_alone() {
    let fixture = Fixture::new().await;
    let bootstrap = bootstrap(&fixture, "root");
    let accounts = &fixture.accounts;
    let nobody = accounts.provision_bootstrap(&bootstrap).await.unwrap();
    assert_eq!(nobody, Provisioned::NoOwner);
    assert!(!bootstrap.path.exists());

    fixture.user("root").await;
    assert_eq!(
        accounts.provision_bootstrap(&bootstrap).await.unwrap(),
        Provisioned::Made
    );
    let first = token(&bootstrap);
    assert_eq!(first.expose().len(), 40);
    let mode = std::fs::metadata(&bootstrap.path)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let row = fixture
        .row("SELECT scope, token_type, data FROM oauthaccesstoken")
        .await;
    assert_eq!(row["scope"].as_deref(), Some("super:user repo:read"));
    let data: Value = serde_json::from_str(row["data"].as_deref().unwrap()).unwrap();
    let expected =
        json!({ "kind": "bootstrap", "owner": "root", "application_name": "__quay_bootstrap_app" });
    assert_eq!(data, expected);

    std::fs::remove_file(&bootstrap.path).unwrap();
    let again = accounts.provision_bootstrap(&bootstrap).await.unwrap();
    assert_eq!(again, Provisioned::AlreadyThere);
    assert!(!bootstrap.path.exists());
    assert_eq!(fixture.value(COUNT).await, "1");
}

#[tokio::test]
async fn the_application_of_a_former_owner_goes() {
    let fixture = Fixture::new().await;
    fixture.user("root").await;
    fixture.user("heir").await;
    let accounts = &fixture.accounts;
    accounts
        .provision_bootstrap(&bootstrap(&fixture, "root"))
        .await
        .unwrap();
    let made = accounts
        .provision_bootstrap(&bootstrap(&fixture, "heir"))
        .await
        .unwrap();
    assert_eq!(made, Provisioned::Made);
    assert_eq!(
        fixture.value("SELECT COUNT(*) FROM oauthapplication").await,
        "1"
    );
}

#[tokio::test]
async fn renewal_replaces_the_token_in_file_and_database() {
    let fixture = Fixture::new().await;
    let root = fixture.user("root").await;
    let bootstrap = bootstrap(&fixture, "root");
    let accounts = &fixture.accounts;
    accounts.provision_bootstrap(&bootstrap).await.unwrap();
    let first = token(&bootstrap);

    assert_eq!(
        accounts
            .renew_bootstrap(&bootstrap, &first, false)
            .await
            .unwrap(),
        root
    );
    let second = token(&bootstrap);
    assert_ne!(second.expose(), first.expose());
    assert_eq!(fixture.value(COUNT).await, "1");
    let used = accounts.renew_bootstrap(&bootstrap, &first, false).await;
    assert!(matches!(used, Err(BootstrapError::NotABootstrapToken)));

    // An expired one is renewed on the machine itself only.
    fixture
        .execute("UPDATE oauthaccesstoken SET expires_at = '2020-01-01 00:00:00'")
        .await;
    let expired = accounts.renew_bootstrap(&bootstrap, &second, false).await;
    assert!(matches!(expired, Err(BootstrapError::Expired)));
    accounts
        .renew_bootstrap(&bootstrap, &second, true)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_token_that_cannot_be_written_is_not_made_or_replaced() {
    let fixture = Fixture::new().await;
    fixture.user("root").await;
    let good = bootstrap(&fixture, "root");
    let accounts = &fixture.accounts;
    let file = fixture.folder().join("file");
    std::fs::write(&file, "").unwrap();
    let bad = Bootstrap {
        path: file.join("token.json"),
        ..good.clone()
    };

    let failed = accounts.provision_bootstrap(&bad).await;
    assert!(matches!(failed, Err(BootstrapError::File { .. })));
    assert_eq!(fixture.value(COUNT).await, "0");

    accounts.provision_bootstrap(&good).await.unwrap();
    let first = token(&good);
    assert!(accounts.renew_bootstrap(&bad, &first, false).await.is_err());
    accounts
        .renew_bootstrap(&good, &first, false)
        .await
        .unwrap();
}

#[tokio::test]
async fn any_other_token_of_the_owner_renews_nothing() {
    let fixture = Fixture::new().await;
    fixture.user("root").await;
    let bootstrap = bootstrap(&fixture, "root");
    let accounts = &fixture.accounts;
    accounts.provision_bootstrap(&bootstrap).await.unwrap();
    let first = token(&bootstrap);
    fixture
        .execute(r#"UPDATE oauthaccesstoken SET data = '{"username": "root"}'"#)
        .await;
    for text in [first.expose(), "short", &"X".repeat(40)] {
        let refused = accounts
            .renew_bootstrap(&bootstrap, &Secret::new(text), true)
            .await;
        assert!(
            matches!(refused, Err(BootstrapError::NotABootstrapToken)),
            "{text}"
        );
    }
}

#[tokio::test]
async fn switching_it_off_revokes_the_tokens_of_every_owner() {
    let fixture = Fixture::new().await;
    fixture.user("root").await;
    let bootstrap = bootstrap(&fixture, "root");
    let accounts = &fixture.accounts;
    accounts.provision_bootstrap(&bootstrap).await.unwrap();
    accounts.revoke_bootstrap(&bootstrap.path).await.unwrap();
    assert_eq!(
        fixture.value("SELECT COUNT(*) FROM oauthapplication").await,
        "0"
    );
    assert!(!bootstrap.path.exists());
    accounts.revoke_bootstrap(&bootstrap.path).await.unwrap();
}
