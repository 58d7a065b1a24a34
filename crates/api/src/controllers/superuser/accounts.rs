//! The people and organizations of the installation, as superusers list and change them.

use axum::extract::State;
use pierhead_auth::accounts::{ManagedAccount, PersonChange};
use pierhead_config::Secret;
use pierhead_config::sections::auth::AuthenticationType;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::enabled;
use crate::error::{Error, Result};
use crate::extract::{Body, Path, Query, body, query};
use crate::guard::{Fresh, SuperuserOnly};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::services::managed_accounts::{self, Page};
use crate::state::Api;
use crate::views::avatar::{Avatar, Of};
use crate::views::quota::NamespaceQuotas;
use crate::views::superuser_user::{SuperuserUserView, quotas};

pub(super) fn routes() -> Routes {
    let mails = |config: &pierhead_config::Config| enabled(config) && config.mail.feature_mailing;
    Routes::tagged("superuser")
        .add(route!(list_organizations).when(enabled).internal())
        .add(route!(change_organization).when(enabled))
        .add(route!(delete_organization).when(enabled))
        .add(route!(list_users).when(enabled))
        .add(route!(create_user).when(enabled))
        .add(route!(get_user).when(enabled))
        .add(route!(change_user).when(enabled))
        .add(route!(delete_user).when(enabled))
        .add(route!(send_recovery).when(mails).internal())
        .add(route!(take_ownership).when(enabled).internal())
}

/// Which page.
#[derive(Deserialize)]
struct Listing {
    limit: Option<i64>,
    next_page: Option<String>,
    #[serde(default = "query::on", deserialize_with = "query::flag")]
    disabled: bool,
}

impl Listing {
    /// The page; everything if no limit is given.
    fn page(&self) -> Result<Page<'_>> {
        let limit = match self.limit {
            None => None,
            Some(limit) if limit > 100 => {
                return Err(Error::invalid_request("Page limit cannot be above 100"));
            }
            Some(limit) => Some(u32::try_from(limit.max(1)).unwrap_or(1)),
        };
        Ok(Page {
            limit,
            token: self.next_page.as_deref(),
        })
    }
}

/// An organization.
#[derive(Serialize, ToSchema)]
struct SuperuserOrganizationView {
    name: String,
    email: String,
    avatar: Avatar,
    #[serde(flatten)]
    quotas: Option<NamespaceQuotas>,
}

impl SuperuserOrganizationView {
    fn of(api: &Api, account: ManagedAccount, quotas: Option<NamespaceQuotas>) -> Self {
        Self {
            avatar: api.avatar(Of::Org, &account.username, Some(&account.email)),
            name: account.username,
            email: account.email,
            quotas,
        }
    }
}

/// People.
#[derive(Serialize, ToSchema)]
struct SuperuserUsers {
    users: Vec<SuperuserUserView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
}

/// Organizations.
#[derive(Serialize, ToSchema)]
struct SuperuserOrganizations {
    organizations: Vec<SuperuserOrganizationView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
}

/// Returns a list of all organizations in the system.
#[utoipa::path(get, path = "/api/v1/superuser/organizations/", operation_id = "listAllOrganizations",
    params(("limit" = Option<i64>, Query, description = "Limit to the number of results to return per page. Max 100."),
        ("next_page" = Option<String>, Query, description = "The page token for the next page")),
    responses((status = 200, description = "The organizations", body = SuperuserOrganizations)))]
async fn list_organizations(
    _: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Query(listing): Query<Listing>,
) -> Result<Json<SuperuserOrganizations>> {
    let (accounts, next_page) = managed_accounts::list(&api, true, true, listing.page()?).await?;
    let mut quotas = quotas(&api, &accounts).await?;
    let organizations = accounts
        .into_iter()
        .map(|account| {
            let quotas = quotas.remove(&account.id);
            SuperuserOrganizationView::of(&api, account, quotas)
        })
        .collect();
    Ok(Json(SuperuserOrganizations {
        organizations,
        next_page,
    }))
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

/// A namespace that was taken over.
#[derive(Serialize, ToSchema)]
struct TakenOver {
    namespace: String,
}

/// Takes ownership of the specified organization or user.
#[utoipa::path(post, path = "/api/v1/superuser/takeownership/{namespace}", operation_id = "takeOwnership",
    params(("namespace" = String, Path, description = "The namespace of the user or organization being managed")),
    responses((status = 200, description = "Taken over", body = TakenOver)))]
async fn take_ownership(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(namespace): Path<String>,
) -> Result<Json<TakenOver>> {
    if api.auth().config().is_listed_as_superuser(&namespace) {
        let text = "Cannot take ownership of a superuser";
        return Err(Error::invalid_request(text));
    }
    let actor = guard.caller().superuser_actor();
    let superuser = guard.user().id;
    api.accounts()
        .take_ownership(&actor, &namespace, superuser)
        .await?;
    api.auth().forget_everything();
    Ok(Json(TakenOver { namespace }))
}

/// What is to be changed of an organization.
#[derive(Deserialize, ToSchema)]
struct UpdateOrg {
    /// The new name for the organization; without it nothing changes
    #[serde(default, deserialize_with = "body::present")]
    name: Option<String>,
}

/// Updates information about the specified organization.
#[utoipa::path(put, path = "/api/v1/superuser/organizations/{name}", operation_id = "changeOrganization",
    params(("name" = String, Path, description = "The name of the organizaton being managed")),
    request_body = UpdateOrg,
    responses((status = 200, description = "The organization", body = SuperuserOrganizationView)))]
async fn change_organization(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(name): Path<String>,
    Body(change): Body<UpdateOrg>,
) -> Result<Json<SuperuserOrganizationView>> {
    let actor = guard.caller().superuser_actor();
    let new = change.name.as_deref();
    let organization = api
        .accounts()
        .rename_organization(&actor, &name, new)
        .await?;
    api.auth().forget_everything();
    let account = ManagedAccount {
        id: organization.id,
        username: change.name.unwrap_or(name),
        email: organization.email,
        verified: organization.verified,
        enabled: organization.enabled,
    };
    let quotas = quotas(&api, [&account]).await?.remove(&account.id);
    Ok(Json(SuperuserOrganizationView::of(&api, account, quotas)))
}

/// Deletes the specified organization.
#[utoipa::path(delete, path = "/api/v1/superuser/organizations/{name}", operation_id = "deleteOrganization",
    params(("name" = String, Path, description = "The name of the organizaton being managed")),
    responses((status = 204, description = "Deleted")))]
async fn delete_organization(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<NoContent> {
    let actor = guard.caller().superuser_actor();
    let accounts = api.accounts();
    accounts.delete_organization(&actor, &name, true).await?;
    api.auth().forget_everything();
    Ok(NoContent)
}
