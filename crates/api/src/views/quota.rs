//! Quotas in answers: what a namespace may hold, and what it and its repositories hold (api-v1.md §4, *quota* and
//! *quotaReport*). Lists of accounts and of repositories take two statements for a page, whatever its length.

use std::collections::HashMap;

use pierhead_config::Config;
use pierhead_db::queries::quotas::{self, NamespaceUsage, QuotaLimit};
use pierhead_db::{Conn, QuotaId, RepositoryId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Result;
use crate::services::quotas::{QuotaWithLimits, size};
use crate::state::Api;

/// Whether quotas are counted and can be changed: only then do answers tell of them.
pub(crate) fn is_on(config: &Config) -> bool {
    config.quota.feature_quota_management && config.quota.feature_edit_quota
}

/// Whether the routes about quotas are served.
pub(crate) fn routes_are_on(config: &Config) -> bool {
    config.users.feature_super_users && is_on(config)
}

/// What happens at a part of a quota.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LimitView {
    /// For its routes.
    id: i32,
    /// `Warning` or `Reject`.
    #[serde(rename = "type")]
    kind: String,
    /// 1 to 100.
    limit_percent: i32,
}

impl From<QuotaLimit> for LimitView {
    fn from(limit: QuotaLimit) -> Self {
        Self {
            id: limit.id.0,
            kind: limit.kind,
            limit_percent: limit.percent,
        }
    }
}

/// A quota as its own routes show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct QuotaView {
    /// For its routes; null for the one that namespaces without any have.
    id: Option<i32>,
    /// Bytes.
    limit_bytes: i64,
    /// The same for people, such as `10.0 GiB`.
    limit: String,
    /// Whether it is the one that namespaces without any have.
    default_config: bool,
    /// What happens at parts of it.
    limits: Vec<LimitView>,
    /// Whether namespaces without any have one.
    default_config_exists: bool,
}

impl QuotaView {
    /// Of a quota.
    pub(crate) fn of(api: &Api, found: QuotaWithLimits) -> Self {
        Self {
            id: Some(found.quota.id.0),
            limit_bytes: found.quota.limit_bytes,
            limit: size::show(found.quota.limit_bytes),
            default_config: false,
            limits: found.limits.into_iter().map(LimitView::from).collect(),
            default_config_exists: default_bytes(api.config()).is_some(),
        }
    }

    /// Of `DEFAULT_SYSTEM_REJECT_QUOTA_BYTES`, if that is set.
    pub(crate) fn of_default(api: &Api) -> Option<Self> {
        let limit_bytes = default_bytes(api.config())?;
        Some(Self {
            id: None,
            limit_bytes,
            limit: size::show(limit_bytes),
            default_config: true,
            limits: Vec::new(),
            default_config_exists: true,
        })
    }
}

/// A quota in answers about something else.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct BriefQuota {
    /// For its routes.
    id: i32,
    /// Bytes.
    limit_bytes: i64,
    /// What happens at parts of it.
    limits: Vec<LimitView>,
}

/// How far counting what was there before quotas has come. Quay has no word for a namespace that was complete from its
/// beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Backfill {
    /// Nobody has begun.
    Waiting,
    /// Somebody is at it.
    Running,
    /// All is counted.
    Complete,
    /// There was nothing.
    #[serde(rename = "")]
    None,
}

impl Backfill {
    fn of(usage: &NamespaceUsage) -> Self {
        let started = usage.backfill_start_ms.is_some();
        match (usage.backfill_complete, started) {
            (None, _) | (Some(false), false) => Self::Waiting,
            (Some(false), true) => Self::Running,
            (Some(true), true) => Self::Complete,
            (Some(true), false) => Self::None,
        }
    }
}

/// What a namespace holds.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct NamespaceReport {
    /// Bytes, each blob counted once.
    quota_bytes: i64,
    /// Bytes of its quota, or of the default; null without any.
    configured_quota: Option<i64>,
    /// The same as `backfill_status`; older clients read this.
    running_backfill: Backfill,
    /// How far counting what was there before has come.
    backfill_status: Backfill,
}

/// What a repository holds.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RepositoryReport {
    /// Bytes, each blob counted once.
    quota_bytes: i64,
    /// Bytes of its namespace's quota, or of the default; null without any.
    configured_quota: Option<i64>,
}

/// The fields about quotas in the view of a person or organization. To be flattened into it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct NamespaceQuotas {
    /// None or one.
    quotas: Vec<BriefQuota>,
    /// What it holds.
    quota_report: NamespaceReport,
}

impl NamespaceQuotas {
    /// Of each namespace, in two statements. Empty, without any statement, while quotas are off.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn of_each(
        api: &Api,
        conn: &mut Conn,
        namespaces: &[UserId],
    ) -> Result<HashMap<UserId, Self>> {
        if !is_on(api.config()) || namespaces.is_empty() {
            return Ok(HashMap::new());
        }
        let usages = quotas::usage(conn, namespaces).await?;
        let ids: Vec<QuotaId> = usages.iter().filter_map(|usage| usage.quota_id).collect();
        let mut limits: HashMap<QuotaId, Vec<LimitView>> = HashMap::new();
        for limit in quotas::limits_of(conn, &ids).await? {
            limits.entry(limit.quota_id).or_default().push(limit.into());
        }
        let default = default_bytes(api.config());
        Ok(usages
            .into_iter()
            .map(|usage| {
                let quota = usage
                    .quota_id
                    .zip(usage.limit_bytes)
                    .map(|(id, limit_bytes)| BriefQuota {
                        id: id.0,
                        limit_bytes,
                        limits: limits.remove(&id).unwrap_or_default(),
                    });
                let status = Backfill::of(&usage);
                let quotas = Self {
                    quotas: quota.into_iter().collect(),
                    quota_report: NamespaceReport {
                        quota_bytes: usage.size_bytes.unwrap_or(0),
                        configured_quota: usage.limit_bytes.or(default),
                        running_backfill: status,
                        backfill_status: status,
                    },
                };
                (usage.namespace_id, quotas)
            })
            .collect())
    }

    /// Of one namespace; nothing while quotas are off.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn of(api: &Api, conn: &mut Conn, namespace: UserId) -> Result<Option<Self>> {
        Ok(Self::of_each(api, conn, &[namespace])
            .await?
            .remove(&namespace))
    }
}

impl RepositoryReport {
    /// Of each repository, given with its namespace, in two statements. Empty, without any statement, while quotas are off.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn of_each(
        api: &Api,
        conn: &mut Conn,
        repositories: &[(RepositoryId, UserId)],
    ) -> Result<HashMap<RepositoryId, Self>> {
        if !is_on(api.config()) || repositories.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<RepositoryId> = repositories.iter().map(|(id, _)| *id).collect();
        let mut namespaces: Vec<UserId> = repositories.iter().map(|(_, owner)| *owner).collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        let sizes: HashMap<RepositoryId, i64> = quotas::repository_sizes(conn, &ids)
            .await?
            .into_iter()
            .collect();
        let limits: HashMap<UserId, Option<i64>> = quotas::usage(conn, &namespaces)
            .await?
            .into_iter()
            .map(|usage| (usage.namespace_id, usage.limit_bytes))
            .collect();
        let default = default_bytes(api.config());
        Ok(repositories
            .iter()
            .map(|(id, owner)| {
                let report = Self {
                    quota_bytes: sizes.get(id).copied().unwrap_or(0),
                    configured_quota: limits.get(owner).copied().flatten().or(default),
                };
                (*id, report)
            })
            .collect())
    }
}

/// `DEFAULT_SYSTEM_REJECT_QUOTA_BYTES`, unless it is zero.
fn default_bytes(config: &Config) -> Option<i64> {
    let bytes = config.quota.default_system_reject_quota_bytes.as_bytes();
    i64::try_from(bytes).ok().filter(|bytes| *bytes != 0)
}
