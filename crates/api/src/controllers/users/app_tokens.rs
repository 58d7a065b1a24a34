//! `/user/apptoken`: the tokens that people give to their tools instead of a password (api-v1.md §5.2).

use axum::extract::State;
use chrono::Duration;
use pierhead_auth::accounts::{AppToken, AppTokenExpiry};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dates;
use crate::error::{Error, Result};
use crate::extract::{Body, Path, Query, query};
use crate::guard::{AdminUser, Fresh, SignedIn};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::state::Api;

/// How long tokens live for this purpose when the configuration says that they live for ever.
const DEFAULT_LIFETIME_S: u64 = 4 * 7 * 24 * 60 * 60;

pub(super) fn routes() -> Routes {
    let feature = |config: &pierhead_config::Config| config.tokens.feature_app_specific_tokens;
    Routes::tagged("appspecifictokens")
        .add(route!(list_app_tokens).when(feature))
        .add(route!(create_app_token).when(feature))
        .add(route!(get_app_token).when(feature))
        .add(route!(revoke_app_token).when(feature))
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppTokenView {
    /// How the owner names it.
    uuid: String,
    /// For people.
    title: String,
    /// When it was used last (RFC 2822).
    last_accessed: Option<String>,
    /// When it was made (RFC 2822).
    created: String,
    /// When it ends (RFC 2822).
    expiration: Option<String>,
    /// What a tool logs in with, as the user `$app`.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_code: Option<String>,
}

impl AppTokenView {
    /// A token without its secret.
    pub(crate) fn of(token: AppToken) -> Self {
        Self {
            uuid: token.uuid,
            title: token.title,
            last_accessed: token.last_accessed.map(dates::rfc2822),
            created: dates::rfc2822(token.created),
            expiration: token.expiration.map(dates::rfc2822),
            token_code: None,
        }
    }
}

/// Which tokens.
#[derive(Deserialize)]
pub(crate) struct Expiring {
    #[serde(default, deserialize_with = "query::optional_flag")]
    pub(crate) expiring: Option<bool>,
}

/// Tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppTokens {
    /// The oldest first.
    tokens: Vec<AppTokenView>,
    /// As it was asked for.
    only_expiring: Option<bool>,
}

impl AppTokens {
    /// Tokens without their secrets.
    pub(crate) fn of(tokens: Vec<AppToken>, only_expiring: Option<bool>) -> Self {
        Self {
            tokens: tokens.into_iter().map(AppTokenView::of).collect(),
            only_expiring,
        }
    }
}

/// One token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneAppToken {
    /// With its secret.
    token: AppTokenView,
}

/// The tokens of the caller.
#[utoipa::path(get, path = "/api/v1/user/apptoken", operation_id = "listAppTokens",
    params(("expiring" = Option<bool>, Query, description = "Only those that end soon")),
    responses((status = 200, body = AppTokens, description = "The tokens, without their secrets")))]
pub(crate) async fn list_app_tokens(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Query(Expiring { expiring }): Query<Expiring>,
) -> Result<Json<AppTokens>> {
    let tokens = if expiring == Some(true) {
        let soon = expires_soon(&api);
        api.accounts()
            .expiring_app_tokens(guard.user().id, soon)
            .await?
    } else {
        api.accounts()
            .list_app_tokens(&guard.user().username)
            .await?
    };
    Ok(Json(AppTokens::of(tokens, expiring)))
}

/// A tenth of the life of a token, but at least a second.
pub(crate) fn expires_soon(api: &Api) -> Duration {
    let lifetime = api
        .config()
        .tokens
        .app_specific_token_expiration
        .as_ref()
        .map_or(DEFAULT_LIFETIME_S, pierhead_config::Duration::as_secs);
    let seconds = lifetime.div_ceil(10).max(1);
    Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1000))
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewToken {
    /// For people; 1 to 255 characters.
    title: String,
}

/// Makes a token for the caller.
#[utoipa::path(post, path = "/api/v1/user/apptoken", operation_id = "createAppToken", request_body = NewToken,
    responses((status = 200, body = OneAppToken, description = "The token with its secret"),
        (status = 400, description = "The title is missing or too long")))]
pub(crate) async fn create_app_token(
    guard: Fresh<SignedIn<AdminUser>>,
    State(api): State<Api>,
    Body(given): Body<NewToken>,
) -> Result<Json<OneAppToken>> {
    let user = guard.user();
    let actor = guard.caller().actor();
    let created = api
        .accounts()
        .create_app_token(
            &actor,
            &user.username,
            &given.title,
            AppTokenExpiry::Default,
        )
        .await?;
    one(&api, &guard, &created.uuid).await
}

/// A token of the caller, with its secret.
#[utoipa::path(get, path = "/api/v1/user/apptoken/{token_uuid}", operation_id = "getAppToken",
    params(("token_uuid" = String, Path, description = "The uuid of the token")),
    responses((status = 200, body = OneAppToken, description = "The token with its secret"),
        (status = 404, description = "The caller has no such token, or it has ended")))]
pub(crate) async fn get_app_token(
    guard: Fresh<SignedIn<AdminUser>>,
    State(api): State<Api>,
    Path(uuid): Path<String>,
) -> Result<Json<OneAppToken>> {
    one(&api, &guard, &uuid).await
}

async fn one(api: &Api, owner: &SignedIn<AdminUser>, uuid: &str) -> Result<Json<OneAppToken>> {
    let (token, text) = api
        .accounts()
        .app_token(owner.user().id, uuid)
        .await?
        .ok_or_else(Error::not_found)?;
    let token = AppTokenView {
        token_code: Some(text.expose().to_owned()),
        ..AppTokenView::of(token)
    };
    Ok(Json(OneAppToken { token }))
}

/// Makes a token of the caller worthless.
#[utoipa::path(delete, path = "/api/v1/user/apptoken/{token_uuid}", operation_id = "revokeAppToken",
    params(("token_uuid" = String, Path, description = "The uuid of the token")),
    responses((status = 204, description = "It is worthless now"),
        (status = 404, description = "The caller has no such token")))]
pub(crate) async fn revoke_app_token(
    guard: Fresh<SignedIn<AdminUser>>,
    State(api): State<Api>,
    Path(uuid): Path<String>,
) -> Result<NoContent> {
    let user = guard.user();
    api.accounts()
        .revoke_app_token(&guard.caller().actor(), &user.username, &uuid)
        .await?;
    api.auth().forget_principal(user.id);
    Ok(NoContent)
}
