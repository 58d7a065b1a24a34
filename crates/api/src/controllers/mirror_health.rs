//! How mirrors fare (api-v1.md §5.16, §5.22). Unhealthy is 503, so that a load balancer's or monitor's plain check sees it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use pierhead_auth::TeamRole;
use pierhead_db::UserId;
use serde::Deserialize;

use crate::caller::Caller;
use crate::controllers::NO_CACHE;
use crate::error::{Error, Result};
use crate::extract::{Query, query};
use crate::guard::{AnyScope, Fresh, SignedIn, SuperuserOnly};
use crate::json;
use crate::route::{Routes, route};
use crate::services::mirror_health::{self, MirrorHealth, Wanted};
use crate::state::Api;

/// Mirrors of a page of details unless something else is said.
const PAGE: i64 = 100;

pub(crate) fn routes() -> Routes {
    Routes::tagged("mirrorhealth")
        .add(route!(repository_mirror_health).when(|config| config.mirroring.feature_repo_mirror))
        .merge(
            Routes::tagged("superuser").add(route!(super_user_repository_mirror_health).when(
                |config| config.users.feature_super_users && config.mirroring.feature_repo_mirror,
            )),
        )
}

#[derive(Deserialize)]
struct Asked {
    namespace: Option<String>,
    #[serde(default, deserialize_with = "query::flag")]
    detailed: bool,
    limit: Option<i64>,
    offset: Option<i64>,
}

/// Get the health of repository mirroring, of a namespace or of all.
#[utoipa::path(
    get,
    path = "/api/v1/repository/mirror/health",
    operation_id = "getRepositoryMirrorHealth",
    params(
        ("namespace" = Option<String>, Query, description = "Filter health check to specific namespace"),
        ("detailed" = Option<bool>, Query, description = "Include per-repository breakdown"),
        ("limit" = Option<i64>, Query, description = "Maximum repositories in detailed view"),
        ("offset" = Option<i64>, Query, description = "Offset into the sorted mirror list for detailed view")
    ),
    responses(
        (status = 200, body = MirrorHealth, description = "Healthy"),
        (status = 503, body = MirrorHealth, description = "Somebody should act")
    )
)]
async fn repository_mirror_health(
    guard: Fresh<SignedIn<AnyScope>>,
    State(api): State<Api>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let namespace = may_see(&api, guard.caller(), asked.namespace.as_deref()).await?;
    let page = (asked.limit.unwrap_or(PAGE), asked.offset.unwrap_or(0));
    let wanted = Wanted {
        namespace,
        names: true,
        details: asked.detailed.then_some(page),
    };
    answer(&api, wanted).await
}

/// Get the health of all repository mirroring, without names of repositories.
#[utoipa::path(
    get,
    path = "/api/v1/superuser/mirror/health",
    operation_id = "getSuperUserRepositoryMirrorHealth",
    responses(
        (status = 200, body = MirrorHealth, description = "Healthy"),
        (status = 503, body = MirrorHealth, description = "Somebody should act")
    )
)]
async fn super_user_repository_mirror_health(
    _: Fresh<SuperuserOnly>,
    State(api): State<Api>,
) -> Result<Response> {
    let wanted = Wanted {
        namespace: None,
        names: false,
        details: None,
    };
    answer(&api, wanted).await
}

/// The namespace that is asked for: members see their organization, people their own, some superusers each and all.
async fn may_see(api: &Api, caller: &Caller, name: Option<&str>) -> Result<Option<UserId>> {
    let sees_all = caller.has_full_access() || caller.is_global_readonly();
    let Some(name) = name else {
        return if sees_all {
            Ok(None)
        } else {
            Err(Error::unauthorized(caller))
        };
    };
    let rights = api
        .auth()
        .namespace_rights(caller.credential(), name)
        .await?;
    let id = rights.id.ok_or_else(Error::not_found)?;
    let own = caller.user().is_some_and(|user| user.username == name);
    let member = rights.organization.is_some() && rights.role >= Some(TeamRole::Member);
    if sees_all || own || member {
        Ok(Some(id))
    } else {
        Err(Error::unauthorized(caller))
    }
}

async fn answer(api: &Api, wanted: Wanted) -> Result<Response> {
    let mut conn = api.accounts().read().await?;
    let now = api.accounts().now();
    let health = mirror_health::report(api.config(), &mut conn, now, wanted).await?;
    let status = if health.healthy {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let answer = json::answer(status, &health);
    Ok(([(CACHE_CONTROL, NO_CACHE)], answer).into_response())
}
