//! Quotas as superusers see and change them, with or without full access: of people, and of organizations, under two paths
//! that do the same. As in Quay, the audit log does not tell, and no fresh sign-in is asked for to delete.

use axum::extract::State;
use serde::Deserialize;

use super::{ChangeQuota, NewQuota};
use crate::error::Result;
use crate::extract::{Body, Path};
use crate::guard::{Fresh, SuperuserOnly};
use crate::json::{Created, Json, NoContent};
use crate::route::{Routes, route};
use crate::services::namespaces;
use crate::services::quotas::{self, Form};
use crate::state::Api;
use crate::views::quota::{QuotaView, routes_are_on};

pub(super) fn routes() -> Routes {
    Routes::tagged("superuser")
        .add(route!(list_user_quota_super_user).when(routes_are_on))
        .add(route!(create_user_quota_super_user).when(routes_are_on))
        .add(route!(change_user_quota_super_user).when(routes_are_on))
        .add(route!(delete_user_quota_super_user).when(routes_are_on))
        .add(route!(list_organization_quota_super_user).when(routes_are_on))
        .add(route!(create_organization_quota_super_user).when(routes_are_on))
        .add(route!(change_organization_quota_super_user).when(routes_are_on))
        .add(route!(delete_organization_quota_super_user).when(routes_are_on))
}

#[derive(Deserialize)]
struct NamespacePath {
    namespace: String,
}

#[derive(Deserialize)]
struct QuotaPath {
    namespace: String,
    quota_id: String,
}

async fn list(api: &Api, path: &NamespacePath) -> Result<Json<Vec<QuotaView>>> {
    let mut conn = api.accounts().read().await?;
    let namespace = namespaces::find(&mut conn, &path.namespace).await?;
    let quota = quotas::of_namespace(&mut conn, namespace.id).await?;
    let view = quota.map(|quota| QuotaView::of(api, quota));
    Ok(Json(view.into_iter().collect()))
}

async fn create(
    guard: &SuperuserOnly,
    api: &Api,
    path: NamespacePath,
    new: &NewQuota,
) -> Result<Created<&'static str>> {
    let actor = guard.caller().actor();
    let bytes = new.bytes(Form::Superuser)?;
    quotas::create(api, actor, Form::Superuser, path.namespace, bytes).await?;
    Ok(Created("Created"))
}

async fn change(
    guard: &SuperuserOnly,
    api: &Api,
    path: QuotaPath,
    change: &ChangeQuota,
) -> Result<Json<QuotaView>> {
    let (actor, bytes) = (guard.caller().actor(), change.bytes(Form::Superuser)?);
    let (form, name, id) = (Form::Superuser, path.namespace, path.quota_id);
    let quota = quotas::change(api, actor, form, name, id, bytes).await?;
    Ok(Json(QuotaView::of(api, quota)))
}

async fn delete(guard: &SuperuserOnly, api: &Api, path: QuotaPath) -> Result<NoContent> {
    let actor = guard.caller().actor();
    let (form, name, id) = (Form::Superuser, path.namespace, path.quota_id);
    quotas::delete(api, actor, form, name, id).await?;
    Ok(NoContent)
}

/// List the quota of a user.
#[utoipa::path(
    get,
    path = "/api/v1/superuser/users/{namespace}/quota",
    operation_id = "listUserQuotaSuperUser",
    params(("namespace" = String, Path, description = "The name of the user or organization")),
    responses((status = 200, body = Vec<QuotaView>, description = "None or one quota"))
)]
async fn list_user_quota_super_user(
    _: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(path): Path<NamespacePath>,
) -> Result<Json<Vec<QuotaView>>> {
    list(&api, &path).await
}

/// Create the quota of a user.
#[utoipa::path(
    post,
    path = "/api/v1/superuser/users/{namespace}/quota",
    operation_id = "createUserQuotaSuperUser",
    params(("namespace" = String, Path, description = "The name of the user or organization")),
    request_body = NewQuota,
    responses((status = 201, body = String, description = "Created"))
)]
async fn create_user_quota_super_user(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(path): Path<NamespacePath>,
    Body(new): Body<NewQuota>,
) -> Result<Created<&'static str>> {
    create(&guard, &api, path, &new).await
}

/// Change the quota of a user.
#[utoipa::path(
    put,
    path = "/api/v1/superuser/users/{namespace}/quota/{quota_id}",
    operation_id = "changeUserQuotaSuperUser",
    params(
        ("namespace" = String, Path, description = "The name of the user or organization"),
        ("quota_id" = String, Path, description = "The id of the quota")
    ),
    request_body = ChangeQuota,
    responses((status = 200, body = QuotaView, description = "The quota as it is now"))
)]
async fn change_user_quota_super_user(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(path): Path<QuotaPath>,
    Body(body): Body<ChangeQuota>,
) -> Result<Json<QuotaView>> {
    change(&guard, &api, path, &body).await
}

/// Delete the quota of a user, with its limits.
#[utoipa::path(
    delete,
    path = "/api/v1/superuser/users/{namespace}/quota/{quota_id}",
    operation_id = "deleteUserQuotaSuperUser",
    params(
        ("namespace" = String, Path, description = "The name of the user or organization"),
        ("quota_id" = String, Path, description = "The id of the quota")
    ),
    responses((status = 204, description = "Deleted"))
)]
async fn delete_user_quota_super_user(
    guard: SuperuserOnly,
    State(api): State<Api>,
    Path(path): Path<QuotaPath>,
) -> Result<NoContent> {
    delete(&guard, &api, path).await
}

/// List the quota of an organization.
#[utoipa::path(
    get,
    path = "/api/v1/superuser/organization/{namespace}/quota",
    operation_id = "listOrganizationQuotaSuperUser",
    params(("namespace" = String, Path, description = "The name of the user or organization")),
    responses((status = 200, body = Vec<QuotaView>, description = "None or one quota"))
)]
async fn list_organization_quota_super_user(
    _: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(path): Path<NamespacePath>,
) -> Result<Json<Vec<QuotaView>>> {
    list(&api, &path).await
}

/// Create the quota of an organization.
#[utoipa::path(
    post,
    path = "/api/v1/superuser/organization/{namespace}/quota",
    operation_id = "createOrganizationQuotaSuperUser",
    params(("namespace" = String, Path, description = "The name of the user or organization")),
    request_body = NewQuota,
    responses((status = 201, body = String, description = "Created"))
)]
async fn create_organization_quota_super_user(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(path): Path<NamespacePath>,
    Body(new): Body<NewQuota>,
) -> Result<Created<&'static str>> {
    create(&guard, &api, path, &new).await
}

/// Change the quota of an organization.
#[utoipa::path(
    put,
    path = "/api/v1/superuser/organization/{namespace}/quota/{quota_id}",
    operation_id = "changeOrganizationQuotaSuperUser",
    params(
        ("namespace" = String, Path, description = "The name of the user or organization"),
        ("quota_id" = String, Path, description = "The id of the quota")
    ),
    request_body = ChangeQuota,
    responses((status = 200, body = QuotaView, description = "The quota as it is now"))
)]
async fn change_organization_quota_super_user(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(path): Path<QuotaPath>,
    Body(body): Body<ChangeQuota>,
) -> Result<Json<QuotaView>> {
    change(&guard, &api, path, &body).await
}

/// Delete the quota of an organization, with its limits.
#[utoipa::path(
    delete,
    path = "/api/v1/superuser/organization/{namespace}/quota/{quota_id}",
    operation_id = "deleteOrganizationQuotaSuperUser",
    params(
        ("namespace" = String, Path, description = "The name of the user or organization"),
        ("quota_id" = String, Path, description = "The id of the quota")
    ),
    responses((status = 204, description = "Deleted"))
)]
async fn delete_organization_quota_super_user(
    guard: SuperuserOnly,
    State(api): State<Api>,
    Path(path): Path<QuotaPath>,
) -> Result<NoContent> {
    delete(&guard, &api, path).await
}
