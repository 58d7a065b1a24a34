//! Basic credentials.

use std::time::Duration;

use pierhead_db::encoding::key::DerivedKey;
use pierhead_db::encoding::password::PasswordCipher;

use super::fixture::Fixture;
use crate::last_accessed::TOUCHES_AT_ONCE;
use crate::{CredentialTable, SignInError};

impl Fixture {
    async fn refusal(&self, username: &str, password: &str) -> SignInError {
        self.auth.basic(username, password).await.unwrap_err()
    }

    /// Waits for records of use that are on their way.
    async fn touched(&self) {
        let all = u32::try_from(TOUCHES_AT_ONCE).unwrap();
        drop(self.auth.inner.touches.acquire_many(all).await.unwrap());
    }
}

#[tokio::test]
async fn a_password_opens_by_user_name_and_by_e_mail() {
    let fixture = Fixture::with_ann().await;
    let ann = fixture.ann().await;
    assert_eq!(ann.id.table, CredentialTable::Password);
    assert_eq!(ann.account.as_ref().unwrap().username, "ann");
    let by_mail = fixture.auth.basic("ann@example.com", "ann-secret").await;
    assert_eq!(by_mail.unwrap(), ann);
}

#[tokio::test]
async fn a_verified_password_costs_no_statement_for_five_seconds_and_one_after_that() {
    let fixture = Fixture::with_ann().await;
    fixture.ann().await;
    fixture.touched().await;
    fixture.ann().await;
    let before = fixture.db.statements();
    fixture.ann().await;
    assert_eq!(fixture.db.statements() - before, 0);
    fixture.advance(5);
    fixture.ann().await;
    assert_eq!(fixture.db.statements() - before, 1);
}

#[tokio::test]
async fn a_robot_token_is_verified_by_one_statement() {
    let fixture = Fixture::with_ann().await;
    let before = fixture.db.statements();
    fixture.ci().await;
    assert_eq!(fixture.db.statements() - before, 1);
}

#[tokio::test]
async fn answers_to_wrong_credentials_are_in_quays_words() {
    let fixture = Fixture::with_ann().await;
    let robot = "R".repeat(63) + "X";
    for (username, password, message) in [
        ("ann", "wrong", "Invalid Username or Password"),
        ("nobody", "wrong", "Invalid Username or Password"),
        ("änn", "wrong", "Invalid Username or Password"),
        ("$app", "short", "Invalid token"),
        ("$token", "short", "Invalid access token"),
        (
            "$oauthtoken",
            "short",
            "OAuth access token could not be validated",
        ),
        (
            "ann+ci",
            &*robot,
            "Could not find robot with username: ann+ci and supplied password.",
        ),
        (
            "ann+other",
            &*robot,
            "Could not find robot with username: ann+other and supplied password.",
        ),
    ] {
        let refusal = fixture.refusal(username, password).await;
        assert_eq!(refusal.to_string(), message, "{username}");
        assert!(!refusal.is_internal());
    }
}

#[tokio::test]
async fn a_failed_attempt_locks_the_account_for_a_while_even_for_the_right_password() {
    let fixture = Fixture::with_ann().await;
    fixture.ann().await;
    fixture.refusal("ann", "wrong").await;
    let refusal = fixture.refusal("ann", "ann-secret").await;
    let SignInError::TooManyAttempts { retry_after } = refusal else {
        panic!("{refusal}");
    };
    assert_eq!(retry_after, Duration::from_millis(500));
    fixture.clock.advance(Duration::from_millis(500));
    fixture.ann().await;
    let attempts = "SELECT invalid_login_attempts FROM \"user\" WHERE username = 'ann'";
    assert_eq!(fixture.number(attempts).await, 0);
}

#[tokio::test]
async fn attempts_while_locked_are_not_counted() {
    let fixture = Fixture::with_ann().await;
    for _ in 0..3 {
        fixture.refusal("ann", "wrong").await;
    }
    let attempts = "SELECT invalid_login_attempts FROM \"user\" WHERE username = 'ann'";
    assert_eq!(fixture.number(attempts).await, 1);
}

#[tokio::test]
async fn an_encrypted_password_counts_and_can_be_required() {
    let fixture = Fixture::with(|config| config.require_encrypted_password = true).await;
    fixture.add_ann().await;
    let key = DerivedKey::from_secret("testkey").unwrap();
    let encrypted = PasswordCipher::new(key).encrypt("ann-secret").unwrap();
    assert!(fixture.auth.basic("ann", &encrypted).await.is_ok());
    let refusal = fixture.refusal("ann", "ann-secret").await;
    assert!(matches!(refusal, SignInError::PlainPassword));
}

#[tokio::test]
async fn only_the_first_72_bytes_of_a_password_count() {
    let fixture = Fixture::new().await;
    let long = "p".repeat(72);
    fixture.user("bea", &long).await;
    assert!(fixture.auth.basic("bea", &format!("{long}x")).await.is_ok());
    assert!(fixture.auth.basic("bea", &long[1..]).await.is_err());
}

#[tokio::test]
async fn hashes_of_older_programs_are_accepted() {
    let fixture = Fixture::with_ann().await;
    for prefix in ["$2a$", "$2y$"] {
        fixture
            .execute(&format!(
                "UPDATE \"user\" SET password_hash = '{prefix}' || substr(password_hash, 5) WHERE username = 'ann'"
            ))
            .await;
        fixture.auth.forget_everything();
        fixture.ann().await;
    }
}

#[tokio::test]
async fn tokens_open_by_their_public_part_and_their_secret() {
    let fixture = Fixture::with_ann().await;
    let app = fixture.app_token().await;
    let oauth = fixture.oauth_token("repo:read").await;
    let repository = fixture.repository("ann", "built", "private").await;
    let access = fixture.access_token(repository, "write").await;
    for (username, token) in [("$app", &app), ("$oauthtoken", &oauth), ("$token", &access)] {
        let credential = fixture.auth.basic(username, token).await.unwrap();
        let account = credential.account.map(|account| account.username);
        let expected = (username != "$token").then(|| "ann".to_owned());
        assert_eq!(account, expected);
        let wrong = format!("{}X", &token[..token.len() - 1]);
        assert!(
            fixture.auth.basic(username, &wrong).await.is_err(),
            "{username}"
        );
    }
}

#[tokio::test]
async fn expired_tokens_and_those_of_disabled_users_are_refused_with_the_reason() {
    let fixture = Fixture::with_ann().await;
    let app = fixture.app_token().await;
    let oauth = fixture.oauth_token("repo:read").await;
    fixture.auth.basic("$app", &app).await.unwrap();
    fixture
        .execute("UPDATE \"user\" SET enabled = false WHERE username = 'ann'")
        .await;
    fixture.advance(5);
    let robot = "R".repeat(64);
    for (username, password, message) in [
        (
            "$app",
            &*app,
            "This user has been disabled. Please contact your administrator.",
        ),
        (
            "$oauthtoken",
            &*oauth,
            "Granter of the oauth access token is disabled",
        ),
        (
            "ann",
            "ann-secret",
            "This user has been disabled. Please contact your administrator.",
        ),
        ("ann", "wrong", "Invalid Username or Password"),
        ("ann+ci", &*robot, "Robot ann+ci owner ann is disabled"),
    ] {
        let refusal = fixture.refusal(username, password).await;
        assert_eq!(refusal.to_string(), message, "{username}");
    }
    fixture
        .execute("UPDATE \"user\" SET enabled = true WHERE username = 'ann'")
        .await;
    fixture.advance(7_200);
    assert!(matches!(
        fixture.refusal("$app", &app).await,
        SignInError::WrongAppToken
    ));
    assert!(matches!(
        fixture.refusal("$oauthtoken", &oauth).await,
        SignInError::OAuthTokenExpired
    ));
}

#[tokio::test]
async fn a_replaced_secret_ends_what_was_remembered_within_five_seconds_or_at_once_when_told() {
    let fixture = Fixture::with_ann().await;
    let old = "R".repeat(64);
    fixture.ci().await;
    fixture.ci().await;
    fixture
        .execute("UPDATE robotaccounttoken SET token = 'v0$$replaced'")
        .await;
    fixture.advance(5);
    // The replaced value is no encrypted text: reading it is what fails now.
    assert!(matches!(
        fixture.refusal("ann+ci", &old).await,
        SignInError::Encoding(_)
    ));

    let ann = fixture.ann().await.account.unwrap().id;
    fixture.ann().await;
    let hash = bcrypt::hash("other-secret", 4).unwrap();
    fixture
        .execute(&format!(
            "UPDATE \"user\" SET password_hash = '{hash}' WHERE username = 'ann'"
        ))
        .await;
    fixture.auth.forget_principal(ann);
    assert!(matches!(
        fixture.refusal("ann", "ann-secret").await,
        SignInError::WrongPassword
    ));
}

#[tokio::test]
async fn a_remembered_password_does_not_open_the_account_that_took_over_the_name() {
    let fixture = Fixture::with_ann().await;
    fixture.ann().await;
    fixture
        .execute("UPDATE \"user\" SET username = 'anna', email = 'a@b' WHERE username = 'ann'")
        .await;
    fixture.user("ann", "another-secret").await;
    fixture.auth.forget_everything();
    assert!(matches!(
        fixture.refusal("ann", "ann-secret").await,
        SignInError::WrongPassword
    ));
}

#[tokio::test]
async fn robots_can_be_disallowed_with_exceptions() {
    let fixture = Fixture::with(|config| {
        config.robots_disallow = true;
        config.robots_whitelist.insert("ann+ci".to_owned());
    })
    .await;
    fixture.add_ann().await;
    fixture.robot("ann+other", &"Q".repeat(64)).await;
    fixture.ci().await;
    let refusal = fixture.refusal("ann+other", &"Q".repeat(64)).await;
    assert!(matches!(refusal, SignInError::RobotsDisallowed));
}

#[tokio::test]
async fn use_is_recorded_once_a_minute() {
    let fixture = Fixture::with_ann().await;
    let app = fixture.app_token().await;
    let at = "SELECT CAST(strftime('%s', last_accessed) AS integer) - 1767225600 FROM appspecificauthtoken";
    for (advance, expected) in [(0, 0), (30, 0), (30, 60), (5, 60)] {
        fixture.advance(advance);
        fixture.auth.basic("$app", &app).await.unwrap();
        fixture.touched().await;
        assert_eq!(
            fixture.number(at).await,
            expected,
            "after {advance} more seconds"
        );
    }
}

#[tokio::test]
async fn a_sign_in_elsewhere_is_a_use() {
    let fixture = Fixture::with_ann().await;
    let uuid = fixture.ann().await.account.unwrap().uuid.unwrap();
    fixture.touched().await;
    let at = "SELECT CAST(strftime('%s', last_accessed) AS integer) - 1767225600 FROM \"user\"
        WHERE username = 'ann'";
    for (advance, expected) in [(30, 0), (90, 120)] {
        fixture.advance(advance);
        fixture.auth.record_sign_in_elsewhere(&uuid).await.unwrap();
        fixture.touched().await;
        assert_eq!(fixture.number(at).await, expected);
    }
    fixture
        .auth
        .record_sign_in_elsewhere("nobody")
        .await
        .unwrap();
}

#[tokio::test]
async fn nothing_is_written_in_read_only_mode() {
    let fixture = Fixture::with(|config| config.read_only = true).await;
    fixture.add_ann().await;
    fixture.refusal("ann", "wrong").await;
    fixture.ann().await;
    fixture.touched().await;
    let changed = "SELECT count(*) FROM \"user\" WHERE invalid_login_attempts > 0 OR last_accessed IS NOT NULL";
    assert_eq!(fixture.number(changed).await, 0);
}

#[tokio::test]
async fn passwords_are_refused_where_the_database_does_not_check_them() {
    let fixture = Fixture::with(|config| config.password_sign_in = false).await;
    fixture.add_ann().await;
    assert!(matches!(
        fixture.refusal("ann", "ann-secret").await,
        SignInError::PasswordsNotAccepted
    ));
    fixture.ci().await;
}

#[tokio::test]
async fn secrets_are_in_no_error_and_no_debug_output() {
    let fixture = Fixture::with_ann().await;
    let ann = fixture.ann().await;
    let issued = fixture.issue(Some(&ann), &[]).await.unwrap();
    let refusal = fixture.refusal("ann", "my-secret-guess").await;
    let printed = format!(
        "{ann:?} {issued:?} {:?} {refusal:?} {refusal}",
        fixture.auth
    );
    for secret in ["ann-secret", "my-secret-guess", &issued.token, "$2b$"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}
