//! Access tokens of a repository, which Quay has given up: every call is answered with 410 (api-v1.md §5.11).

use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::extract::Body;
use crate::guard::{Admin, AllSuperusers, InRepository, Superusers};
use crate::json::NoContent;
use crate::route::{Routes, route};

pub(crate) fn routes() -> Routes {
    Routes::tagged("repotoken")
        .add(route!(list_repo_tokens))
        .add(route!(create_token))
        .add(route!(get_tokens))
        .add(route!(change_token))
        .add(route!(delete_token))
}

fn gone(what: &str) -> Result<NoContent> {
    Err(Error::message(
        StatusCode::GONE,
        format!("{what} of access tokens is no longer supported"),
    ))
}

/// A token that was to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewToken {
    /// Friendly name to help identify the token.
    #[serde(rename = "friendlyName")]
    _friendly_name: String,
}

/// What a token was to be allowed.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TokenPermission {
    /// Role to use for the token.
    #[serde(rename = "role")]
    _role: TokenRole,
}

/// A role on a repository.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TokenRole {
    /// Pull.
    Read,
    /// Pull and push.
    Write,
    /// Everything.
    Admin,
}

/// List the tokens for the specified repository.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/tokens/",
    operation_id = "listRepoTokens",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    responses((status = 410, description = "Always"))
)]
pub(crate) async fn list_repo_tokens(_: InRepository<Admin, AllSuperusers>) -> Result<NoContent> {
    gone("Handling")
}

/// Create a new repository token.
#[utoipa::path(
    post,
    path = "/api/v1/repository/{repository}/tokens/",
    operation_id = "createToken",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    request_body = NewToken,
    responses((status = 410, description = "Always"))
)]
pub(crate) async fn create_token(
    _: InRepository<Admin, Superusers>,
    _: Body<NewToken>,
) -> Result<NoContent> {
    gone("Creation")
}

/// Fetch the specified repository token information.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/tokens/{code}",
    operation_id = "getTokens",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("code" = String, Path, description = "The token code")
    ),
    responses((status = 410, description = "Always"))
)]
pub(crate) async fn get_tokens(_: InRepository<Admin, AllSuperusers>) -> Result<NoContent> {
    gone("Handling")
}

/// Update the permissions for the specified repository token.
#[utoipa::path(
    put,
    path = "/api/v1/repository/{repository}/tokens/{code}",
    operation_id = "changeToken",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("code" = String, Path, description = "The token code")
    ),
    request_body = TokenPermission,
    responses((status = 410, description = "Always"))
)]
pub(crate) async fn change_token(
    _: InRepository<Admin, Superusers>,
    _: Body<TokenPermission>,
) -> Result<NoContent> {
    gone("Handling")
}

/// Delete the repository token.
#[utoipa::path(
    delete,
    path = "/api/v1/repository/{repository}/tokens/{code}",
    operation_id = "deleteToken",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("code" = String, Path, description = "The token code")
    ),
    responses((status = 410, description = "Always"))
)]
pub(crate) async fn delete_token(_: InRepository<Admin, Superusers>) -> Result<NoContent> {
    gone("Handling")
}
