//! `/api/v1/user/authorizations` and `/api/v1/user/assignedauthorization` (api-v1.md §5.1): the tokens that act for the caller,
//! and those that an administrator assigned to them.

use axum::extract::State;
use pierhead_auth::accounts::{Assignment, Authorization};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::Path;
use crate::guard::{AdminUser, SignedIn};
use crate::json::{Json, NoContent};
use crate::route::{Feature, Routes, route};
use crate::state::Api;
use crate::views::oauth::{ApplicationView, ScopeView};

const ASSIGNABLE: Feature = |config| config.tokens.feature_assign_oauth_token;

pub(crate) fn routes() -> Routes {
    Routes::tagged("user")
        .add(route!(list).internal())
        .add(route!(get).internal())
        .add(route!(delete).internal())
        .add(route!(list_assigned).when(ASSIGNABLE).internal())
        .add(route!(delete_assigned).when(ASSIGNABLE).internal())
}

#[derive(Deserialize)]
struct TokenPath {
    access_token_uuid: String,
}

#[derive(Deserialize)]
struct AssignmentPath {
    assigned_authorization_uuid: String,
}

/// A token that acts for the caller.
#[derive(Debug, Serialize, ToSchema)]
struct UserAuthorization {
    application: ApplicationView,
    scopes: Vec<ScopeView>,
    uuid: String,
}

impl UserAuthorization {
    fn of(api: &Api, found: &Authorization) -> Self {
        Self {
            application: ApplicationView::of(api, &found.application),
            scopes: ScopeView::of_text(&found.scope),
            uuid: found.token_uuid.clone(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct UserAuthorizations {
    authorizations: Vec<UserAuthorization>,
}

/// A token that the caller may take.
#[derive(Debug, Serialize, ToSchema)]
struct AssignedAuthorization {
    application: ApplicationView,
    uuid: String,
    #[serde(rename = "redirectUri")]
    redirect_uri: Option<String>,
    scopes: Vec<ScopeView>,
    #[serde(rename = "responseType")]
    response_type: Option<String>,
}

impl AssignedAuthorization {
    fn of(api: &Api, found: Assignment) -> Self {
        Self {
            application: ApplicationView {
                client_id: Some(found.application.client_id.clone()),
                ..ApplicationView::of(api, &found.application)
            },
            uuid: found.assignment_uuid,
            redirect_uri: found.assigned_redirect_uri,
            scopes: ScopeView::of_text(&found.scope),
            response_type: found.response_type,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct AssignedAuthorizations {
    authorizations: Vec<AssignedAuthorization>,
}

#[utoipa::path(get, path = "/api/v1/user/authorizations", operation_id = "listUserAuthorizations",
    responses((status = 200, body = UserAuthorizations, description = "Every token that acts for the caller")))]
async fn list(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
) -> Result<Json<UserAuthorizations>> {
    let found = api.accounts().list_authorizations(guard.user().id).await?;
    let authorizations = found
        .iter()
        .map(|found| UserAuthorization::of(&api, found))
        .collect();
    Ok(Json(UserAuthorizations { authorizations }))
}

#[utoipa::path(get, path = "/api/v1/user/authorizations/{access_token_uuid}", operation_id = "getUserAuthorization",
    params(("access_token_uuid" = String, Path, description = "The uuid of the access token")),
    responses((status = 200, body = UserAuthorization, description = "The token")))]
async fn get(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(path): Path<TokenPath>,
) -> Result<Json<UserAuthorization>> {
    let user = guard.user().id;
    let found = api
        .accounts()
        .authorization(user, &path.access_token_uuid)
        .await?;
    Ok(Json(UserAuthorization::of(&api, &found)))
}

#[utoipa::path(delete, path = "/api/v1/user/authorizations/{access_token_uuid}", operation_id = "deleteUserAuthorization",
    params(("access_token_uuid" = String, Path, description = "The uuid of the access token")),
    responses((status = 204, description = "The token is worthless")))]
async fn delete(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(path): Path<TokenPath>,
) -> Result<NoContent> {
    let user = guard.user().id;
    api.accounts()
        .revoke_authorization(user, &path.access_token_uuid)
        .await?;
    api.auth().forget_principal(user);
    Ok(NoContent)
}

#[utoipa::path(get, path = "/api/v1/user/assignedauthorization", operation_id = "listAssignedAuthorizations",
    responses((status = 200, body = AssignedAuthorizations, description = "What is assigned to the caller")))]
async fn list_assigned(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
) -> Result<Json<AssignedAuthorizations>> {
    let user = guard.user().id;
    let found = api.accounts().list_assignments(user).await?;
    if !api.is_read_only() {
        api.accounts().forget_assignment_notifications(user).await?;
    }
    let authorizations = found
        .into_iter()
        .map(|found| AssignedAuthorization::of(&api, found))
        .collect();
    Ok(Json(AssignedAuthorizations { authorizations }))
}

#[utoipa::path(delete, path = "/api/v1/user/assignedauthorization/{assigned_authorization_uuid}", operation_id = "deleteAssignedAuthorization",
    params(("assigned_authorization_uuid" = String, Path, description = "The uuid of the assignment")),
    responses((status = 204, description = "The assignment is gone")))]
async fn delete_assigned(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(path): Path<AssignmentPath>,
) -> Result<NoContent> {
    api.accounts()
        .delete_assignment(guard.user().id, &path.assigned_authorization_uuid)
        .await?;
    Ok(NoContent)
}
