//! Proxy caches of organizations (api-v1.md §5.3): `/organization/{orgname}/proxycache`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use pierhead_db::queries::proxy_caches::ProxyCache;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::{Body, Path};
use crate::guard::{AllSuperusers, InOrganization, OrgAdminUnscoped, OrgMember, Superusers};
use crate::json::{self, Created, Json};
use crate::route::{Routes, route};
use crate::services::proxy_caches::{self, NewCache, Validity};
use crate::state::Api;

pub(crate) fn routes() -> Routes {
    Routes::tagged("organization")
        .add(route!(get_proxy_cache_config).when(|config| config.proxy_cache.feature_proxy_cache))
        .add(
            route!(create_proxy_cache_config).when(|config| config.proxy_cache.feature_proxy_cache),
        )
        .add(
            route!(delete_proxy_cache_config).when(|config| config.proxy_cache.feature_proxy_cache),
        )
        .add(
            route!(validate_proxy_cache_config)
                .when(|config| config.proxy_cache.feature_proxy_cache),
        )
}

#[derive(Deserialize)]
struct OrganizationPath {
    orgname: String,
}

/// What an organization is a cache of. Every field is an empty text when it is none.
#[derive(Serialize, ToSchema)]
struct ProxyCacheView {
    upstream_registry: String,
    /// How long a tag is believed, in seconds; an empty text if there is no cache.
    expiration_s: Value,
    /// Whether the registry is reached by plain HTTP; an empty text if there is no cache.
    insecure: Value,
}

impl From<Option<ProxyCache>> for ProxyCacheView {
    fn from(found: Option<ProxyCache>) -> Self {
        match found {
            Some(cache) => Self {
                upstream_registry: cache.upstream_registry,
                expiration_s: json!(cache.expiration_s),
                insecure: json!(cache.insecure),
            },
            None => Self {
                upstream_registry: String::new(),
                expiration_s: json!(""),
                insecure: json!(""),
            },
        }
    }
}

/// Retrieves the proxy cache configuration of the organization.
#[utoipa::path(
    get,
    path = "/api/v1/organization/{orgname}/proxycache",
    operation_id = "getProxyCacheConfig",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 200, body = ProxyCacheView, description = "The configuration"))
)]
async fn get_proxy_cache_config(
    guard: InOrganization<OrgMember, AllSuperusers>,
    State(api): State<Api>,
) -> Result<Json<ProxyCacheView>> {
    let found = match guard.organization() {
        Ok(organization) => proxy_caches::find(&api, organization.id).await?,
        // As in Quay, what does not exist is no cache.
        Err(_) => None,
    };
    Ok(Json(found.into()))
}

/// Creates proxy cache configuration for the organization.
#[utoipa::path(
    post,
    path = "/api/v1/organization/{orgname}/proxycache",
    operation_id = "createProxyCacheConfig",
    params(("orgname" = String, Path, description = "The name of the organization")),
    request_body = NewCache,
    responses((status = 201, body = String, description = "Created"))
)]
async fn create_proxy_cache_config(
    guard: InOrganization<OrgAdminUnscoped, Superusers>,
    State(api): State<Api>,
    Path(path): Path<OrganizationPath>,
    Body(new): Body<NewCache>,
) -> Result<Created<&'static str>> {
    proxy_caches::create(&api, guard.caller().actor(), path.orgname, new).await?;
    Ok(Created("Created"))
}

/// Delete proxy cache configuration for the organization.
#[utoipa::path(
    delete,
    path = "/api/v1/organization/{orgname}/proxycache",
    operation_id = "deleteProxyCacheConfig",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 201, body = String, description = "Deleted"))
)]
async fn delete_proxy_cache_config(
    guard: InOrganization<OrgAdminUnscoped, Superusers>,
    State(api): State<Api>,
    Path(path): Path<OrganizationPath>,
) -> Result<Created<&'static str>> {
    proxy_caches::delete(&api, guard.caller().actor(), path.orgname).await?;
    Ok(Created("Deleted"))
}

/// Tries a registry before it is configured.
#[utoipa::path(
    post,
    path = "/api/v1/organization/{orgname}/validateproxycache",
    operation_id = "validateProxyCacheConfig",
    params(("orgname" = String, Path, description = "The name of the organization")),
    request_body = NewCache,
    responses((status = 202, body = String, description = "Valid or Anonymous"))
)]
async fn validate_proxy_cache_config(
    _: InOrganization<OrgAdminUnscoped, Superusers>,
    State(api): State<Api>,
    Path(path): Path<OrganizationPath>,
    Body(new): Body<NewCache>,
) -> Result<Response> {
    let word = match proxy_caches::validate(&api, &path.orgname, new).await? {
        Validity::Valid => "Valid",
        Validity::Anonymous => "Anonymous",
    };
    Ok(json::answer(StatusCode::ACCEPTED, word))
}
