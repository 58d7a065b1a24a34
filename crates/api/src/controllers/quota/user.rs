//! The caller's own quota, which only superusers change.

use axum::extract::State;
use serde::Deserialize;

use crate::error::Result;
use crate::extract::Path;
use crate::guard::{AdminUser, SignedIn};
use crate::json::Json;
use crate::route::{Routes, route};
use crate::services::quotas;
use crate::state::Api;
use crate::views::quota::{LimitView, QuotaView, routes_are_on};

pub(super) fn routes() -> Routes {
    Routes::tagged("namespacequota")
        .add(route!(list_user_quota).when(routes_are_on))
        .add(route!(get_user_quota).when(routes_are_on))
        .add(route!(list_user_quota_limit).when(routes_are_on))
        .add(route!(get_user_quota_limit).when(routes_are_on))
}

#[derive(Deserialize)]
struct QuotaPath {
    quota_id: String,
}

#[derive(Deserialize)]
struct LimitPath {
    quota_id: String,
    limit_id: String,
}

/// List the caller's quota.
#[utoipa::path(
    get,
    path = "/api/v1/user/quota",
    operation_id = "listUserQuota",
    responses((status = 200, body = Vec<QuotaView>, description = "None or one quota"))
)]
async fn list_user_quota(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
) -> Result<Json<Vec<QuotaView>>> {
    let mut conn = api.accounts().read().await?;
    let quota = quotas::of_namespace(&mut conn, guard.user().id).await?;
    Ok(Json(
        quota
            .map(|quota| QuotaView::of(&api, quota))
            .into_iter()
            .collect(),
    ))
}

/// Get a quota of the caller.
#[utoipa::path(
    get,
    path = "/api/v1/user/quota/{quota_id}",
    operation_id = "getUserQuota",
    params(("quota_id" = String, Path, description = "The id of the quota")),
    responses((status = 200, body = QuotaView, description = "The quota"))
)]
async fn get_user_quota(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(path): Path<QuotaPath>,
) -> Result<Json<QuotaView>> {
    let mut conn = api.accounts().read().await?;
    let quota = quotas::find(&mut conn, &guard.user().username, &path.quota_id).await?;
    Ok(Json(QuotaView::of(&api, quota)))
}

/// List the limits of the caller's quota.
#[utoipa::path(
    get,
    path = "/api/v1/user/quota/{quota_id}/limit",
    operation_id = "listUserQuotaLimit",
    params(("quota_id" = String, Path, description = "The id of the quota")),
    responses((status = 200, body = Vec<LimitView>, description = "The limits"))
)]
async fn list_user_quota_limit(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(path): Path<QuotaPath>,
) -> Result<Json<Vec<LimitView>>> {
    let mut conn = api.accounts().read().await?;
    let quota = quotas::find(&mut conn, &guard.user().username, &path.quota_id).await?;
    Ok(Json(
        quota.limits.into_iter().map(LimitView::from).collect(),
    ))
}

/// Get the caller's quota by one of its limits: as in Quay, the answer is the quota.
#[utoipa::path(
    get,
    path = "/api/v1/user/quota/{quota_id}/limit/{limit_id}",
    operation_id = "getUserQuotaLimit",
    params(
        ("quota_id" = String, Path, description = "The id of the quota"),
        ("limit_id" = String, Path, description = "The id of the limit")
    ),
    responses((status = 200, body = QuotaView, description = "The quota"))
)]
async fn get_user_quota_limit(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(path): Path<LimitPath>,
) -> Result<Json<QuotaView>> {
    let mut conn = api.accounts().read().await?;
    let quota = quotas::find(&mut conn, &guard.user().username, &path.quota_id).await?;
    quotas::find_limit(&quota, &path.limit_id)?;
    Ok(Json(QuotaView::of(&api, quota)))
}
