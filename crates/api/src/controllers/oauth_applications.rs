//! `/api/v1/organization/{orgname}/applications` and `/api/v1/app` (api-v1.md §5.3): the OAuth applications of an organization.
//!
//! The client secret and the addresses are for administrators of the organization, whom superusers with full access count as;
//! superusers who may only read see none.

use axum::extract::State;
use pierhead_auth::TeamRole;
use pierhead_auth::accounts::{AccountsError, OAuthApplication, OAuthApplicationSettings};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::controllers::organizations::view::{OrganizationView, Viewer};
use crate::error::{Error, Result};
use crate::extract::body::present;
use crate::extract::{Body, Path};
use crate::guard::{AllSuperusers, Elevated, InOrganization, OrgAdmin, Superusers};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::state::Api;
use crate::views::avatar::Avatar;
use crate::views::oauth;

pub(crate) fn routes() -> Routes {
    Routes::tagged("organization")
        .add(route!(get_application_information))
        .add(route!(list))
        .add(route!(create))
        .add(route!(get))
        .add(route!(update))
        .add(route!(delete))
        .add(route!(reset_client_secret).internal())
}

/// The organization and the application of a path.
#[derive(Deserialize)]
struct ApplicationPath {
    #[expect(dead_code, reason = "the guard reads it")]
    orgname: String,
    client_id: String,
}

#[derive(Deserialize)]
struct ClientPath {
    client_id: String,
}

/// An application as its organization sees it.
#[derive(Debug, Serialize, ToSchema)]
struct OAuthApplicationView {
    name: String,
    description: String,
    application_uri: String,
    client_id: String,
    /// Null for superusers who may only read.
    client_secret: Option<String>,
    /// Null for superusers who may only read.
    redirect_uri: Option<String>,
    /// Null for superusers who may only read.
    avatar_email: Option<String>,
}

impl OAuthApplicationView {
    fn of(api: &Api, administers: bool, application: OAuthApplication) -> Result<Self> {
        let secret = if administers {
            api.accounts().client_secret(&application)?
        } else {
            None
        };
        Ok(Self {
            name: application.name,
            description: application.description,
            application_uri: application.application_uri,
            client_id: application.client_id,
            client_secret: secret.map(|secret| secret.expose().to_owned()),
            redirect_uri: administers.then_some(application.redirect_uri),
            avatar_email: application.avatar_email.filter(|_| administers),
        })
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Applications {
    applications: Vec<OAuthApplicationView>,
}

/// An application to be made.
#[derive(Debug, Deserialize, ToSchema)]
struct NewApp {
    /// For people.
    name: String,
    /// Where browsers are sent with a token.
    #[serde(default, deserialize_with = "present")]
    redirect_uri: Option<String>,
    /// Its home page.
    #[serde(default, deserialize_with = "present")]
    application_uri: Option<String>,
    /// For people.
    #[serde(default, deserialize_with = "present")]
    description: Option<String>,
    /// The address whose avatar it shows.
    #[serde(default, deserialize_with = "present")]
    avatar_email: Option<String>,
}

/// What an application is to be. What is missing is emptied.
#[derive(Debug, Deserialize, ToSchema)]
struct UpdateApp {
    /// For people.
    name: String,
    /// Where browsers are sent with a token.
    redirect_uri: String,
    /// Its home page.
    application_uri: String,
    /// For people.
    #[serde(default, deserialize_with = "present")]
    description: Option<String>,
    /// The address whose avatar it shows.
    #[serde(default, deserialize_with = "present")]
    avatar_email: Option<String>,
}

/// What everybody may know about an application.
#[derive(Debug, Serialize, ToSchema)]
struct ApplicationInformation {
    name: String,
    description: String,
    uri: String,
    avatar: Avatar,
    /// Whose it is, as the caller may see it; without its teams.
    organization: OrganizationView,
}

/// Whether the caller is told the secret of an application.
fn administers<X: Elevated>(guard: &InOrganization<OrgAdmin, X>) -> bool {
    guard.held() >= Some(TeamRole::Admin) || guard.caller().has_full_access()
}

/// Shape a for a name that is refused.
fn refused(error: AccountsError) -> Error {
    match error {
        AccountsError::ReservedApplicationName | AccountsError::TooLong { .. } => {
            Error::invalid_request(error.to_string())
        }
        other => other.into(),
    }
}

#[utoipa::path(get, path = "/api/v1/app/{client_id}", operation_id = "getApplicationInformation",
    params(("client_id" = String, Path, description = "The OAuth client ID")),
    responses((status = 200, body = ApplicationInformation, description = "What everybody may know about the application")))]
async fn get_application_information(
    caller: Caller,
    State(api): State<Api>,
    Path(path): Path<ClientPath>,
) -> Result<Json<ApplicationInformation>> {
    let application = api
        .accounts()
        .application_by_client_id(&path.client_id)
        .await?;
    let rights = api
        .auth()
        .namespace_rights(caller.credential(), &application.owner)
        .await?;
    let owner = api.accounts().namespace(application.owner_id).await?;
    let viewer = Viewer::new(&caller, rights.role);
    Ok(Json(ApplicationInformation {
        avatar: oauth::avatar(&api, &application),
        organization: OrganizationView::without_teams(&api, owner, &viewer).await?,
        name: application.name,
        description: application.description,
        uri: application.application_uri,
    }))
}

#[utoipa::path(get, path = "/api/v1/organization/{orgname}/applications", operation_id = "getOrganizationApplications",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 200, body = Applications, description = "Every application of the organization")))]
async fn list(
    guard: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
) -> Result<Json<Applications>> {
    let administers = administers(&guard);
    let found = api
        .accounts()
        .list_applications(guard.organization()?.id)
        .await?;
    let applications = found
        .into_iter()
        .map(|application| OAuthApplicationView::of(&api, administers, application))
        .collect::<Result<_>>()?;
    Ok(Json(Applications { applications }))
}

#[utoipa::path(post, path = "/api/v1/organization/{orgname}/applications", operation_id = "createOrganizationApplication",
    params(("orgname" = String, Path, description = "The name of the organization")),
    request_body = NewApp,
    responses((status = 200, body = OAuthApplicationView, description = "The application that was made")))]
async fn create(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
    Body(new): Body<NewApp>,
) -> Result<Json<OAuthApplicationView>> {
    let settings = OAuthApplicationSettings {
        name: new.name,
        redirect_uri: new.redirect_uri,
        application_uri: new.application_uri,
        description: new.description,
        avatar_email: new.avatar_email,
    };
    let made = api
        .accounts()
        .create_application(&guard.caller().actor(), guard.organization()?.id, settings)
        .await
        .map_err(refused)?;
    answer(&api, &guard, made)
}

#[utoipa::path(get, path = "/api/v1/organization/{orgname}/applications/{client_id}", operation_id = "getOrganizationApplication",
    params(("orgname" = String, Path, description = "The name of the organization"), ("client_id" = String, Path, description = "The OAuth client ID")),
    responses((status = 200, body = OAuthApplicationView, description = "The application")))]
async fn get(
    guard: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<ApplicationPath>,
) -> Result<Json<OAuthApplicationView>> {
    let organization = guard.organization()?.id;
    let found = api
        .accounts()
        .application(organization, &path.client_id)
        .await?;
    let administers = administers(&guard);
    Ok(Json(OAuthApplicationView::of(&api, administers, found)?))
}

#[utoipa::path(put, path = "/api/v1/organization/{orgname}/applications/{client_id}", operation_id = "updateOrganizationApplication",
    params(("orgname" = String, Path, description = "The name of the organization"), ("client_id" = String, Path, description = "The OAuth client ID")),
    request_body = UpdateApp,
    responses((status = 200, body = OAuthApplicationView, description = "The application as it is now")))]
async fn update(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<ApplicationPath>,
    Body(change): Body<UpdateApp>,
) -> Result<Json<OAuthApplicationView>> {
    let settings = OAuthApplicationSettings {
        name: change.name,
        redirect_uri: Some(change.redirect_uri),
        application_uri: Some(change.application_uri),
        description: change.description,
        avatar_email: change.avatar_email,
    };
    let (actor, organization) = (guard.caller().actor(), guard.organization()?.id);
    let changed = api
        .accounts()
        .update_application(&actor, organization, &path.client_id, settings)
        .await
        .map_err(refused)?;
    answer(&api, &guard, changed)
}

#[utoipa::path(delete, path = "/api/v1/organization/{orgname}/applications/{client_id}", operation_id = "deleteOrganizationApplication",
    params(("orgname" = String, Path, description = "The name of the organization"), ("client_id" = String, Path, description = "The OAuth client ID")),
    responses((status = 204, description = "The application and its tokens are gone")))]
async fn delete(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<ApplicationPath>,
) -> Result<NoContent> {
    let (actor, organization) = (guard.caller().actor(), guard.organization()?.id);
    let users = api
        .accounts()
        .delete_application(&actor, organization, &path.client_id)
        .await?;
    for user in users {
        api.auth().forget_principal(user);
    }
    Ok(NoContent)
}

#[utoipa::path(post, path = "/api/v1/organization/{orgname}/applications/{client_id}/resetclientsecret", operation_id = "resetOrganizationApplicationClientSecret",
    params(("orgname" = String, Path, description = "The name of the organization"), ("client_id" = String, Path, description = "The OAuth client ID")),
    responses((status = 200, body = OAuthApplicationView, description = "The application with its new secret")))]
async fn reset_client_secret(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<ApplicationPath>,
) -> Result<Json<OAuthApplicationView>> {
    let (actor, organization) = (guard.caller().actor(), guard.organization()?.id);
    let changed = api
        .accounts()
        .reset_client_secret(&actor, organization, &path.client_id)
        .await?;
    answer(&api, &guard, changed)
}

fn answer(
    api: &Api,
    guard: &InOrganization<OrgAdmin, Superusers>,
    application: OAuthApplication,
) -> Result<Json<OAuthApplicationView>> {
    let administers = administers(guard);
    Ok(Json(OAuthApplicationView::of(
        api,
        administers,
        application,
    )?))
}
