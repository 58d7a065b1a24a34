#![allow(clippy::unwrap_used)]

use super::super::testing::Fixture;
use super::*;

fn invalid<T>(result: &Result<T>) -> bool {
    matches!(result, Err(AccountsError::InvalidCode))
}

#[tokio::test]
async fn a_recovery_code_signs_in_once_and_not_too_late() {
    let fixture = Fixture::new().await;
    let ann = fixture.user("ann").await;
    fixture
        .execute(r#"UPDATE "user" SET verified = false"#)
        .await;
    let code = fixture.accounts.begin_recovery(ann).await.unwrap();
    let life = TimeDelta::minutes(30);
    let recovered = fixture.accounts.recover(code.expose(), life).await.unwrap();
    assert!(recovered.id == ann && recovered.verified);
    assert!(invalid(
        &fixture.accounts.recover(code.expose(), life).await
    ));

    let code = fixture.accounts.begin_recovery(ann).await.unwrap();
    let past = fixture.accounts.recover(code.expose(), -life).await;
    assert!(invalid(&past), "it is too old");
    assert!(
        invalid(&fixture.accounts.recover(code.expose(), life).await),
        "and gone"
    );
}

#[tokio::test]
async fn a_code_needs_its_private_part_and_its_own_purpose() {
    let fixture = Fixture::new().await;
    let ann = fixture.user("ann").await;
    let code = fixture.accounts.begin_recovery(ann).await.unwrap();
    let text = String::from_utf8(STANDARD.decode(code.expose()).unwrap()).unwrap();
    let (public, private) = text.split_once(':').unwrap();
    assert_eq!((public.len(), private.len()), (16, 20));
    let life = TimeDelta::minutes(30);
    for forged in [
        STANDARD.encode(format!("{public}:")),
        STANDARD.encode(public),
        STANDARD.encode(format!("{public}:{}", "A".repeat(20))),
        STANDARD.encode(format!("{text}:x")),
        public.to_owned(),
        String::new(),
    ] {
        assert!(
            invalid(&fixture.accounts.recover(&forged, life).await),
            "{forged}"
        );
    }
    let actor = Actor::operator();
    assert!(
        invalid(
            &fixture
                .accounts
                .confirm_address(&actor, code.expose())
                .await
        ),
        "a recovery confirms no address"
    );
    let spaced = code.expose().replace('+', " ");
    assert!(fixture.accounts.recover(&spaced, life).await.is_ok());
}

#[tokio::test]
async fn the_private_part_is_stored_as_a_hash() {
    let fixture = Fixture::new().await;
    let ann = fixture.user("ann").await;
    let code = fixture.accounts.begin_recovery(ann).await.unwrap();
    let text = String::from_utf8(STANDARD.decode(code.expose()).unwrap()).unwrap();
    let (_, private) = text.split_once(':').unwrap();
    let row = fixture.row("SELECT * FROM emailconfirmation").await;
    let hash = row["verification_code"].clone().unwrap();
    assert!(hash.starts_with("$2b$") && bcrypt::verify(private, &hash).unwrap());
    assert_eq!(row["pw_reset"].as_deref(), Some("1"));
    assert_eq!(row["email_confirm"].as_deref(), Some("0"));
    assert_eq!(row["new_email"], None);
}
