//! Audit logs: which span of time is asked for, and one page or the daily counts of it (api-v1.md §5.13).

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use pierhead_db::queries::log_pages::{self, HIDDEN_KINDS, LogPlace, Scope};
use pierhead_db::queries::users;
use pierhead_db::{RepositoryId, UserId};
use serde::{Deserialize, Serialize};

use crate::dates;
use crate::error::{Error, NOT_UNDERSTOOD, Result};
use crate::state::Api;
use crate::views::log_entry::LogEntry;

/// Rows on a page.
const PAGE: usize = 20;
/// The longest span whose rows are counted.
const LONGEST_COUNTED: TimeDelta = TimeDelta::days(31);
/// What the log of a person does not show: it is about the registry, and kept with the account that ran it.
const HIDDEN: [&str; HIDDEN_KINDS] = [
    "service_key_create",
    "service_key_approve",
    "service_key_delete",
    "service_key_modify",
    "service_key_extend",
    "service_key_rotate",
];

/// From when to before when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: NaiveDateTime,
    pub(crate) end: NaiveDateTime,
}

impl Span {
    /// From the start of one day to the end of another, as `MM/DD/YYYY`. What cannot be read counts as not given: the last
    /// day and what is to come of the next.
    pub(crate) fn new(start: Option<&str>, end: Option<&str>, now: NaiveDateTime) -> Self {
        let day = |text: Option<&str>| {
            let day = dates::parse_us(text?)?;
            // Years that a database can hold, with room for a day more.
            (1000..=9998)
                .contains(&day.year())
                .then(|| day.and_time(NaiveTime::MIN))
        };
        let one = TimeDelta::days(1);
        Self {
            start: day(start).unwrap_or(now - one),
            end: day(end).unwrap_or(now) + one,
        }
    }

    /// Whether it ends before it begins.
    pub(crate) fn is_reversed(self) -> bool {
        self.end < self.start
    }

    /// Refuses a span that ends before it begins, as Quay's framework does.
    pub(crate) fn checked(self) -> Result<Self> {
        if self.is_reversed() {
            return Err(Error::bad_request(NOT_UNDERSTOOD));
        }
        Ok(self)
    }
}

/// Whose log is read.
#[derive(Clone, Debug)]
pub(crate) enum Of {
    /// Everybody's.
    All,
    /// A repository's.
    Repository(RepositoryId),
    /// An organization's, or what somebody did in it.
    Organization(UserId, Option<String>),
    /// A person's, or what somebody did in that namespace.
    User(UserId, Option<String>),
}

/// A page of a log.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) entries: Vec<LogEntry>,
    /// Where the next one begins.
    pub(crate) next: Option<String>,
}

/// How often something happened on a day.
#[derive(Debug)]
pub(crate) struct Count {
    pub(crate) kind: String,
    pub(crate) times: i64,
    pub(crate) day: NaiveDateTime,
}

/// What a page token says.
#[derive(Debug, Deserialize, Serialize)]
struct Position {
    /// Microseconds since 1970.
    time: i64,
    source: i32,
    id: i64,
    /// The number of the page that begins here, from 2 on.
    page: u32,
}

impl Position {
    fn place(&self) -> Option<LogPlace> {
        Some(LogPlace {
            datetime: DateTime::from_timestamp_micros(self.time)?.naive_utc(),
            source: self.source,
            id: self.id,
        })
    }
}

/// One page, newest rows first. A token that is not valid begins at the first page.
pub(crate) async fn page(
    api: &Api,
    of: Of,
    span: Span,
    token: Option<&str>,
    max_pages: Option<u32>,
) -> Result<Page> {
    let now = api.clock().now().into();
    let position = token
        .filter(|token| !token.is_empty())
        .and_then(|token| api.page_tokens().open::<Position>(token, now));
    let number = position.as_ref().map_or(1, |position| position.page);
    let nothing = || Page {
        entries: Vec::new(),
        next: None,
    };
    // Quay counts the pages behind the first.
    if max_pages.is_some_and(|most| number > 1 && number - 1 > most) {
        return Ok(nothing());
    }
    let with_namespace = matches!(of, Of::All);
    let mut conn = api.db().read().await?;
    let Some(scope) = scope(api, &mut conn, of).await? else {
        return Ok(nothing());
    };
    let after = position.as_ref().and_then(Position::place);
    let limit = PAGE as i64 + 1;
    let mut rows = log_pages::page(&mut conn, scope, span.start, span.end, after, limit).await?;
    drop(conn);
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = match rows.last().filter(|_| more).map(log_pages::LogRow::place) {
        None => None,
        Some(last) => {
            let position = Position {
                time: last.datetime.and_utc().timestamp_micros(),
                source: last.source,
                id: last.id,
                page: number.saturating_add(1),
            };
            Some(api.page_tokens().seal(&position, now)?)
        }
    };
    let gravatar = api.0.config.gravatar;
    let entries = rows
        .into_iter()
        .map(|row| LogEntry::new(row, api.enums(), gravatar, with_namespace))
        .collect();
    Ok(Page { entries, next })
}

/// How often each kind happened on each day of at most a month.
pub(crate) async fn counts(api: &Api, of: Of, span: Span) -> Result<Vec<Count>> {
    if span.end - span.start > LONGEST_COUNTED {
        return Err(Error::bad_request("Invalid date range for logs"));
    }
    let mut conn = api.db().read().await?;
    let Some(scope) = scope(api, &mut conn, of).await? else {
        return Ok(Vec::new());
    };
    let counts = log_pages::count(&mut conn, scope, span.start, span.end).await?;
    drop(conn);
    let enums = api.enums();
    Ok(counts
        .into_iter()
        .filter_map(|count| {
            let day = NaiveDate::parse_from_str(&count.day, "%Y-%m-%d").ok()?;
            let kind = enums
                .name(pierhead_db::enums::EnumTable::LogKind, count.kind)
                .unwrap_or("unknown");
            Some(Count {
                kind: kind.to_owned(),
                times: count.count,
                day: day.and_time(NaiveTime::MIN),
            })
        })
        .collect())
}

/// `None` when it asks for what somebody did whom nobody knows.
async fn scope(api: &Api, conn: &mut pierhead_db::Conn, of: Of) -> Result<Option<Scope>> {
    let (account, performer, hides) = match of {
        Of::All => return Ok(Some(Scope::All)),
        Of::Repository(repository) => return Ok(Some(Scope::Repository(repository))),
        Of::Organization(account, performer) => (account, performer, false),
        Of::User(account, performer) => (account, performer, true),
    };
    let performer = match performer.filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => match users::find(conn, &name).await? {
            Some(account) if !account.organization => Some(account.id),
            _ => return Ok(None),
        },
    };
    // A kind that the database does not know is no row's kind.
    let hidden = || HIDDEN.map(|name| api.enums().log_kind(name).unwrap_or(-1));
    Ok(Some(Scope::Account {
        account,
        performer,
        without: hides.then(hidden),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn now() -> NaiveDateTime {
        dates::parse_iso("2026-08-04T10:00:00Z").unwrap()
    }

    fn span(start: &str, end: &str) -> (String, String) {
        let span = Span::new(Some(start), Some(end), now());
        (dates::iso(span.start), dates::iso(span.end))
    }

    #[test]
    fn a_span_includes_its_last_day() {
        assert_eq!(
            span("08/01/2026", "8/2/2026"),
            ("2026-08-01T00:00:00Z".into(), "2026-08-03T00:00:00Z".into())
        );
    }

    #[test]
    fn days_that_cannot_be_read_are_as_if_not_given() {
        let all = ("2026-08-03T10:00:00Z".into(), "2026-08-05T10:00:00Z".into());
        for text in ["", "2026-08-01", "13/01/2026", "08/01/99999", "yesterday"] {
            assert_eq!(span(text, text), all, "{text}");
        }
    }

    #[test]
    fn a_span_that_ends_before_it_begins_is_refused() {
        let day = |start, end| Span::new(Some(start), Some(end), now()).checked();
        assert!(day("08/02/2026", "08/01/2026").is_ok());
        assert!(day("08/03/2026", "08/01/2026").is_err());
    }
}
