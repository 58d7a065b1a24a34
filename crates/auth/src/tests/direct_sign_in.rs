//! Sign-ins to the console.

use pierhead_db::encoding::key::DerivedKey;
use pierhead_db::encoding::password::PasswordCipher;

use super::fixture::Fixture;
use crate::SignInError;

impl Fixture {
    async fn signs_in(&self, login: &str, password: &str) -> Result<String, SignInError> {
        let account = self.auth.sign_in(login, password).await?;
        Ok(account.username)
    }
}

#[tokio::test]
async fn people_sign_in_by_name_or_address_and_nothing_else_does() {
    let fixture = Fixture::with_ann().await;
    for login in ["ann", "ann@example.com"] {
        assert_eq!(fixture.signs_in(login, "ann-secret").await.unwrap(), "ann");
    }
    fixture.organization("acme", "ann").await;
    let app = fixture.app_token().await;
    let key = DerivedKey::from_secret("testkey").unwrap();
    let encrypted = PasswordCipher::new(key).encrypt("ann-secret").unwrap();
    fixture.auth.basic("ann", &encrypted).await.unwrap();
    for (login, password) in [
        ("ann+ci", &*"R".repeat(64)),
        ("$app", &app),
        ("acme", ""),
        ("ann", &encrypted),
        ("ann", ""),
        ("", ""),
    ] {
        let refused = fixture.signs_in(login, password).await.unwrap_err();
        assert!(
            matches!(refused, SignInError::WrongPassword),
            "{login}: {refused}"
        );
        fixture.advance(600);
    }
}

#[tokio::test]
async fn only_the_right_password_tells_that_an_account_is_disabled() {
    let fixture = Fixture::with_ann().await;
    fixture.signs_in("ann", "ann-secret").await.unwrap();
    fixture
        .execute("UPDATE \"user\" SET enabled = false WHERE username = 'ann'")
        .await;
    fixture.auth.forget_everything();
    for _ in 0..2 {
        let refused = fixture.signs_in("ann", "ann-secret").await.unwrap_err();
        assert!(matches!(refused, SignInError::Disabled), "{refused}");
    }
    let refused = fixture.signs_in("ann", "wrong").await.unwrap_err();
    assert!(matches!(refused, SignInError::WrongPassword), "{refused}");
}

#[tokio::test]
async fn a_name_that_nobody_has_is_locked_like_one_that_somebody_has() {
    let fixture = Fixture::with_ann().await;
    for login in ["ann", "nobody"] {
        for failures in 1..4 {
            let refused = fixture.signs_in(login, "wrong").await.unwrap_err();
            assert!(matches!(refused, SignInError::WrongPassword), "{refused}");
            let refused = fixture.signs_in(login, "wrong").await.unwrap_err();
            let SignInError::TooManyAttempts { retry_after } = refused else {
                panic!("{login} after {failures}: {refused}");
            };
            let expected = 500 * ((1 << failures) - 1);
            assert_eq!(retry_after.as_millis(), expected, "{login}");
            fixture.advance(60);
        }
    }
}
