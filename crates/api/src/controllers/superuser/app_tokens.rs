//! The app tokens of everybody, for whoever audits the installation.

use axum::extract::State;

use super::enabled;
use crate::controllers::users::app_tokens::{AppTokens, Expiring, expires_soon};
use crate::error::Result;
use crate::extract::Query;
use crate::guard::{AllSuperusers, Fresh, FullSuperuserOnly};
use crate::json::Json;
use crate::route::{Routes, route};
use crate::state::Api;

pub(super) fn routes() -> Routes {
    let served = |config: &pierhead_config::Config| {
        enabled(config) && config.tokens.feature_app_specific_tokens
    };
    Routes::tagged("superuser").add(route!(list_all_app_tokens).when(served))
}

/// Returns a list of all app specific tokens in the system.
#[utoipa::path(get, path = "/api/v1/superuser/apptokens", operation_id = "listAllAppTokens",
    params(("expiring" = Option<bool>, Query, description = "If true, only returns those tokens expiring soon")),
    responses((status = 200, description = "The tokens, without their secrets", body = AppTokens)))]
async fn list_all_app_tokens(
    _: Fresh<FullSuperuserOnly<AllSuperusers>>,
    State(api): State<Api>,
    Query(asked): Query<Expiring>,
) -> Result<Json<AppTokens>> {
    let soon = (asked.expiring == Some(true)).then(|| expires_soon(&api));
    let tokens = api.accounts().all_app_tokens(soon).await?;
    Ok(Json(AppTokens::of(tokens, asked.expiring)))
}
