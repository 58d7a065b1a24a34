//! `/api/v1/organization`: organizations and their people (api-v1.md §5.3).

use axum::extract::State;
use axum::response::IntoResponse;
use pierhead_auth::accounts::{AccountsError, NewOrganization, OrganizationChange};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::extract::{Body, Path, body};
use crate::guard::{Fresh, InOrganization, OrgAdmin, OrganizationCreator};
use crate::json::{Created, Json, NoContent};
use crate::route::{Routes, route};
use crate::services::users::captcha;
use crate::state::Api;

mod members;
pub(crate) mod view;

pub(super) use view::{OrganizationView, Viewer};

/// The routes of organizations.
pub(crate) fn routes() -> Routes {
    Routes::tagged("organization")
        .add(route!(create_organization))
        .add(route!(get_organization))
        .add(route!(change_organization_details))
        .add(route!(delete_admined_organization))
        .merge(members::routes())
}

/// The organization in a path.
#[derive(Debug, Deserialize)]
pub(crate) struct OrganizationPath {
    pub(crate) orgname: String,
}

/// A new organization.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewOrg {
    /// Its name, shared with those of people.
    name: String,
    /// Its address, unless `contact_email` is given.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(nullable = false)]
    email: Option<String>,
    /// Its address.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(nullable = false)]
    contact_email: Option<String>,
    /// The answer to the captcha, where one is asked for.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(nullable = false)]
    recaptcha_response: Option<String>,
}

/// What to change of an organization.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct UpdateOrg {
    /// Its address, unless `contact_email` is given.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(nullable = false)]
    email: Option<String>,
    /// Its address; null to have none.
    #[serde(default, deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    contact_email: Option<Option<String>>,
    /// Whether invoices are mailed.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(nullable = false)]
    invoice_email: Option<bool>,
    /// Where to; null to have none.
    #[serde(default, deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    invoice_email_address: Option<Option<String>>,
    /// How long deleted tags can be brought back, in seconds.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(nullable = false, minimum = 0)]
    tag_expiration_s: Option<i64>,
}

/// Create a new organization.
#[utoipa::path(post, path = "/api/v1/organization/", operation_id = "createOrganization",
    request_body = NewOrg,
    responses((status = 201, body = String, description = "It was made")))]
async fn create_organization(
    guard: OrganizationCreator,
    State(api): State<Api>,
    Body(new): Body<NewOrg>,
) -> Result<impl IntoResponse> {
    let contact = new.contact_email.filter(|email| !email.is_empty());
    let new_organization = NewOrganization {
        name: new.name,
        email: contact.or(new.email),
        owner: guard.user().username.clone(),
    };
    let username = &guard.user().username;
    if !(api.config().users.recaptcha_whitelisted_users).contains(username) {
        let response = new.recaptcha_response.unwrap_or_default();
        captcha::check(&api, &response, guard.caller().ip()).await?;
    }
    let created = api
        .accounts()
        .create_organization(&guard.caller().actor(), new_organization)
        .await
        .map_err(refused)?;
    api.auth().forget_principal(created.owner);
    Ok(Created("Created"))
}

/// Get the details for the specified organization.
#[utoipa::path(get, path = "/api/v1/organization/{orgname}", operation_id = "getOrganization",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 200, body = OrganizationView, description = "The organization")))]
async fn get_organization(
    caller: Caller,
    State(api): State<Api>,
    Path(path): Path<OrganizationPath>,
) -> Result<Json<OrganizationView>> {
    let rights = api
        .auth()
        .namespace_rights(caller.credential(), &path.orgname)
        .await?;
    if rights.organization.is_none() {
        return Err(Error::not_found());
    }
    let organization = api.accounts().organization(&path.orgname).await?;
    let viewer = Viewer::new(&caller, rights.role);
    Ok(Json(
        OrganizationView::of(&api, organization, &viewer).await?,
    ))
}

/// Change the details for the specified organization.
#[utoipa::path(put, path = "/api/v1/organization/{orgname}", operation_id = "changeOrganizationDetails",
    params(("orgname" = String, Path, description = "The name of the organization")),
    request_body = UpdateOrg,
    responses((status = 200, body = OrganizationView, description = "The organization after the change")))]
async fn change_organization_details(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Body(update): Body<UpdateOrg>,
) -> Result<Json<OrganizationView>> {
    let name = &guard.organization()?.name;
    if update.tag_expiration_s.is_some_and(|seconds| seconds < 0) {
        return Err(Error::invalid_request(
            "tag_expiration_s: must not be less than 0",
        ));
    }
    let change = OrganizationChange {
        email: match update.contact_email {
            Some(contact) => Some(contact.unwrap_or_default()),
            None => update.email,
        },
        invoice_email: update.invoice_email,
        invoice_email_address: update.invoice_email_address,
        tag_expiration_s: update.tag_expiration_s,
    };
    let changed = api
        .accounts()
        .change_organization(&guard.caller().actor(), name, change)
        .await
        .map_err(|error| match error {
            AccountsError::InvalidEmail(_) => Error::invalid_request("Invalid email address"),
            other => other.into(),
        })?;
    let viewer = Viewer::new(guard.caller(), guard.held());
    Ok(Json(OrganizationView::of(&api, changed, &viewer).await?))
}

/// Deletes the specified organization.
#[utoipa::path(delete, path = "/api/v1/organization/{orgname}", operation_id = "deleteAdminedOrganization",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 204, description = "It is out of sight, and collected later")))]
async fn delete_admined_organization(
    guard: Fresh<InOrganization<OrgAdmin>>,
    State(api): State<Api>,
) -> Result<NoContent> {
    let name = &guard.organization()?.name;
    api.accounts()
        .delete_organization(&guard.caller().actor(), name, false)
        .await?;
    api.auth().forget_everything();
    Ok(NoContent)
}

/// Everything that is wrong with a new organization has shape a.
fn refused(error: AccountsError) -> Error {
    match error {
        error if error.is_internal() => error.into(),
        AccountsError::NameTaken { .. } => {
            Error::invalid_request("A user or organization with this name already exists")
        }
        AccountsError::InvalidEmail(_) => Error::invalid_request("Invalid email address"),
        error => Error::invalid_request(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
