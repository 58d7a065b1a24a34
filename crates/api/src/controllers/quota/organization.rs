//! Quotas of organizations. Members see them; superusers with full access change them, also those of people.

use axum::extract::State;
use serde::Deserialize;

use super::{ChangeQuota, NewQuota};
use crate::error::Result;
use crate::extract::{Body, Path};
use crate::guard::{AllSuperusers, FullSuperuserOnly, InOrganization, OrgMember};
use crate::json::{Created, Json, NoContent};
use crate::route::{Routes, route};
use crate::services::quotas::{self, Form};
use crate::state::Api;
use crate::views::quota::{QuotaView, routes_are_on};

pub(super) fn routes() -> Routes {
    Routes::tagged("namespacequota")
        .add(route!(list_organization_quota).when(routes_are_on))
        .add(route!(create_organization_quota).when(routes_are_on))
        .add(route!(get_organization_quota).when(routes_are_on))
        .add(route!(change_organization_quota).when(routes_are_on))
        .add(route!(delete_organization_quota).when(routes_are_on))
}

#[derive(Deserialize)]
struct OrganizationPath {
    orgname: String,
}

#[derive(Deserialize)]
struct QuotaPath {
    orgname: String,
    quota_id: String,
}

/// List the quota of an organization.
#[utoipa::path(
    get,
    path = "/api/v1/organization/{orgname}/quota",
    operation_id = "listOrganizationQuota",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 200, body = Vec<QuotaView>, description = "None or one quota"))
)]
async fn list_organization_quota(
    guard: InOrganization<OrgMember, AllSuperusers>,
    State(api): State<Api>,
) -> Result<Json<Vec<QuotaView>>> {
    let organization = guard.organization()?;
    let mut conn = api.accounts().read().await?;
    let quota = quotas::of_namespace(&mut conn, organization.id).await?;
    let view = match quota {
        Some(quota) => Some(QuotaView::of(&api, quota)),
        None => QuotaView::of_default(&api),
    };
    Ok(Json(view.into_iter().collect()))
}

/// Create a new organization quota.
#[utoipa::path(
    post,
    path = "/api/v1/organization/{orgname}/quota",
    operation_id = "createOrganizationQuota",
    params(("orgname" = String, Path, description = "The name of the organization")),
    request_body = NewQuota,
    responses((status = 201, body = String, description = "Created"))
)]
async fn create_organization_quota(
    guard: FullSuperuserOnly,
    State(api): State<Api>,
    Path(path): Path<OrganizationPath>,
    Body(new): Body<NewQuota>,
) -> Result<Created<&'static str>> {
    let actor = guard.caller().actor();
    let bytes = new.bytes(Form::Organization)?;
    quotas::create(&api, actor, Form::Organization, path.orgname, bytes).await?;
    Ok(Created("Created"))
}

/// Get a quota of an organization.
#[utoipa::path(
    get,
    path = "/api/v1/organization/{orgname}/quota/{quota_id}",
    operation_id = "getOrganizationQuota",
    params(
        ("orgname" = String, Path, description = "The name of the organization"),
        ("quota_id" = String, Path, description = "The id of the quota")
    ),
    responses((status = 200, body = QuotaView, description = "The quota"))
)]
async fn get_organization_quota(
    _: InOrganization<OrgMember, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<QuotaPath>,
) -> Result<Json<QuotaView>> {
    let mut conn = api.accounts().read().await?;
    let quota = quotas::find(&mut conn, &path.orgname, &path.quota_id).await?;
    Ok(Json(QuotaView::of(&api, quota)))
}

/// Change the quota of an organization.
#[utoipa::path(
    put,
    path = "/api/v1/organization/{orgname}/quota/{quota_id}",
    operation_id = "changeOrganizationQuota",
    params(
        ("orgname" = String, Path, description = "The name of the organization"),
        ("quota_id" = String, Path, description = "The id of the quota")
    ),
    request_body = ChangeQuota,
    responses((status = 200, body = QuotaView, description = "The quota as it is now"))
)]
async fn change_organization_quota(
    guard: FullSuperuserOnly,
    State(api): State<Api>,
    Path(path): Path<QuotaPath>,
    Body(change): Body<ChangeQuota>,
) -> Result<Json<QuotaView>> {
    let (actor, bytes) = (guard.caller().actor(), change.bytes(Form::Organization)?);
    let (form, name, id) = (Form::Organization, path.orgname, path.quota_id);
    let quota = quotas::change(&api, actor, form, name, id, bytes).await?;
    Ok(Json(QuotaView::of(&api, quota)))
}

/// Delete the quota of an organization, with its limits.
#[utoipa::path(
    delete,
    path = "/api/v1/organization/{orgname}/quota/{quota_id}",
    operation_id = "deleteOrganizationQuota",
    params(
        ("orgname" = String, Path, description = "The name of the organization"),
        ("quota_id" = String, Path, description = "The id of the quota")
    ),
    responses((status = 204, description = "Deleted"))
)]
async fn delete_organization_quota(
    guard: FullSuperuserOnly,
    State(api): State<Api>,
    Path(path): Path<QuotaPath>,
) -> Result<NoContent> {
    let actor = guard.caller().actor();
    let (form, name, id) = (Form::Organization, path.orgname, path.quota_id);
    quotas::delete(&api, actor, form, name, id).await?;
    Ok(NoContent)
}
