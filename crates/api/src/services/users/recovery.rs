//! Recovery of an account whose password is lost: a link in a mail to its address.
//!
//! The answer and the time it takes are the same whether or not a person has the address: the code is made and sent
//! afterwards. The reserved place in the mail queue bounds how much of that happens at once. Only where nobody but
//! organizations has the address is that said, as Quay does; their names are public.

use chrono::TimeDelta;
use pierhead_db::UserId;
use pierhead_db::queries::profiles::{self, AddressedOrganization, Profile};
use pierhead_mail::{Letter, OrganizationAdmins, Slot};

use crate::error::Result;
use crate::services::users::{captcha, reserve_mail};
use crate::state::Api;

/// Organizations and their administrators that one mail names.
const MOST_ADMINS: i64 = 500;

/// What is said to who asked.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A mail was sent, if anybody has the address.
    Sent,
    /// Only organizations have it; the name of one, partly hidden.
    Organization(String),
}

/// Sends what helps to recover what has this address.
pub(crate) async fn request(
    api: &Api,
    email: &str,
    captcha: &str,
    ip: Option<&str>,
) -> Result<Answer> {
    captcha::check(api, captcha, ip).await?;
    let slot = reserve_mail(api)?;
    if !email.contains('@') {
        return Ok(Answer::Sent);
    }
    let (person, organizations) = {
        let mut conn = api.db().read().await?;
        let person = if email.is_ascii() {
            profiles::find_by_email(&mut conn, email).await?
        } else {
            None
        };
        let organizations = profiles::organizations_by_email(&mut conn, email, MOST_ADMINS).await?;
        (person, group(organizations))
    };
    let answer = match organizations.first() {
        Some(first) if person.is_none() => Answer::Organization(redact(&first.organization)),
        _ => Answer::Sent,
    };
    if let Some(person) = person {
        tokio::spawn(send_code(api.clone(), person, organizations, slot));
    } else if !organizations.is_empty() {
        let letter = Letter::CombinedRecovery {
            organizations,
            code: None,
        };
        slot.send(email, letter);
    }
    Ok(answer)
}

async fn send_code(api: Api, person: Profile, organizations: Vec<OrganizationAdmins>, slot: Slot) {
    let code = match api.accounts().begin_recovery(person.id).await {
        Ok(code) => code.expose().to_owned(),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a recovery could not begin"
            );
            return;
        }
    };
    let letter = if organizations.is_empty() {
        Letter::Recovery { code }
    } else {
        Letter::CombinedRecovery {
            organizations,
            code: Some(code),
        }
    };
    slot.send(person.email, letter);
}

/// Uses a recovery code: the person who may have a session now. `None` if there is no such code.
pub(crate) async fn recover(api: &Api, code: &str) -> Result<Option<Profile>> {
    let lifetime = api.config().users.user_recovery_token_lifetime.as_std();
    let lifetime = TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::MAX);
    match api.accounts().recover(code, lifetime).await {
        Ok(user) => Ok(Some(user)),
        Err(pierhead_auth::accounts::AccountsError::InvalidCode) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn group(rows: Vec<AddressedOrganization>) -> Vec<OrganizationAdmins> {
    let mut last: Option<UserId> = None;
    let mut grouped: Vec<OrganizationAdmins> = Vec::new();
    for row in rows {
        if last != Some(row.id) {
            last = Some(row.id);
            grouped.push(OrganizationAdmins {
                organization: row.username,
                admins: Vec::new(),
            });
        }
        if let (Some(organization), Some(admin)) = (grouped.last_mut(), row.admin) {
            organization.admins.push(admin);
        }
    }
    grouped
}

/// The middle third of a name as dots, as Quay hides it.
fn redact(name: &str) -> String {
    let length = name.chars().count();
    // A third less one, but at least one; in thirds, so that it stays a whole number.
    let shown_thirds = length.saturating_sub(3).max(3);
    name.chars()
        .enumerate()
        .map(|(index, c)| {
            let from_end = length - index;
            if 3 * index < shown_thirds || 3 * from_end <= shown_thirds {
                c
            } else {
                '\u{2022}'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_name_is_hidden_as_quay_hides_it() {
        for (name, hidden) in [
            ("a", "a"),
            ("ab", "ab"),
            ("abc", "a\u{2022}c"),
            ("abcdefghi", "ab\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}hi"),
            (
                "abcdefghij",
                "abc\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}ij",
            ),
        ] {
            assert_eq!(redact(name), hidden, "{name}");
        }
    }

    #[test]
    fn administrators_are_listed_under_their_organization() {
        let row = |id, username: &str, admin: Option<&str>| AddressedOrganization {
            id: UserId(id),
            username: username.to_owned(),
            admin: admin.map(str::to_owned),
        };
        let grouped = group(vec![
            row(1, "acme", Some("ann")),
            row(1, "acme", Some("bob")),
            row(2, "empty", None),
        ]);
        let names: Vec<_> = grouped
            .iter()
            .map(|found| (found.organization.as_str(), found.admins.len()))
            .collect();
        assert_eq!(names, [("acme", 2), ("empty", 0)]);
    }
}
