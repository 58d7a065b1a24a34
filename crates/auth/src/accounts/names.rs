//! What names, passwords and addresses may be (database.md §4.5, api-v1.md §3.4). Pure functions with Quay's messages.

use pierhead_oci::{NameError, RepositoryName};

use super::{AccountsConfig, AccountsError, Result};

/// Fewest characters of a user, organization, robot or team name.
pub const MIN_NAME_LEN: usize = 2;
/// Most characters of any name: every column for one is `varchar(255)`.
pub const MAX_NAME_LEN: usize = 255;
/// Fewest characters of a password.
pub const MIN_PASSWORD_LEN: usize = 8;
/// Most characters of an address that mail can be sent to.
const MAX_EMAIL_LEN: usize = 254;
/// Characters of a robot's token.
const ROBOT_TOKEN_LEN: usize = 64;

const NAME_FORM: &str = "Namespace must match expression ^([a-z0-9]+(?:[._-][a-z0-9]+)*)$";
const NAMESPACE_LENGTH: &str = "Namespace must be between 2 and 255 characters in length";
const TEAM_LENGTH: &str = "Team must be between 2 and 255 characters in length";
const ROBOT_LENGTH: &str = "with its namespace it is longer than 255 characters";

/// The name of a new user or organization.
pub(super) fn check_namespace(name: &str) -> Result<()> {
    account_name(name, NAMESPACE_LENGTH).map_err(|reason| AccountsError::InvalidNamespace {
        name: name.to_owned(),
        reason,
    })
}

/// The new name of a user or organization that has one.
pub(super) fn check_username(name: &str) -> Result<()> {
    account_name(name, NAMESPACE_LENGTH).map_err(|reason| AccountsError::InvalidUsername {
        name: name.to_owned(),
        reason,
    })
}

/// The name of a new team.
pub(super) fn check_team(name: &str) -> Result<()> {
    account_name(name, TEAM_LENGTH).map_err(|reason| AccountsError::InvalidTeamName {
        name: name.to_owned(),
        reason,
    })
}

/// The full name of a new robot.
pub(super) fn robot_name(namespace: &str, short: &str) -> Result<String> {
    let full = format!("{namespace}+{short}");
    account_name(short, NAMESPACE_LENGTH)
        .and_then(|()| {
            if full.len() > MAX_NAME_LEN {
                return Err(ROBOT_LENGTH);
            }
            Ok(full)
        })
        .map_err(|reason| AccountsError::InvalidRobotName {
            name: short.to_owned(),
            reason,
        })
}

/// The name of a new repository.
pub(super) fn check_repository(namespace: &str, name: &str, config: &AccountsConfig) -> Result<()> {
    RepositoryName::new(namespace, name)?;
    if name.contains('/') && !config.extended_repository_names {
        return Err(AccountsError::InvalidRepositoryName(
            NameError::NestedNotAllowed {
                repository: name.to_owned(),
            },
        ));
    }
    Ok(())
}

/// At least 8 characters, no white space, as Python's `\s` understands it.
pub(super) fn check_password(password: &str) -> Result<()> {
    let white = |c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c);
    if password.chars().count() < MIN_PASSWORD_LEN || password.contains(white) {
        return Err(AccountsError::InvalidPassword);
    }
    Ok(())
}

/// An address, checked only where mail is sent to it; elsewhere anything that fits is kept, as Quay does.
pub(super) fn check_email(email: Option<&str>, config: &AccountsConfig) -> Result<()> {
    let email = email.unwrap_or_default();
    let fine = if config.email_required {
        is_email(email)
    } else {
        email.chars().count() <= MAX_NAME_LEN
    };
    if fine {
        Ok(())
    } else {
        Err(AccountsError::InvalidEmail(email.to_owned()))
    }
}

/// An address that mail can be sent to.
pub(super) fn check_address(email: &str) -> Result<()> {
    if is_email(email) {
        Ok(())
    } else {
        Err(AccountsError::InvalidEmail(email.to_owned()))
    }
}

/// A robot token chosen by the caller.
pub(super) fn check_robot_token(token: &str) -> Result<()> {
    let fine = token.len() == ROBOT_TOKEN_LEN
        && token
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if fine {
        Ok(())
    } else {
        Err(AccountsError::InvalidRobotToken)
    }
}

/// A text for people that must fit into its column.
pub(super) fn check_length(what: &'static str, text: &str, limit: usize) -> Result<()> {
    let length = text.chars().count();
    if length > limit {
        return Err(AccountsError::TooLong {
            what,
            length,
            limit,
        });
    }
    Ok(())
}

fn account_name(name: &str, length: &'static str) -> Result<(), &'static str> {
    let parts = || name.split(['.', '_', '-']);
    if !parts().all(|part| !part.is_empty() && part.chars().all(is_alphanumeric)) {
        return Err(NAME_FORM);
    }
    if !(MIN_NAME_LEN..=MAX_NAME_LEN).contains(&name.len()) {
        return Err(length);
    }
    Ok(())
}

fn is_alphanumeric(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn is_email(email: &str) -> bool {
    if email.chars().count() > MAX_EMAIL_LEN {
        return false;
    }
    let Some((local, domain)) = email.split_once('@') else {
        return false;
    };
    let labels = || domain.split('.');
    !local.is_empty()
        && !domain.contains('@')
        && labels().count() >= 2
        && labels().all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_name_of_the_documented_form_is_accepted(
            name in "[a-z0-9]{1,8}([._-][a-z0-9]{1,8}){0,6}"
        ) {
            prop_assume!(name.len() >= MIN_NAME_LEN);
            check_namespace(&name).unwrap();
            check_team(&name).unwrap();
            prop_assert_eq!(robot_name("acme", &name).unwrap(), format!("acme+{name}"));
            check_repository("acme", &name, &AccountsConfig::default()).unwrap();
        }

        #[test]
        fn a_name_with_a_foreign_character_is_refused(
            before in "[a-z0-9]{0,4}", foreign in "[^a-z0-9._-]", after in "[a-z0-9]{0,4}"
        ) {
            let name = format!("{before}{foreign}{after}");
            prop_assert!(check_namespace(&name).is_err());
            prop_assert!(check_team(&name).is_err());
            prop_assert!(robot_name("acme", &name).is_err());
        }

        #[test]
        fn separators_stand_alone_between_letters(
            left in "[a-z0-9]{1,4}", separators in "[._-]{2,3}", right in "[a-z0-9]{1,4}"
        ) {
            prop_assert!(check_namespace(&format!("{left}{separators}{right}")).is_err(), "doubled");
            prop_assert!(check_namespace(&format!("{}{left}", &separators[..1])).is_err(), "leading");
            prop_assert!(check_namespace(&format!("{right}{}", &separators[..1])).is_err(), "trailing");
        }

        #[test]
        fn an_accepted_repository_name_never_climbs_out_of_its_namespace(name in "[a-z0-9._/-]{1,12}") {
            if check_repository("acme", &name, &AccountsConfig::default()).is_ok() {
                prop_assert!(name.split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
            }
        }
    }

    #[test]
    fn a_name_has_2_to_255_characters() {
        assert!(check_namespace("a").is_err());
        assert!(check_namespace("ab").is_ok());
        assert!(check_namespace(&"a".repeat(255)).is_ok());
        let error = check_namespace(&"a".repeat(256)).unwrap_err();
        assert!(error.to_string().ends_with(NAMESPACE_LENGTH), "{error}");
    }

    #[test]
    fn the_form_of_a_name_is_told_before_its_length() {
        assert_eq!(
            check_namespace("A").unwrap_err().to_string(),
            "Invalid namespace A: Namespace must match expression ^([a-z0-9]+(?:[._-][a-z0-9]+)*)$"
        );
    }

    #[test]
    fn a_robots_name_must_fit_together_with_its_namespace() {
        assert!(robot_name(&"a".repeat(250), "bot4").is_ok());
        assert!(robot_name(&"a".repeat(250), "robot5").is_err());
    }

    #[test]
    fn a_repository_name_may_have_slashes_only_where_nested_names_are_on() {
        let mut config = AccountsConfig::default();
        assert!(check_repository("acme", "team/app", &config).is_ok());
        config.extended_repository_names = false;
        assert!(check_repository("acme", "team/app", &config).is_err());
        assert!(check_repository("acme", "app", &config).is_ok());
        for name in ["", "/", "a/", "/a", "a//b", ".a", "a/-b", "A"] {
            assert!(
                check_repository("acme", name, &AccountsConfig::default()).is_err(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_password_has_eight_characters_and_no_white_space() {
        for bad in [
            "",
            "1234567",
            "pass word",
            "password\t",
            "pass\u{a0}word",
            "pass\u{1f}word",
        ] {
            assert!(check_password(bad).is_err(), "{bad:?}");
        }
        for good in ["12345678", "pässwörd", "correct-horse"] {
            assert!(check_password(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn an_address_is_checked_only_where_mail_is_sent() {
        let mut config = AccountsConfig::default();
        for email in [None, Some("admin@localhost"), Some("a@b.example")] {
            assert!(check_email(email, &config).is_ok());
        }
        config.email_required = true;
        assert!(check_email(Some("a@b.example"), &config).is_ok());
        for email in [
            None,
            Some("admin@localhost"),
            Some("@b.example"),
            Some("a@b@c.example"),
            Some("a@b..example"),
        ] {
            assert!(check_email(email, &config).is_err(), "{email:?}");
        }
    }

    #[test]
    fn a_robot_token_is_exactly_64_of_the_36_symbols() {
        assert!(check_robot_token(&"A9".repeat(32)).is_ok());
        for bad in [
            "A9".repeat(31),
            "A9".repeat(33),
            "a9".repeat(32),
            "Ä".repeat(32),
        ] {
            assert!(check_robot_token(&bad).is_err(), "{bad}");
        }
    }
}
