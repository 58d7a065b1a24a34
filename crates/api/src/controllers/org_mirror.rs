//! Mirrors of organizations (api-v1.md §5.17): `/organization/{orgname}/mirror`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::dates;
use crate::error::Result;
use crate::extract::{Body, Query, body};
use crate::guard::{AllSuperusers, InOrganization, OrgAdmin, Superusers};
use crate::json::{self, Json, NoContent};
use crate::route::{Routes, route};
use crate::services::org_mirrors::{self, ChangeOrgMirror, NewOrgMirror, Verified, status_name};
use crate::state::Api;

mod view;

use view::OrgMirrorView;

/// Repositories of a page unless something else is said.
const PAGE: i64 = 100;
/// Fields of a change that are named in the log. There are not so many that mean something.
const MOST_LOGGED_FIELDS: usize = 64;
/// Most repositories of a page.
const MAX_PAGE: i64 = 500;

pub(crate) fn routes() -> Routes {
    Routes::tagged("org_mirror")
        .add(route!(get_org_mirror_config).when(|config| config.mirroring.feature_org_mirror))
        .add(route!(create_org_mirror_config).when(|config| config.mirroring.feature_org_mirror))
        .add(route!(update_org_mirror_config).when(|config| config.mirroring.feature_org_mirror))
        .add(route!(delete_org_mirror_config).when(|config| config.mirroring.feature_org_mirror))
        .add(route!(sync_org_mirror_now).when(|config| config.mirroring.feature_org_mirror))
        .add(route!(cancel_org_mirror_sync).when(|config| config.mirroring.feature_org_mirror))
        .add(
            route!(verify_org_mirror_connection).when(|config| config.mirroring.feature_org_mirror),
        )
        .add(
            route!(list_org_mirror_repositories).when(|config| config.mirroring.feature_org_mirror),
        )
}

/// Get the organization-level mirror configuration.
#[utoipa::path(
    get,
    path = "/api/v1/organization/{orgname}/mirror",
    operation_id = "getOrgMirrorConfig",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 200, body = OrgMirrorView, description = "The mirror"))
)]
async fn get_org_mirror_config(
    guard: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
) -> Result<Json<OrgMirrorView>> {
    let found = org_mirrors::find(&api, guard.organization()?.id).await?;
    Ok(Json(OrgMirrorView::of(&api, found)?))
}

/// Create organization mirror configuration.
#[utoipa::path(
    post,
    path = "/api/v1/organization/{orgname}/mirror",
    operation_id = "createOrgMirrorConfig",
    params(("orgname" = String, Path, description = "The name of the organization")),
    request_body = NewOrgMirror,
    responses((status = 201, body = String, description = "Empty"))
)]
async fn create_org_mirror_config(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
    Body(new): Body<NewOrgMirror>,
) -> Result<Response> {
    let organization = guard.organization()?;
    let (actor, name) = (guard.caller().actor(), organization.name.clone());
    org_mirrors::create(&api, actor, name, organization.id, new).await?;
    Ok(json::answer(StatusCode::CREATED, ""))
}

/// Update organization mirror configuration.
#[utoipa::path(
    put,
    path = "/api/v1/organization/{orgname}/mirror",
    operation_id = "updateOrgMirrorConfig",
    params(("orgname" = String, Path, description = "The name of the organization")),
    request_body = ChangeOrgMirror,
    responses((status = 200, body = String, description = "Empty"))
)]
async fn update_org_mirror_config(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
    Body(given): Body<Map<String, Value>>,
) -> Result<Response> {
    let fields = given.keys().take(MOST_LOGGED_FIELDS).cloned().collect();
    let change: ChangeOrgMirror = body::parse(Value::Object(given))?;
    let organization = guard.organization()?;
    let (actor, name) = (guard.caller().actor(), organization.name.clone());
    org_mirrors::change(&api, actor, name, organization.id, change, fields).await?;
    Ok(json::answer(StatusCode::OK, ""))
}

/// Delete organization mirror configuration.
#[utoipa::path(
    delete,
    path = "/api/v1/organization/{orgname}/mirror",
    operation_id = "deleteOrgMirrorConfig",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 204, description = "Deleted"))
)]
async fn delete_org_mirror_config(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
) -> Result<NoContent> {
    let organization = guard.organization()?.id;
    org_mirrors::delete(&api, guard.caller().actor(), organization).await?;
    Ok(NoContent)
}

/// Trigger immediate discovery and sync for the organization.
#[utoipa::path(
    post,
    path = "/api/v1/organization/{orgname}/mirror/sync-now",
    operation_id = "syncOrgMirrorNow",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 204, description = "A worker will begin"))
)]
async fn sync_org_mirror_now(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
) -> Result<NoContent> {
    let organization = guard.organization()?.id;
    org_mirrors::sync_now(&api, guard.caller().actor(), organization).await?;
    Ok(NoContent)
}

/// Cancel ongoing discovery or sync operation.
#[utoipa::path(
    post,
    path = "/api/v1/organization/{orgname}/mirror/sync-cancel",
    operation_id = "cancelOrgMirrorSync",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 204, description = "Cancelled"))
)]
async fn cancel_org_mirror_sync(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
) -> Result<NoContent> {
    let organization = guard.organization()?.id;
    org_mirrors::sync_cancel(&api, guard.caller().actor(), organization).await?;
    Ok(NoContent)
}

/// Verify connection to source registry.
#[utoipa::path(
    post,
    path = "/api/v1/organization/{orgname}/mirror/verify",
    operation_id = "verifyOrgMirrorConnection",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 200, body = Verified, description = "What came of it"))
)]
async fn verify_org_mirror_connection(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
) -> Result<Json<Verified>> {
    let organization = guard.organization()?.id;
    Ok(Json(org_mirrors::verify(&api, organization).await?))
}

/// Which page. As in Quay, what is no number counts as missing.
#[derive(Deserialize)]
struct Asked {
    page: Option<String>,
    limit: Option<String>,
    status: Option<String>,
}

impl Asked {
    fn page(&self) -> (i64, i64) {
        let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
        let page: i64 = number(&self.page).unwrap_or(1);
        let limit: i64 = number(&self.limit).unwrap_or(PAGE);
        let limit = if limit < 1 { PAGE } else { limit.min(MAX_PAGE) };
        (page.max(1), limit)
    }
}

/// A repository of the other registry.
#[derive(Serialize, ToSchema)]
struct FoundView {
    name: String,
    sync_status: &'static str,
    /// ISO 8601.
    discovery_date: String,
    /// ISO 8601.
    last_sync_date: Option<String>,
    status_message: Option<String>,
    /// The repository here, once it is made.
    quay_repository: Option<String>,
}

/// A page of repositories of the other registry.
#[derive(Serialize, ToSchema)]
struct FoundPage {
    repositories: Vec<FoundView>,
    page: i64,
    limit: i64,
    total: i64,
    has_next: bool,
}

/// List all discovered repositories from source namespace.
#[utoipa::path(
    get,
    path = "/api/v1/organization/{orgname}/mirror/repositories",
    operation_id = "listOrgMirrorRepositories",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 200, body = FoundPage, description = "A page"))
)]
async fn list_org_mirror_repositories(
    guard: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
    Query(asked): Query<Asked>,
) -> Result<Json<FoundPage>> {
    let organization = guard.organization()?;
    let (page, limit) = asked.page();
    let status = asked.status.as_deref();
    let (found, total) =
        org_mirrors::repositories(&api, organization.id, status, (page, limit)).await?;
    let repositories = found
        .into_iter()
        .map(|found| FoundView {
            quay_repository: found
                .made
                .then(|| format!("{}/{}", organization.name, found.repository_name)),
            name: found.repository_name,
            sync_status: status_name(found.sync_status),
            discovery_date: dates::iso_exact(found.discovery_date),
            last_sync_date: found.last_sync_date.map(dates::iso_exact),
            status_message: found.status_message,
        })
        .collect();
    Ok(Json(FoundPage {
        repositories,
        page,
        limit,
        total,
        has_next: page.saturating_mul(limit) < total,
    }))
}
