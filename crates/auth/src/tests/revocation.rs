//! Tokens end with what they were issued for: at once when this instance is told, within five seconds otherwise.

use super::fixture::{Fixture, name};
use crate::TokenError;

/// Signs in, gets a token, lets another instance change something, and looks at the token again.
async fn rights_after(change: &str, told: impl FnOnce(&Fixture)) -> String {
    let fixture = Fixture::with_ann().await;
    let ci = fixture.ci().await;
    fixture.permit_user(1, "ann+ci", "write").await;
    let bearer = fixture.bearer(Some(&ci), "ann/app:pull,push").await;
    assert_eq!(fixture.may(&bearer, "ann/app").await, "pull,push");
    fixture.execute(change).await;
    assert_eq!(
        fixture.may(&bearer, "ann/app").await,
        "pull,push",
        "remembered"
    );
    told(&fixture);
    fixture.may(&bearer, "ann/app").await
}

fn five_seconds_later(fixture: &Fixture) {
    fixture.advance(5);
}

#[tokio::test]
async fn a_replaced_robot_token_ends_the_tokens_issued_for_the_old_one() {
    let change = "UPDATE robotaccounttoken SET token = 'v0$$replaced'";
    assert_eq!(rights_after(change, five_seconds_later).await, "");
    let robot = |fixture: &Fixture| fixture.auth.forget_everything();
    assert_eq!(rights_after(change, robot).await, "");
}

#[tokio::test]
async fn who_watches_an_account_is_told_of_its_changes_and_of_no_others() {
    let fixture = Fixture::with_ann().await;
    let ann = pierhead_db::UserId(1);
    let mut watch = fixture.auth.watch(ann);
    fixture.auth.forget_repository(&name("ann/app"));
    assert!(futures_util::poll!(std::pin::pin!(watch.changed())).is_pending());
    for tell in [
        (|auth| auth.forget_principal(pierhead_db::UserId(1))) as fn(&crate::Auth),
        crate::Auth::forget_everything,
    ] {
        tell(&fixture.auth);
        assert!(futures_util::poll!(std::pin::pin!(watch.changed())).is_ready());
        assert!(futures_util::poll!(std::pin::pin!(watch.changed())).is_pending());
    }
}

#[tokio::test]
async fn a_deleted_robot_token_ends_its_tokens() {
    let change = "DELETE FROM robotaccounttoken";
    assert_eq!(rights_after(change, five_seconds_later).await, "");
}

#[tokio::test]
async fn a_disabled_owner_ends_the_tokens_of_the_robot() {
    let change = "UPDATE \"user\" SET enabled = false WHERE username = 'ann'";
    assert_eq!(rights_after(change, five_seconds_later).await, "");
}

#[tokio::test]
async fn a_removed_permission_counts_at_once_when_told() {
    let change = "DELETE FROM repositorypermission";
    let told = |fixture: &Fixture| fixture.auth.forget_repository(&name("ann/app"));
    assert_eq!(rights_after(change, told).await, "");
    assert_eq!(rights_after(change, five_seconds_later).await, "");
}

#[tokio::test]
async fn a_lowered_permission_counts_too() {
    let change =
        "UPDATE repositorypermission SET role_id = (SELECT id FROM role WHERE name = 'read')";
    assert_eq!(rights_after(change, five_seconds_later).await, "pull");
}

#[tokio::test]
async fn a_changed_visibility_ends_anonymous_pulls() {
    let fixture = Fixture::with_ann().await;
    let bearer = fixture.bearer(None, "ann/site:pull").await;
    assert_eq!(fixture.may(&bearer, "ann/site").await, "pull");
    fixture
        .execute("UPDATE repository SET visibility_id = (SELECT id FROM visibility WHERE name = 'private')")
        .await;
    fixture.auth.forget_repository(&name("ann/site"));
    assert_eq!(fixture.may(&bearer, "ann/site").await, "");
}

#[tokio::test]
async fn a_revoked_credential_does_not_even_pull_what_is_public_and_gets_no_token() {
    let fixture = Fixture::with_ann().await;
    let token = fixture.app_token().await;
    let app = fixture.auth.basic("$app", &token).await.unwrap();
    let bearer = fixture.bearer(Some(&app), "ann/site:pull").await;
    assert!(fixture.auth.is_valid(&bearer).await.unwrap());
    fixture.execute("DELETE FROM appspecificauthtoken").await;
    fixture
        .auth
        .forget_principal(app.account.as_ref().unwrap().id);
    assert!(!fixture.auth.is_valid(&bearer).await.unwrap());
    assert_eq!(fixture.may(&bearer, "ann/site").await, "");
    let refused = fixture
        .issue(Some(&app), &["repository:ann/site:pull"])
        .await;
    assert!(matches!(refused, Err(TokenError::CredentialEnded)));
}

#[tokio::test]
async fn the_expiry_of_a_credential_ends_its_tokens() {
    let fixture = Fixture::with_ann().await;
    let token = fixture.app_token().await;
    fixture.advance(7_195);
    let app = fixture.auth.basic("$app", &token).await.unwrap();
    let bearer = fixture.bearer(Some(&app), "ann/app:pull").await;
    assert_eq!(fixture.may(&bearer, "ann/app").await, "pull");
    fixture.advance(5);
    assert_eq!(fixture.may(&bearer, "ann/app").await, "");
}

#[tokio::test]
async fn a_row_that_is_used_again_does_not_revive_old_tokens() {
    let fixture = Fixture::with_ann().await;
    let token = fixture.app_token().await;
    let app = fixture.auth.basic("$app", &token).await.unwrap();
    let bearer = fixture.bearer(Some(&app), "ann/app:pull").await;
    fixture.execute("DELETE FROM appspecificauthtoken").await;
    fixture.app_token().await;
    fixture.advance(5);
    assert_eq!(
        fixture.may(&bearer, "ann/app").await,
        "",
        "same row, other secret"
    );
}
