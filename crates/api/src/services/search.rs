//! Searching: how well a name matches what was typed, and who may find what.
//!
//! Everybody finds public repositories and their namespaces, people also those that were shared with them, and the robots and
//! teams of what they administer. Orders are those of Quay: repositories before teams before people, each by the
//! `LiquidMetal` score of the name.

use chrono::TimeDelta;
use pierhead_auth::Account;
use pierhead_auth::accounts::{TeamRole, Visibility};
use pierhead_db::RepositoryId;
use pierhead_db::queries::search::{self, FoundAccount, FoundRepository, FoundTeam, Usage, Wanted};

use crate::error::Result;
use crate::state::Api;

/// How many of each kind `/find/all` finds.
const OF_EACH_KIND: i64 = 5;
/// Days of actions that make a repository popular.
const POPULARITY_DAYS: i64 = 7;

/// What `/find/all` found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) teams: Vec<FoundTeam>,
    pub(crate) robots: Vec<FoundAccount>,
    pub(crate) repositories: Vec<FoundRepository>,
    pub(crate) namespaces: Vec<FoundAccount>,
}

/// Teams, robots, repositories and namespaces that match. Four statements, two for anonymous callers.
pub(crate) async fn everything(api: &Api, text: &str, user: Option<&Account>) -> Result<Found> {
    let mut conn = api.db().read().await?;
    let wanted = wanted(api, text, user);
    // Names of teams, robots and namespaces have no capitals.
    let name = text.to_lowercase();
    let name = name.as_str();
    let mut found = Found::default();
    if let Some(user) = user {
        let role = wanted.team_admin;
        found.teams = search::teams(&mut conn, name, user.id, role, 2 * OF_EACH_KIND).await?;
        found.robots = search::robots(&mut conn, name, user.id, role, OF_EACH_KIND).await?;
    }
    found.repositories = search::repositories(&mut conn, &wanted, 0, OF_EACH_KIND).await?;
    let by_name = Wanted {
        text: name,
        ..wanted
    };
    found.namespaces = search::namespaces(&mut conn, &by_name, OF_EACH_KIND).await?;
    Ok(found)
}

/// At most `limit` repositories that match, the best first. One statement.
pub(crate) async fn repositories(
    api: &Api,
    text: &str,
    user: Option<&Account>,
    offset: u32,
    limit: u32,
) -> Result<Vec<FoundRepository>> {
    let mut conn = api.db().read().await?;
    let wanted = wanted(api, text, user);
    Ok(search::repositories(&mut conn, &wanted, offset.into(), limit.into()).await?)
}

/// How much these are used. One statement.
pub(crate) async fn usage(api: &Api, repositories: &[RepositoryId]) -> Result<Vec<Usage>> {
    let now = api.clock().now_naive();
    let since = (now - TimeDelta::days(POPULARITY_DAYS)).date();
    let now_ms = now.and_utc().timestamp_millis();
    let mut conn = api.db().read().await?;
    Ok(search::usage(&mut conn, repositories, since, now_ms).await?)
}

/// `namespace/text` looks in one namespace only.
fn wanted<'t>(api: &Api, text: &'t str, user: Option<&Account>) -> Wanted<'t> {
    let (namespace, text) = text.split_once('/').unwrap_or(("", text));
    Wanted {
        text,
        namespace,
        user: user.map(|user| user.id),
        public: api.enums().id(Visibility::Public),
        team_admin: api.enums().id(TeamRole::Admin),
    }
}

/// How well `text` abbreviates `name`, from 0 to 1: `LiquidMetal`'s score, which favours beginnings of words, and 0.5 where
/// that finds nothing.
pub(crate) fn score(name: &str, text: &str) -> f64 {
    match liquid_metal(name, text) {
        score if score > 0.0 => score,
        _ => 0.5,
    }
}

fn liquid_metal(name: &str, abbreviation: &str) -> f64 {
    const MATCH: f64 = 1.0;
    const BUFFER: f64 = 0.85;
    const TRAILING: f64 = 0.8;
    const TRAILING_FROM_START: f64 = 0.9;
    let name: Vec<char> = name.chars().collect();
    let abbreviation: Vec<char> = abbreviation.chars().flat_map(char::to_lowercase).collect();
    if abbreviation.is_empty() {
        return TRAILING;
    }
    if abbreviation.len() > name.len() {
        return 0.0;
    }
    let mut scores = vec![0.0; name.len()];
    let mut next = 0;
    for wanted in &abbreviation {
        let position = name[next..]
            .iter()
            .position(|c| c.to_lowercase().eq(wanted.to_lowercase()));
        let Some(at) = position.map(|offset| next + offset) else {
            return 0.0;
        };
        let begins_word = at > 0 && matches!(name[at - 1], ' ' | '\t' | '_' | '-');
        if begins_word {
            scores[next..at - 1].fill(BUFFER);
            scores[at - 1] = MATCH;
        } else if name[at].is_uppercase() {
            scores[next..at].fill(BUFFER);
        }
        scores[at] = MATCH;
        next = at + 1;
    }
    let from_start = scores[0] >= MATCH;
    scores[next..].fill(if from_start {
        TRAILING_FROM_START
    } else {
        TRAILING
    });
    scores.iter().sum::<f64>() / name.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_and_words_score_higher() {
        assert!((liquid_metal("nginx", "nginx") - 1.0).abs() < f64::EPSILON);
        assert!(liquid_metal("nginx", "ng") > liquid_metal("nginx", "gi"));
        assert!(liquid_metal("my-nginx", "ng") > liquid_metal("mynginxx", "ng"));
        assert!(liquid_metal("nginx", "nix") > 0.0);
    }

    #[test]
    fn what_does_not_match_has_half() {
        assert!((score("nginx", "zzz") - 0.5).abs() < f64::EPSILON);
        assert!((score("a", "long text") - 0.5).abs() < f64::EPSILON);
    }
}
