//! Quotas: how many bytes a namespace may hold, and at which part of that somebody is told or pushes are refused.
//!
//! A namespace has at most one quota, a quota any number of limits (Quay's `namespacequota.py`; api-v1.md §7.5). The rows
//! of thresholds that were announced go with the limit, so that a new one is announced again. As in Quay, changes by
//! `/organization/…` leave audit rows, those by `/superuser/…` do not; Quay lets a quota have several limits of type
//! `Reject`, and so do we: the highest that is crossed decides.

use pierhead_auth::accounts::{Actor, Event};
use pierhead_db::enums::{Named as _, QuotaType};
use pierhead_db::queries::quotas::{self, Quota, QuotaLimit};
use pierhead_db::{Conn, UserId};
use serde_json::{Value, json};

use super::namespaces;
use crate::error::{Error, Result};
use crate::state::Api;

pub(crate) mod size;

/// Who is asked for, and how much is told afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `/organization/…`: only organizations get a quota, and the audit log tells of every change.
    Organization,
    /// `/superuser/…`: people get one, too.
    Superuser,
}

/// A quota with its limits.
#[derive(Clone, Debug)]
pub(crate) struct QuotaWithLimits {
    pub(crate) quota: Quota,
    pub(crate) limits: Vec<QuotaLimit>,
}

/// A limit to be set.
#[derive(Clone, Debug)]
pub(crate) struct NewLimit {
    /// `Warning` or `Reject`, in any case.
    pub(crate) kind: String,
    /// 1 to 100.
    pub(crate) percent: i64,
}

/// The quota of a namespace, if it has one.
///
/// # Errors
/// When the database fails.
pub(crate) async fn of_namespace(
    conn: &mut Conn,
    namespace: UserId,
) -> Result<Option<QuotaWithLimits>> {
    let Some(quota) = quotas::find(conn, namespace).await? else {
        return Ok(None);
    };
    let limits = quotas::list_limits(conn, quota.id).await?;
    Ok(Some(QuotaWithLimits { quota, limits }))
}

/// The quota of a namespace by both ids.
///
/// # Errors
/// 404 when the namespace has no quota, or another one.
pub(crate) async fn find(conn: &mut Conn, name: &str, id: &str) -> Result<QuotaWithLimits> {
    let namespace = namespaces::find(conn, name).await?;
    let quota = find_quota(conn, namespace.id, id).await?;
    let limits = quotas::list_limits(conn, quota.id).await?;
    Ok(QuotaWithLimits { quota, limits })
}

/// A limit of a quota by its id.
///
/// # Errors
/// 404 when the quota has no such limit.
pub(crate) fn find_limit(found: &QuotaWithLimits, id: &str) -> Result<QuotaLimit> {
    let id: i32 = id.parse().map_err(|_| Error::not_found())?;
    found
        .limits
        .iter()
        .find(|limit| limit.id.0 == id)
        .cloned()
        .ok_or_else(Error::not_found)
}

/// Gives a namespace a quota.
///
/// # Errors
/// 404 when there is no such namespace; 400 when it has a quota, or the size is none.
pub(crate) async fn create(
    api: &Api,
    actor: Actor,
    form: Form,
    name: String,
    bytes: i64,
) -> Result<()> {
    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let namespace = match form {
                    Form::Organization => namespaces::find_organization(conn, &name).await?,
                    Form::Superuser => namespaces::find(conn, &name).await?,
                };
                if quotas::find(conn, namespace.id).await?.is_some() {
                    return Err(exists(form, &name));
                }
                check_bytes(bytes)?;
                if quotas::insert(conn, namespace.id, bytes).await?.is_none() {
                    return Err(exists(form, &name));
                }
                if form == Form::Organization {
                    let keys = json!({
                        "namespace": name,
                        "limit_bytes": bytes,
                        "limit": size::show(bytes),
                    });
                    let event = event("org_create_quota", namespace.id, keys);
                    accounts.record(conn, &actor, now, event).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Changes the size of a quota; nothing changes without a size.
///
/// # Errors
/// 404 when there is no such quota; 400 when the size is none.
pub(crate) async fn change(
    api: &Api,
    actor: Actor,
    form: Form,
    name: String,
    id: String,
    bytes: Option<i64>,
) -> Result<QuotaWithLimits> {
    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let namespace = namespaces::find(conn, &name).await?;
                let mut quota = find_quota(conn, namespace.id, &id).await?;
                if let Some(bytes) = bytes.filter(|bytes| *bytes != 0) {
                    check_bytes(bytes)?;
                    quotas::set_limit_bytes(conn, quota.id, bytes).await?;
                    let previous = std::mem::replace(&mut quota.limit_bytes, bytes);
                    if form == Form::Organization {
                        let keys = json!({
                            "namespace": name,
                            "limit_bytes": bytes,
                            "limit": size::show(bytes),
                            "previous_limit_bytes": previous,
                            "previous_limit": size::show(previous),
                        });
                        let event = event("org_change_quota", namespace.id, keys);
                        accounts.record(conn, &actor, now, event).await?;
                    }
                }
                let limits = quotas::list_limits(conn, quota.id).await?;
                Ok(QuotaWithLimits { quota, limits })
            })
        })
        .await
}

/// Takes the quota from a namespace, with its limits and the notifications about it.
///
/// # Errors
/// 404 when there is no such quota.
pub(crate) async fn delete(
    api: &Api,
    actor: Actor,
    form: Form,
    name: String,
    id: String,
) -> Result<()> {
    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let namespace = namespaces::find(conn, &name).await?;
                let quota = find_quota(conn, namespace.id, &id).await?;
                quotas::forget_notices(conn, namespace.id).await?;
                quotas::delete_notifications(conn, namespace.id).await?;
                quotas::delete_limits(conn, quota.id).await?;
                quotas::delete(conn, quota.id).await?;
                if form == Form::Organization {
                    let keys = json!({
                        "namespace": name,
                        "quota_id": quota.id.0,
                        "limit_bytes": quota.limit_bytes,
                        "limit": size::show(quota.limit_bytes),
                    });
                    let event = event("org_delete_quota", namespace.id, keys);
                    accounts.record(conn, &actor, now, event).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Adds a limit to a quota.
///
/// # Errors
/// 404 when there is no such quota; 400 for another type or percentage, and when the quota has such a limit.
pub(crate) async fn create_limit(
    api: &Api,
    actor: Actor,
    name: String,
    id: String,
    new: NewLimit,
) -> Result<()> {
    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let namespace = namespaces::find(conn, &name).await?;
                let quota = find_quota(conn, namespace.id, &id).await?;
                let kind = kind_of(&new.kind)?;
                let percent = match percent_of(new.percent) {
                    Ok(percent) => percent,
                    // The one of the wrong ones that Quay notices when it adds the limit, not when it looks for one like it.
                    Err(error) if new.percent == 0 => {
                        return Err(Error::invalid_request(error.to_string()));
                    }
                    Err(error) => return Err(error),
                };
                let limits = quotas::list_limits(conn, quota.id).await?;
                if limits
                    .iter()
                    .any(|limit| limit.kind == kind.name() && limit.percent == percent)
                {
                    return Err(Error::invalid_request("Quota limit already exists"));
                }
                quotas::insert_limit(conn, quota.id, accounts.id_of(kind), percent).await?;
                let keys = json!({
                    "namespace": name,
                    "type": new.kind,
                    "threshold_percent": percent,
                });
                let event = event("org_create_quota_limit", namespace.id, keys);
                accounts.record(conn, &actor, now, event).await?;
                Ok(())
            })
        })
        .await
}

/// Changes type and percentage of a limit, as far as they are given, and returns the quota.
///
/// # Errors
/// 404 when there is no such limit; 400 for another type or percentage.
pub(crate) async fn change_limit(
    api: &Api,
    actor: Actor,
    name: String,
    (quota_id, limit_id): (String, String),
    (kind, percent): (Option<String>, Option<i64>),
) -> Result<QuotaWithLimits> {
    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let namespace = namespaces::find(conn, &name).await?;
                let quota = find_quota(conn, namespace.id, &quota_id).await?;
                let limits = quotas::list_limits(conn, quota.id).await?;
                let previous = find_limit(&QuotaWithLimits { quota, limits }, &limit_id)?;
                let named = kind.unwrap_or_else(|| previous.kind.clone());
                let kind = kind_of(&named)?;
                let percent = percent.map_or(Ok(previous.percent), percent_of)?;
                quotas::set_limit(conn, previous.id, accounts.id_of(kind), percent).await?;
                let keys = json!({
                    "namespace": name,
                    "type": named,
                    "threshold_percent": percent,
                    "previous_type": previous.kind,
                    "previous_threshold_percent": previous.percent,
                });
                let event = event("org_change_quota_limit", namespace.id, keys);
                accounts.record(conn, &actor, now, event).await?;
                let limits = quotas::list_limits(conn, quota.id).await?;
                Ok(QuotaWithLimits { quota, limits })
            })
        })
        .await
}

/// Takes a limit from a quota.
///
/// # Errors
/// 404 when there is no such limit.
pub(crate) async fn delete_limit(
    api: &Api,
    actor: Actor,
    name: String,
    (quota_id, limit_id): (String, String),
) -> Result<()> {
    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let namespace = namespaces::find(conn, &name).await?;
                let quota = find_quota(conn, namespace.id, &quota_id).await?;
                let limits = quotas::list_limits(conn, quota.id).await?;
                let limit = find_limit(&QuotaWithLimits { quota, limits }, &limit_id)?;
                quotas::forget_notice(conn, namespace.id, limit.percent).await?;
                quotas::delete_limit(conn, limit.id).await?;
                let keys = json!({
                    "namespace": name,
                    "limit_id": limit.id.0,
                    "type": limit.kind,
                    "threshold_percent": limit.percent,
                });
                let event = event("org_delete_quota_limit", namespace.id, keys);
                accounts.record(conn, &actor, now, event).await?;
                Ok(())
            })
        })
        .await
}

async fn find_quota(conn: &mut Conn, namespace: UserId, id: &str) -> Result<Quota> {
    let id: i32 = id.parse().map_err(|_| Error::not_found())?;
    quotas::find(conn, namespace)
        .await?
        .filter(|quota| quota.id.0 == id)
        .ok_or_else(Error::not_found)
}

fn check_bytes(bytes: i64) -> Result<()> {
    if bytes > 0 {
        return Ok(());
    }
    Err(Error::invalid_request(format!(
        "Invalid quota size limit value: '{bytes}'"
    )))
}

fn kind_of(name: &str) -> Result<QuotaType> {
    QuotaType::ALL
        .iter()
        .copied()
        .find(|kind| kind.name().eq_ignore_ascii_case(name))
        .ok_or_else(|| Error::bad_request("Quota type must be one of [Warning, Reject]"))
}

fn percent_of(percent: i64) -> Result<i32> {
    i32::try_from(percent)
        .ok()
        .filter(|percent| (1..=100).contains(percent))
        .ok_or_else(|| Error::bad_request("Quota limit threshold must be between 1 and 100"))
}

fn exists(form: Form, name: &str) -> Error {
    let whose = match form {
        Form::Organization => "Organization quota",
        Form::Superuser => "Quota",
    };
    Error::invalid_request(format!("{whose} for '{name}' already exists"))
}

fn event(kind: &'static str, account: UserId, metadata: Value) -> Event {
    Event {
        kind,
        account,
        repository: None,
        metadata,
    }
}
