//! Whom a permission could be given to: teams, people and robots whose names start with what somebody has typed so far.

use pierhead_auth::TeamRole;
use pierhead_db::UserId;
use pierhead_db::queries::account_refs::{self, Match};
use pierhead_db::queries::teams;

use crate::caller::Caller;
use crate::error::Result;
use crate::state::Api;

/// Most teams and most people, as in Quay.
const MOST: i64 = 10;

/// What to look for.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// What names start with.
    pub(crate) prefix: String,
    /// The namespace whose teams and robots count; none if it is empty.
    pub(crate) namespace: String,
    /// Teams, too.
    pub(crate) teams: bool,
    /// The organization itself, too.
    pub(crate) organizations: bool,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// Names of teams.
    pub(crate) teams: Vec<String>,
    /// The person whose whole name was typed first, then robots, then people.
    pub(crate) accounts: Vec<Match>,
    /// The organization itself, with its address.
    pub(crate) organization: Option<(String, String)>,
    /// The namespace is an organization, so that people are members of it or not.
    pub(crate) in_organization: bool,
}

/// Looks for them. Teams and robots are for members of the organization, robots of a person for that person.
pub(crate) async fn search(api: &Api, caller: &Caller, search: Search) -> Result<Found> {
    let prefix = plain(&search.prefix);
    let rights = if search.namespace.is_empty() {
        None
    } else {
        let credential = caller.credential();
        Some(
            api.auth()
                .namespace_rights(credential, &search.namespace)
                .await?,
        )
    };
    let organization = rights
        .as_ref()
        .and_then(|rights| rights.organization.clone());
    let is_member = (rights.as_ref()).is_some_and(|rights| rights.role >= Some(TeamRole::Member))
        || (caller.has_full_access() && organization.is_some());
    let own = caller
        .user()
        .is_some_and(|user| user.username == search.namespace);
    let shows_robots = if organization.is_some() {
        is_member
    } else {
        own && (caller.credential()).is_some_and(pierhead_auth::Credential::administers_user)
    };
    let mut found = Found {
        in_organization: organization.is_some(),
        ..Found::default()
    };
    if let Some(organization) = organization.as_ref().filter(|_| is_member)
        && search.organizations
        && organization.name.starts_with(&prefix)
    {
        let details = api.accounts().organization(&organization.name).await?;
        found.organization = Some((details.username, details.email));
    }
    let id = organization.as_ref().map(|organization| organization.id);
    let mut conn = api.db().read().await?;
    if let Some(id) = id.filter(|_| is_member && search.teams) {
        found.teams = teams::matching(&mut conn, id, &prefix, MOST).await?;
    }
    let robots = if shows_robots {
        let robots = format!("{}+{prefix}", search.namespace);
        account_refs::robots_matching(&mut conn, &robots, id, MOST).await?
    } else {
        Vec::new()
    };
    let people = people(api, &mut conn, &prefix, id).await?;
    found.accounts = in_order(&prefix, people, robots);
    Ok(found)
}

async fn people(
    api: &Api,
    conn: &mut pierhead_db::Conn,
    prefix: &str,
    organization: Option<UserId>,
) -> Result<Vec<Match>> {
    let mut people = account_refs::people_matching(conn, prefix, organization, MOST).await?;
    if !api.config().users.feature_partial_user_autocomplete {
        people.retain(|person| person.account.username == prefix);
    }
    Ok(people)
}

fn in_order(prefix: &str, people: Vec<Match>, robots: Vec<Match>) -> Vec<Match> {
    let (exact, others): (Vec<_>, Vec<_>) = people
        .into_iter()
        .partition(|person| person.account.username == prefix);
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    exact
        .into_iter()
        .chain(robots)
        .chain(others)
        .take(most)
        .collect()
}

/// Names have only lower-case ASCII letters and no spaces: letters with marks are read without them, what is left is no
/// part of any name.
fn plain(typed: &str) -> String {
    let mut plain = String::with_capacity(typed.len());
    for letter in typed.chars() {
        if letter.is_ascii() {
            plain.push(letter);
        } else {
            plain.push_str(deunicode::deunicode_char(letter).unwrap_or_default());
        }
    }
    plain.retain(|letter| letter != ' ');
    plain.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_read_without_marks_and_spaces() {
        assert_eq!(plain("Jörg é"), "jorge");
        assert_eq!(plain("a.b_c-1"), "a.b_c-1");
    }
}
