//! Lists and views of repositories.
//!
//! Cost of a page of repositories: one statement for the teams of the caller (and the namespace, if the list is of one), one
//! for the page with everything that is asked about its rows, and two for quotas where those are managed. It does not grow with the number of repositories: see `pierhead_db::queries::repository_lists`.

use std::collections::HashMap;
use std::time::SystemTime;

use chrono::{Days, NaiveDate};
use pierhead_auth::Repository;
use pierhead_db::enums::{EnumTable, RepositoryKind, TeamRole, Visibility};
use pierhead_db::queries::repositories;
use pierhead_db::queries::repository_lists::{
    self, Branches, Columns, ListedRepository, Membership,
};
use pierhead_db::queries::repository_views::{self, ActionCount, RepositoryView};
use pierhead_db::{Conn, NamespaceId, RepositoryId, UserId};
use pierhead_registry::{ListedTag, TagFilter};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::error::{Error, NOT_UNDERSTOOD, Result};
use crate::state::Api;
use crate::views::quota::RepositoryReport;

/// Repositories on a page.
const PAGE: usize = 100;
/// Days that the popularity of a repository counts.
const POPULAR_DAYS: u64 = 7;
/// Days that the statistics of a repository go back.
const STATISTICS_DAYS: u64 = 91;
/// Tags that the view of a repository has.
const VIEWED_TAGS: i64 = 500;

/// Which repositories to list, and what to tell of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Only those of this namespace.
    pub(crate) namespace: Option<String>,
    /// Those that the caller starred.
    pub(crate) starred: bool,
    /// Also those that are public.
    pub(crate) public: bool,
    /// `repositorykind.name`.
    pub(crate) kind: String,
    /// Whether to tell when they were changed.
    pub(crate) last_modified: bool,
    /// Whether to tell how much they are used.
    pub(crate) popularity: bool,
    /// Where the page begins.
    pub(crate) next_page: Option<String>,
}

/// A page of repositories.
#[derive(Debug)]
pub(crate) struct Page {
    /// The repositories.
    pub(crate) repositories: Vec<ListedRepository>,
    /// What each takes of what its owner may store; nothing while quotas are off.
    pub(crate) quotas: HashMap<RepositoryId, RepositoryReport>,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
}

/// Where a page begins, in the form that Quay seals into its tokens.
#[derive(Debug, Deserialize, Serialize)]
struct Position {
    start_index: i32,
    page_number: i64,
    is_datetime: bool,
    offset_val: i64,
}

/// The repositories that the caller may see and asked for.
pub(crate) async fn list(api: &Api, caller: &Caller, wanted: &Wanted) -> Result<Page> {
    if wanted.namespace.is_none() && !wanted.starred && !wanted.public {
        return Err(Error::invalid_request(
            "namespace, starred or public are required for this API call",
        ));
    }
    let kind = api
        .enums()
        .find(EnumTable::RepositoryKind, &wanted.kind)
        .ok_or_else(|| Error::bad_request("Unknown repository kind"))?;
    let user = reader(caller);
    let today = api.clock().now_naive();
    let columns = Columns {
        public: api.enums().id(Visibility::Public),
        kind,
        user: caller.user().map(|user| user.id),
        actions_since: wanted
            .popularity
            .then(|| days_before(today.date(), POPULAR_DAYS)),
        newest_tag_at: wanted
            .last_modified
            .then(|| today.and_utc().timestamp_millis()),
    };
    let position = opened(api, wanted.next_page.as_deref());
    let first = RepositoryId(position.as_ref().map_or(0, |at| at.start_index));
    let mut conn = api.db().read().await?;
    let rows = if wanted.starred {
        if caller.user().is_none() {
            return Err(Error::bad_request(NOT_UNDERSTOOD));
        }
        starred_rows(api, &mut conn, caller, &columns, first).await?
    } else {
        let branches = branches(api, &mut conn, caller, user, wanted).await?;
        match branches {
            Some(branches) => {
                let limit = PAGE as i64 + 1;
                repository_lists::visible(&mut conn, &columns, &branches, first, limit).await?
            }
            None => Vec::new(),
        }
    };
    let (repositories, next) = cut(api, rows, position.as_ref())?;
    let owners: Vec<_> = repositories
        .iter()
        .map(|row| (row.id, UserId(row.namespace_id.0)))
        .collect();
    let quotas = RepositoryReport::of_each(api, &mut conn, &owners).await?;
    Ok(Page {
        repositories,
        quotas,
        next,
    })
}

/// The repositories that the caller starred and may see.
pub(crate) async fn starred(
    api: &Api,
    caller: &Caller,
    next_page: Option<&str>,
) -> Result<(Vec<ListedRepository>, Option<String>)> {
    let columns = Columns {
        public: api.enums().id(Visibility::Public),
        kind: api.enums().id(RepositoryKind::Image),
        user: caller.user().map(|user| user.id),
        actions_since: None,
        newest_tag_at: None,
    };
    let position = opened(api, next_page);
    let first = RepositoryId(position.as_ref().map_or(0, |at| at.start_index));
    let mut conn = api.db().read().await?;
    let rows = starred_rows(api, &mut conn, caller, &columns, first).await?;
    cut(api, rows, position.as_ref())
}

async fn starred_rows(
    api: &Api,
    conn: &mut Conn,
    caller: &Caller,
    columns: &Columns,
    first: RepositoryId,
) -> Result<Vec<ListedRepository>> {
    let admin = api.enums().id(TeamRole::Admin);
    let everything = sees_everything(caller);
    let limit = PAGE as i64 + 1;
    Ok(repository_lists::starred(conn, columns, everything, admin, first, limit).await?)
}

/// The account whose permissions count; none if the credential may not read repositories.
fn reader(caller: &Caller) -> Option<UserId> {
    let credential = caller.credential()?;
    let account = credential.account.as_ref()?;
    credential.reads_repositories().then_some(account.id)
}

fn sees_everything(caller: &Caller) -> bool {
    caller.is_global_readonly() || caller.has_full_access()
}

/// What the caller may see; nothing at all if it is `None`.
async fn branches(
    api: &Api,
    conn: &mut Conn,
    caller: &Caller,
    user: Option<UserId>,
    wanted: &Wanted,
) -> Result<Option<Branches>> {
    if user.is_none() && !wanted.public {
        return Ok(None);
    }
    let admin = api.enums().id(TeamRole::Admin);
    let administers = |row: &Membership| row.role_id == Some(admin);
    let (rows, namespace) = match &wanted.namespace {
        Some(namespace) => {
            let rows = repository_lists::memberships_in(conn, namespace, user).await?;
            let Some(first) = rows.first() else {
                return Ok(None);
            };
            let namespace = first.namespace_id;
            (rows, Some(namespace))
        }
        None => match user {
            Some(user) if !sees_everything(caller) => {
                (repository_lists::memberships(conn, user).await?, None)
            }
            _ => (Vec::new(), None),
        },
    };
    let own = user.map(|user| NamespaceId(user.0));
    let everything = user.is_some()
        && (sees_everything(caller)
            || namespace
                .is_some_and(|namespace| Some(namespace) == own || rows.iter().any(administers)));
    let mut of_namespaces = Vec::new();
    if namespace.is_none() {
        of_namespaces.extend(own);
        of_namespaces.extend(
            rows.iter()
                .filter(|row| administers(row))
                .map(|row| row.namespace_id),
        );
        of_namespaces.sort_unstable();
        of_namespaces.dedup();
    }
    Ok(Some(Branches {
        everything,
        public: wanted.public,
        of_user: user.is_some(),
        of_teams: rows.iter().filter_map(|row| row.team_id).collect(),
        of_namespaces,
        namespace,
    }))
}

/// A page without the row that tells that there are more, and the token of the next one.
fn cut(
    api: &Api,
    mut rows: Vec<ListedRepository>,
    position: Option<&Position>,
) -> Result<(Vec<ListedRepository>, Option<String>)> {
    let next = rows.get(PAGE).map(|row| Position {
        start_index: row.id.0,
        page_number: position.map_or(0, |at| at.page_number) + 1,
        is_datetime: false,
        offset_val: 0,
    });
    rows.truncate(PAGE);
    let token = match next {
        Some(next) => Some(api.page_tokens().seal(&next, SystemTime::now())?),
        None => None,
    };
    Ok((rows, token))
}

/// A token that is damaged or too old is as good as none.
fn opened(api: &Api, token: Option<&str>) -> Option<Position> {
    api.page_tokens().open(token?, SystemTime::now())
}

/// Whether an organization mirror makes the repositories of a namespace.
pub(crate) async fn is_mirrored(api: &Api, namespace: Option<UserId>) -> Result<bool> {
    let Some(namespace) = namespace else {
        return Ok(false);
    };
    let mut conn = api.db().read().await?;
    Ok(repositories::namespace_is_mirrored(&mut conn, NamespaceId(namespace.0)).await?)
}

/// One repository in full.
#[derive(Debug)]
pub(crate) struct Viewed {
    /// Its row, and its owner's.
    pub(crate) row: RepositoryView,
    /// Whether everyone may read it.
    pub(crate) public: bool,
    /// Living tags, newest first, if they were asked for.
    pub(crate) tags: Option<Vec<ListedTag>>,
    /// Actions of each of the last days, if they were asked for.
    pub(crate) statistics: Option<Vec<(NaiveDate, i32)>>,
}

/// One repository in full. Two statements with its tags, one more with its statistics.
pub(crate) async fn view(
    api: &Api,
    repository: &Repository,
    user: Option<UserId>,
    with_tags: bool,
    with_statistics: bool,
) -> Result<Viewed> {
    let mut statistics = None;
    let row = {
        let mut conn = api.db().read().await?;
        let row = repository_views::view(&mut conn, repository.id, user)
            .await?
            .ok_or_else(Error::not_found)?;
        if with_statistics {
            let today = api.clock().now_naive().date();
            let since = days_before(today, STATISTICS_DAYS + 1);
            let counts = repository_views::action_counts(&mut conn, repository.id, since).await?;
            statistics = Some(filled(counts, today));
        }
        row
    };
    let mut tags = None;
    if with_tags {
        let filter = TagFilter {
            only_alive: true,
            ..TagFilter::default()
        };
        let page = api
            .registry()
            .tag_page(repository.id, &filter, 1, VIEWED_TAGS)
            .await?;
        tags = Some(page.tags);
    }
    Ok(Viewed {
        public: row.visibility_id == api.enums().id(Visibility::Public),
        row,
        tags,
        statistics,
    })
}

/// The days that were counted, then those of the last three months that were not.
fn filled(counts: Vec<ActionCount>, today: NaiveDate) -> Vec<(NaiveDate, i32)> {
    let mut days: Vec<_> = counts
        .into_iter()
        .map(|day| (day.date, day.count))
        .collect();
    for back in 1..=STATISTICS_DAYS {
        let date = days_before(today, back);
        if !days.iter().any(|(known, _)| *known == date) {
            days.push((date, 0));
        }
    }
    days
}

fn days_before(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

/// Quay's name of a `repository.state`.
pub(crate) fn state_name(state: i32) -> &'static str {
    match state {
        0 => "NORMAL",
        2 => "MIRROR",
        3 => "MARKED_FOR_DELETION",
        4 => "ORG_MIRROR",
        // An unknown one, from a later release, is treated as read-only.
        _ => "READ_ONLY",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn days_without_actions_count_nothing() {
        let today = NaiveDate::from_ymd_opt(2026, 3, 4).unwrap();
        let counted = days_before(today, 3);
        let counts = vec![ActionCount {
            date: counted,
            count: 7,
        }];
        let days = filled(counts, today);
        assert_eq!(days.len(), 91);
        assert_eq!(days[0], (counted, 7));
        assert_eq!(days[1], (days_before(today, 1), 0));
        assert_eq!(days[90], (days_before(today, 91), 0));
        let dates: std::collections::HashSet<_> = days.iter().map(|(date, _)| *date).collect();
        assert_eq!(dates.len(), 91);
    }
}
