//! The organizations of the installation, as superusers list and change them, and whose namespaces they take over.

use axum::extract::State;
use pierhead_auth::accounts::ManagedAccount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Listing, enabled};
use crate::error::{Error, Result};
use crate::extract::{Body, Path, Query, body};
use crate::guard::{Fresh, SuperuserOnly};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::services::managed_accounts;
use crate::state::Api;
use crate::views::avatar::{Avatar, Of};
use crate::views::quota::NamespaceQuotas;
use crate::views::superuser_user::quotas;

pub(super) fn routes() -> Routes {
    Routes::tagged("superuser")
        .add(route!(list_organizations).when(enabled).internal())
        .add(route!(change_organization).when(enabled))
        .add(route!(delete_organization).when(enabled))
        .add(route!(take_ownership).when(enabled).internal())
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
