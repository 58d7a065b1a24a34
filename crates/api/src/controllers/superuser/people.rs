//! The people of the installation, as superusers list and change them.

use axum::extract::State;
use pierhead_auth::accounts::PersonChange;
use pierhead_config::Secret;
use pierhead_config::sections::auth::AuthenticationType;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Listing, enabled};
use crate::error::{Error, Result};
use crate::extract::{Body, Path, Query, body};
use crate::guard::{Fresh, SuperuserOnly};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::services::managed_accounts;
use crate::state::Api;
use crate::views::superuser_user::{SuperuserUserView, quotas};

pub(super) fn routes() -> Routes {
    let mails = |config: &pierhead_config::Config| enabled(config) && config.mail.feature_mailing;
    Routes::tagged("superuser")
        .add(route!(list_users).when(enabled))
        .add(route!(create_user).when(enabled))
        .add(route!(get_user).when(enabled))
        .add(route!(change_user).when(enabled))
        .add(route!(delete_user).when(enabled))
        .add(route!(send_recovery).when(mails).internal())
}

/// People.
#[derive(Serialize, ToSchema)]
struct SuperuserUsers {
    users: Vec<SuperuserUserView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
}

/// Returns a list of all users in the system.
#[utoipa::path(get, path = "/api/v1/superuser/users/", operation_id = "listAllUsers",
    params(("disabled" = Option<bool>, Query, description = "If false, only enabled users will be returned."),
        ("limit" = Option<i64>, Query, description = "Limit to the number of results to return per page. Max 100."),
        ("next_page" = Option<String>, Query, description = "The page token for the next page")),
    responses((status = 200, description = "The people", body = SuperuserUsers)))]
async fn list_users(
    _: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Query(listing): Query<Listing>,
) -> Result<Json<SuperuserUsers>> {
    let (accounts, next_page) =
        managed_accounts::list(&api, false, listing.disabled, listing.page()?).await?;
    let mut quotas = quotas(&api, &accounts).await?;
    let users = accounts
        .into_iter()
        .map(|account| {
            let quotas = quotas.remove(&account.id);
            SuperuserUserView::of(&api, account, quotas)
        })
        .collect();
    Ok(Json(SuperuserUsers { users, next_page }))
}

/// A person to make.
#[derive(Deserialize, ToSchema)]
struct CreateInstallUser {
    /// The username of the user being created
    username: String,
    /// The email address of the user being created
    #[serde(default, deserialize_with = "body::present")]
    email: Option<String>,
}

/// A person that was made, with the password that was made for them.
#[derive(Serialize, ToSchema)]
struct CreatedInstallUser {
    username: String,
    email: Option<String>,
    password: String,
    encrypted_password: String,
}

/// Creates a new user.
#[utoipa::path(post, path = "/api/v1/superuser/users/", operation_id = "createInstallUser",
    request_body = CreateInstallUser,
    responses((status = 200, description = "The person and the password", body = CreatedInstallUser)))]
async fn create_user(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Body(wanted): Body<CreateInstallUser>,
) -> Result<Json<CreatedInstallUser>> {
    let actor = guard.caller().superuser_actor();
    let (username, email) = (wanted.username, wanted.email);
    let made = managed_accounts::create(&api, &actor, &username, email.clone()).await?;
    Ok(Json(CreatedInstallUser {
        username,
        email,
        password: made.password.expose().to_owned(),
        encrypted_password: made.encrypted_password.expose().to_owned(),
    }))
}

/// Returns information about the specified user.
#[utoipa::path(get, path = "/api/v1/superuser/users/{username}", operation_id = "getInstallUser",
    params(("username" = String, Path, description = "The username of the user being managed")),
    responses((status = 200, description = "The person", body = SuperuserUserView)))]
async fn get_user(
    _: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(username): Path<String>,
) -> Result<Json<SuperuserUserView>> {
    shown(&api, &username).await.map(Json)
}

async fn shown(api: &Api, username: &str) -> Result<SuperuserUserView> {
    let account = api.accounts().managed_person(username).await?;
    let quotas = quotas(api, [&account]).await?.remove(&account.id);
    Ok(SuperuserUserView::of(api, account, quotas))
}

/// What is to be changed of a person.
#[derive(Deserialize, ToSchema)]
struct UpdateUser {
    /// The new password for the user
    #[serde(default, deserialize_with = "body::present")]
    password: Option<String>,
    /// The new e-mail address for the user
    #[serde(default, deserialize_with = "body::present")]
    email: Option<String>,
    /// Whether the user is enabled
    #[serde(default, deserialize_with = "body::present")]
    enabled: Option<bool>,
    /// Refused: who is a superuser is set in the configuration.
    #[serde(default, deserialize_with = "body::nullable")]
    #[schema(ignore)]
    superuser: Option<Option<Value>>,
}

/// Updates information about the specified user.
#[utoipa::path(put, path = "/api/v1/superuser/users/{username}", operation_id = "changeInstallUser",
    params(("username" = String, Path, description = "The username of the user being managed")),
    request_body = UpdateUser,
    responses((status = 200, description = "The person", body = SuperuserUserView)))]
async fn change_user(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(username): Path<String>,
    Body(change): Body<UpdateUser>,
) -> Result<Json<SuperuserUserView>> {
    managed_accounts::target(&api, &username, "Cannot update a superuser").await?;
    if change.superuser.is_some() {
        let text = "SUPER_USERS is set in the configuration";
        return Err(Error::invalid_request(text));
    }
    if change.password.is_some() && !api.is_database_auth() {
        let text = "Cannot change password in non-database auth";
        return Err(Error::invalid_request(text));
    }
    let kind = api.config().auth.authentication_type;
    let keeps_addresses = matches!(
        kind,
        AuthenticationType::Database | AuthenticationType::AppToken
    );
    if change.email.is_some() && !keeps_addresses {
        let text = "Cannot change e-mail in non-database auth";
        return Err(Error::invalid_request(text));
    }
    let password = change.password.map(Secret::new);
    let wanted = PersonChange {
        password: password.clone(),
        email: change.email,
        enabled: change.enabled,
    };
    let actor = guard.caller().superuser_actor();
    let user = api
        .accounts()
        .change_person(&actor, &username, wanted)
        .await?;
    api.auth().forget_principal(user);
    let mut view = shown(&api, &username).await?;
    if let Some(password) = password {
        let encrypted = api.accounts().encrypt_password(&password)?;
        view.encrypted_password = Some(encrypted.expose().to_owned());
    }
    Ok(Json(view))
}

/// Deletes the specified user.
#[utoipa::path(delete, path = "/api/v1/superuser/users/{username}", operation_id = "deleteInstallUser",
    params(("username" = String, Path, description = "The username of the user being managed")),
    responses((status = 204, description = "Deleted")))]
async fn delete_user(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(username): Path<String>,
) -> Result<NoContent> {
    managed_accounts::target(&api, &username, "Cannot delete a superuser").await?;
    let actor = guard.caller().superuser_actor();
    api.accounts().delete_user(&actor, &username, true).await?;
    api.auth().forget_everything();
    Ok(NoContent)
}

/// An address that mail was sent to.
#[derive(Serialize, ToSchema)]
struct RecoverySent {
    email: String,
}

/// Sends a recovery e-mail to the specified user.
#[utoipa::path(post, path = "/api/v1/superusers/users/{username}/sendrecovery", operation_id = "sendInstallUserRecoveryEmail",
    params(("username" = String, Path, description = "The username of the user being managed")),
    responses((status = 200, description = "Sent", body = RecoverySent)))]
async fn send_recovery(
    _: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(username): Path<String>,
) -> Result<Json<RecoverySent>> {
    let refusal = "Cannot send a recovery email for a superuser";
    let account = managed_accounts::target(&api, &username, refusal).await?;
    managed_accounts::send_recovery(&api, &account).await?;
    Ok(Json(RecoverySent {
        email: account.email,
    }))
}
