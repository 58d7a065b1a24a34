//! What happens at parts of an organization's quota.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::{Body, Path, body};
use crate::guard::{AllSuperusers, FullSuperuserOnly, InOrganization, OrgMember};
use crate::json::{Created, Json, NoContent};
use crate::route::{Routes, route};
use crate::services::quotas::{self, NewLimit};
use crate::state::Api;
use crate::views::quota::{LimitView, QuotaView, routes_are_on};

pub(super) fn routes() -> Routes {
    Routes::tagged("namespacequota")
        .add(route!(list_organization_quota_limit).when(routes_are_on))
        .add(route!(create_organization_quota_limit).when(routes_are_on))
        .add(route!(get_organization_quota_limit).when(routes_are_on))
        .add(route!(change_organization_quota_limit).when(routes_are_on))
        .add(route!(delete_organization_quota_limit).when(routes_are_on))
}

#[derive(Deserialize)]
struct QuotaPath {
    orgname: String,
    quota_id: String,
}

#[derive(Deserialize)]
struct LimitPath {
    orgname: String,
    quota_id: String,
    limit_id: String,
}

/// A new limit.
#[derive(Deserialize, ToSchema)]
struct NewQuotaLimit {
    /// `Warning` or `Reject`.
    #[serde(rename = "type")]
    kind: String,
    /// 1 to 100.
    #[schema(minimum = 1, maximum = 100)]
    threshold_percent: i64,
}

/// A change of a limit.
#[derive(Deserialize, ToSchema)]
struct ChangeQuotaLimit {
    /// `Warning` or `Reject`.
    #[serde(default, rename = "type", deserialize_with = "body::present")]
    kind: Option<String>,
    /// 1 to 100.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(minimum = 1, maximum = 100)]
    threshold_percent: Option<i64>,
}

/// List the limits of an organization's quota.
#[utoipa::path(
    get,
    path = "/api/v1/organization/{orgname}/quota/{quota_id}/limit",
    operation_id = "listOrganizationQuotaLimit",
    params(
        ("orgname" = String, Path, description = "The name of the organization"),
        ("quota_id" = String, Path, description = "The id of the quota")
    ),
    responses((status = 200, body = Vec<LimitView>, description = "The limits"))
)]
async fn list_organization_quota_limit(
    _: InOrganization<OrgMember, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<QuotaPath>,
) -> Result<Json<Vec<LimitView>>> {
    let mut conn = api.accounts().read().await?;
    let quota = quotas::find(&mut conn, &path.orgname, &path.quota_id).await?;
    Ok(Json(
        quota.limits.into_iter().map(LimitView::from).collect(),
    ))
}

/// Add a limit to an organization's quota.
#[utoipa::path(
    post,
    path = "/api/v1/organization/{orgname}/quota/{quota_id}/limit",
    operation_id = "createOrganizationQuotaLimit",
    params(
        ("orgname" = String, Path, description = "The name of the organization"),
        ("quota_id" = String, Path, description = "The id of the quota")
    ),
    request_body = NewQuotaLimit,
    responses((status = 201, body = String, description = "Created"))
)]
async fn create_organization_quota_limit(
    guard: FullSuperuserOnly,
    State(api): State<Api>,
    Path(path): Path<QuotaPath>,
    Body(new): Body<NewQuotaLimit>,
) -> Result<Created<&'static str>> {
    let actor = guard.caller().actor();
    let new = NewLimit {
        kind: new.kind,
        percent: new.threshold_percent,
    };
    quotas::create_limit(&api, actor, path.orgname, path.quota_id, new).await?;
    Ok(Created("Created"))
}

/// Get a limit of an organization's quota.
#[utoipa::path(
    get,
    path = "/api/v1/organization/{orgname}/quota/{quota_id}/limit/{limit_id}",
    operation_id = "getOrganizationQuotaLimit",
    params(
        ("orgname" = String, Path, description = "The name of the organization"),
        ("quota_id" = String, Path, description = "The id of the quota"),
        ("limit_id" = String, Path, description = "The id of the limit")
    ),
    responses((status = 200, body = LimitView, description = "The limit"))
)]
async fn get_organization_quota_limit(
    _: InOrganization<OrgMember, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<LimitPath>,
) -> Result<Json<LimitView>> {
    let mut conn = api.accounts().read().await?;
    let quota = quotas::find(&mut conn, &path.orgname, &path.quota_id).await?;
    Ok(Json(quotas::find_limit(&quota, &path.limit_id)?.into()))
}

/// Change a limit of an organization's quota.
#[utoipa::path(
    put,
    path = "/api/v1/organization/{orgname}/quota/{quota_id}/limit/{limit_id}",
    operation_id = "changeOrganizationQuotaLimit",
    params(
        ("orgname" = String, Path, description = "The name of the organization"),
        ("quota_id" = String, Path, description = "The id of the quota"),
        ("limit_id" = String, Path, description = "The id of the limit")
    ),
    request_body = ChangeQuotaLimit,
    responses((status = 200, body = QuotaView, description = "The quota as it is now"))
)]
async fn change_organization_quota_limit(
    guard: FullSuperuserOnly,
    State(api): State<Api>,
    Path(path): Path<LimitPath>,
    Body(change): Body<ChangeQuotaLimit>,
) -> Result<Json<QuotaView>> {
    let actor = guard.caller().actor();
    let ids = (path.quota_id, path.limit_id);
    let change = (change.kind, change.threshold_percent);
    let quota = quotas::change_limit(&api, actor, path.orgname, ids, change).await?;
    Ok(Json(QuotaView::of(&api, quota)))
}

/// Delete a limit of an organization's quota.
#[utoipa::path(
    delete,
    path = "/api/v1/organization/{orgname}/quota/{quota_id}/limit/{limit_id}",
    operation_id = "deleteOrganizationQuotaLimit",
    params(
        ("orgname" = String, Path, description = "The name of the organization"),
        ("quota_id" = String, Path, description = "The id of the quota"),
        ("limit_id" = String, Path, description = "The id of the limit")
    ),
    responses((status = 204, description = "Deleted"))
)]
async fn delete_organization_quota_limit(
    guard: FullSuperuserOnly,
    State(api): State<Api>,
    Path(path): Path<LimitPath>,
) -> Result<NoContent> {
    let actor = guard.caller().actor();
    let ids = (path.quota_id, path.limit_id);
    quotas::delete_limit(&api, actor, path.orgname, ids).await?;
    Ok(NoContent)
}
