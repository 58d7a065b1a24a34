//! How the mirrors of repositories fare: totals by state, and what somebody should look at (Quay's `mirrorhealth.py`,
//! 3.18). Only enabled mirrors of repositories in the state `MIRROR` count.

use chrono::NaiveDateTime;
use pierhead_config::Config;
use pierhead_db::queries::repo_mirrors::{self, MirrorCounts, MirrorState};
use pierhead_db::{Conn, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use super::repo_mirrors::status_name;
use crate::dates;
use crate::error::Result;

/// Mirrors named for each kind of trouble.
const SAMPLE: i64 = 5;
/// Most mirrors of a page of details.
const MAX_PAGE: i64 = 1000;
/// Which part of the mirrors that ever ran may have failed.
const CRITICAL: f64 = 0.2;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// One namespace; all without it.
    pub(crate) namespace: Option<UserId>,
    /// Whether repositories may be named.
    pub(crate) names: bool,
    /// A page of all mirrors, too: how many, after how many.
    pub(crate) details: Option<(i64, i64)>,
}

/// The report.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct MirrorHealth {
    /// Whether nobody needs to act at once.
    pub(crate) healthy: bool,
    workers: Workers,
    repositories: Repositories,
    /// Tags that runs under way have still to copy.
    tags_pending: i64,
    /// When this was found: ISO 8601.
    last_check: String,
    issues: Vec<Issue>,
}

/// The workers that synchronize.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Workers {
    /// How many report to this process.
    active: u32,
    /// How many there should be: `REPO_MIRROR_WORKER_REPLICAS`, or as many as there are.
    configured: u32,
    /// `healthy` or `degraded`.
    status: &'static str,
}

/// Mirrors by state.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Repositories {
    total: i64,
    syncing: i64,
    completed: i64,
    failed: i64,
    never_run: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Vec<Detail>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination: Option<Pagination>,
}

/// One mirror.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Detail {
    namespace: String,
    repository: String,
    sync_status: &'static str,
    is_enabled: bool,
    /// When the last run ended: ISO 8601; null while no worker told.
    last_sync: Option<String>,
    retries_remaining: i32,
}

/// Which part of the mirrors the details are.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Pagination {
    limit: i64,
    offset: i64,
    has_more: bool,
}

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Issue {
    /// `critical`, `error` or `warning`.
    severity: &'static str,
    message: String,
    /// When it was found: ISO 8601.
    timestamp: String,
}

/// Finds out. At most four statements.
///
/// # Errors
/// When the database fails.
pub(crate) async fn report(
    config: &Config,
    conn: &mut Conn,
    now: NaiveDateTime,
    wanted: Wanted,
) -> Result<MirrorHealth> {
    let counts = repo_mirrors::counts(conn, wanted.namespace).await?;
    let mut issues = Issues {
        found: Vec::new(),
        timestamp: dates::iso_exact(now),
    };
    if wanted.names {
        for mirror in repo_mirrors::never_run(conn, wanted.namespace, SAMPLE).await? {
            let name = name_of(&mirror);
            issues.add(
                "warning",
                format!("Repository {name} has never been synced"),
            );
        }
        for mirror in repo_mirrors::exhausted(conn, wanted.namespace, SAMPLE).await? {
            let name = name_of(&mirror);
            let message = format!("Repository {name} has exhausted all retry attempts");
            issues.add("error", message);
        }
    }
    let failing = too_many_failed(counts);
    if let Some(message) = &failing {
        issues.add_first("critical", message.clone());
    }
    let (details, pagination) = match wanted.details.filter(|_| wanted.names) {
        Some((limit, offset)) => {
            let (limit, offset) = (limit.clamp(1, MAX_PAGE), offset.max(0));
            let mut page = repo_mirrors::page(conn, wanted.namespace, limit + 1, offset).await?;
            let has_more = page.len() as i64 > limit;
            if has_more {
                page.pop();
            }
            let details = page.into_iter().map(Detail::from).collect();
            let pagination = Pagination {
                limit,
                offset,
                has_more,
            };
            (Some(details), Some(pagination))
        }
        None => (None, None),
    };
    let healthy = failing.is_none();
    Ok(MirrorHealth {
        healthy,
        // No worker reports to this process, and then Quay does not compare with how many there should be.
        workers: Workers {
            active: 0,
            configured: config.mirroring.repo_mirror_worker_replicas.unwrap_or(0),
            status: if healthy { "healthy" } else { "degraded" },
        },
        repositories: Repositories {
            total: counts.total,
            syncing: counts.syncing,
            completed: counts.completed,
            failed: counts.failed,
            never_run: counts.never_run,
            details,
            pagination,
        },
        tags_pending: 0,
        last_check: issues.timestamp,
        issues: issues.found,
    })
}

/// Says so if more than the critical part of the mirrors that ever ran failed.
#[allow(clippy::cast_precision_loss)]
fn too_many_failed(counts: MirrorCounts) -> Option<String> {
    let ran = counts.total - counts.never_run;
    if ran <= 0 {
        return None;
    }
    let rate = counts.failed as f64 / ran as f64;
    (rate > CRITICAL).then(|| {
        format!(
            "{:.1}% of repositories are failing (threshold: {:.1}%)",
            rate * 100.0,
            CRITICAL * 100.0
        )
    })
}

fn name_of(mirror: &MirrorState) -> String {
    format!("{}/{}", mirror.namespace, mirror.repository)
}

impl From<MirrorState> for Detail {
    fn from(mirror: MirrorState) -> Self {
        Self {
            namespace: mirror.namespace,
            repository: mirror.repository,
            sync_status: status_name(mirror.sync_status),
            is_enabled: true,
            last_sync: None,
            retries_remaining: mirror.sync_retries_remaining,
        }
    }
}

struct Issues {
    found: Vec<Issue>,
    timestamp: String,
}

impl Issues {
    fn add(&mut self, severity: &'static str, message: String) {
        let issue = self.issue(severity, message);
        self.found.push(issue);
    }

    fn add_first(&mut self, severity: &'static str, message: String) {
        let issue = self.issue(severity, message);
        self.found.insert(0, issue);
    }

    fn issue(&self, severity: &'static str, message: String) -> Issue {
        Issue {
            severity,
            message,
            timestamp: self.timestamp.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_fifth_of_failures_is_critical() {
        let counts = |total, failed, never_run| MirrorCounts {
            total,
            failed,
            never_run,
            ..MirrorCounts::default()
        };
        assert_eq!(too_many_failed(counts(0, 0, 0)), None);
        assert_eq!(too_many_failed(counts(3, 0, 3)), None);
        assert_eq!(too_many_failed(counts(5, 1, 0)), None);
        assert_eq!(
            too_many_failed(counts(9, 2, 3)).as_deref(),
            Some("33.3% of repositories are failing (threshold: 20.0%)")
        );
    }
}
