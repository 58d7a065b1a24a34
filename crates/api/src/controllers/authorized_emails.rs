//! Addresses that may be told about a repository once their owners have agreed (api-v1.md §5.11).

use axum::extract::State;
use pierhead_auth::Repository;
use pierhead_mail::Letter;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::extract::Path;
use crate::guard::{Admin, AllSuperusers, InRepository, Superusers};
use crate::json::Json;
use crate::route::{Routes, route};
use crate::services::users::reserve_mail;
use crate::state::Api;

pub(crate) fn routes() -> Routes {
    Routes::tagged("repoemail")
        .add(
            route!(check_repo_email_authorized)
                .internal()
                .when(|config| config.mail.feature_mailing),
        )
        .add(
            route!(send_authorize_repo_email)
                .internal()
                .when(|config| config.mail.feature_mailing),
        )
}

/// The address in the path.
#[derive(Debug, Deserialize)]
pub(crate) struct EmailPath {
    email: String,
}

/// An address that was asked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuthorizedEmailView {
    email: String,
    repository: String,
    namespace: String,
    confirmed: bool,
}

/// Checks to see if the given e-mail address is authorized on this repository.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/authorizedemail/{email}",
    operation_id = "checkRepoEmailAuthorized",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("email" = String, Path, description = "The e-mail address")
    ),
    responses(
        (status = 200, body = AuthorizedEmailView, description = "The address was asked"),
        (status = 404, description = "It was not")
    )
)]
pub(crate) async fn check_repo_email_authorized(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<EmailPath>,
) -> Result<Json<AuthorizedEmailView>> {
    let repository = guard.repository()?;
    let found = api
        .accounts()
        .authorized_email(repository.id, &path.email)
        .await?
        .ok_or_else(Error::no_such_page)?;
    Ok(Json(view(repository, path.email, found.confirmed)))
}

/// Starts the authorization process for an e-mail address on a repository.
#[utoipa::path(
    post,
    path = "/api/v1/repository/{repository}/authorizedemail/{email}",
    operation_id = "sendAuthorizeRepoEmail",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("email" = String, Path, description = "The e-mail address")
    ),
    responses(
        (status = 200, body = AuthorizedEmailView, description = "The address is asked, unless it has agreed"),
        (status = 400, description = "It is no address")
    )
)]
pub(crate) async fn send_authorize_repo_email(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<EmailPath>,
) -> Result<Json<AuthorizedEmailView>> {
    let repository = guard.repository()?;
    // The place of the mail is taken before anything is changed.
    let slot = reserve_mail(&api)?;
    let asked = api
        .accounts()
        .ask_email(repository.id, &path.email)
        .await?
        .ok_or_else(Error::no_such_page)?;
    if !asked.confirmed {
        let letter = Letter::AuthorizeRepositoryAddress {
            repository: repository.name.to_string(),
            code: asked.code,
        };
        slot.send(path.email.as_str(), letter);
    }
    Ok(Json(view(repository, path.email, asked.confirmed)))
}

fn view(repository: &Repository, email: String, confirmed: bool) -> AuthorizedEmailView {
    AuthorizedEmailView {
        email,
        repository: repository.name.repository().to_owned(),
        namespace: repository.name.namespace().to_owned(),
        confirmed,
    }
}
