//! Repositories that somebody starred (api-v1.md §5.1).

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use pierhead_oci::RepositoryName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::{Body, Path, Query};
use crate::guard::{AdminUser, Declares, ReadsRepositories, SignedIn};
use crate::json::{Created, Json, NoContent};
use crate::route::{Routes, route};
use crate::services::repositories;
use crate::state::Api;

pub(super) fn routes() -> Routes {
    Routes::tagged("user")
        .add(route!(list_starred_repos))
        .add(route!(create_star))
        .add(route!(delete_star))
}

/// A page of starred repositories.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StarredList {
    repositories: Vec<StarredRepository>,
    /// Given as `next_page` it lists what follows; missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
}

/// A starred repository.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StarredRepository {
    namespace: String,
    name: String,
    description: Option<String>,
    is_public: bool,
}

/// Where the page begins.
#[derive(Debug, Deserialize)]
pub(crate) struct Paging {
    next_page: Option<String>,
}

/// List all starred repositories.
#[utoipa::path(
    get,
    path = "/api/v1/user/starred",
    operation_id = "listStarredRepos",
    params(("next_page" = Option<String>, Query, description = "The page token for the next page")),
    responses((status = 200, body = StarredList, description = "A page of the starred repositories that the user may see"))
)]
pub(crate) async fn list_starred_repos(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Query(paging): Query<Paging>,
) -> Result<Json<StarredList>> {
    let next_page = paging.next_page.as_deref();
    let (rows, next_page) = repositories::starred(&api, guard.caller(), next_page).await?;
    Ok(Json(StarredList {
        repositories: rows
            .into_iter()
            .map(|row| StarredRepository {
                namespace: row.namespace,
                name: row.name,
                description: row.description,
                is_public: row.public,
            })
            .collect(),
        next_page,
    }))
}

/// A repository by its names.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct NewStarredRepository {
    /// Namespace in which the repository belongs.
    namespace: String,
    /// Repository name.
    repository: String,
}

/// Star a repository.
#[utoipa::path(
    post,
    path = "/api/v1/user/starred",
    operation_id = "createStar",
    request_body = NewStarredRepository,
    responses(
        (status = 201, body = NewStarredRepository, description = "The repository is starred"),
        (status = 200, description = "There is no such repository: null")
    )
)]
pub(crate) async fn create_star(
    guard: Declares<ReadsRepositories, SignedIn<AdminUser>>,
    State(api): State<Api>,
    Body(star): Body<NewStarredRepository>,
) -> Result<Response> {
    let caller = guard.caller();
    let Ok(name) = RepositoryName::new(&star.namespace, &star.repository) else {
        return Ok(Json(()).into_response());
    };
    let rights = api
        .auth()
        .repository_rights(caller.credential(), &name)
        .await?;
    let public = rights.repository.is_some_and(|found| found.public);
    let visible =
        public || rights.role.is_some() || caller.has_full_access() || caller.is_global_readonly();
    if !visible {
        return Ok(Json(()).into_response());
    }
    let user = guard.user().id;
    let starred = api
        .accounts()
        .set_star(user, &star.namespace, &star.repository, true)
        .await?;
    if !starred {
        return Ok(Json(()).into_response());
    }
    Ok(Created(star).into_response())
}

/// The repository in the path.
#[derive(Debug, Deserialize)]
pub(crate) struct StarPath {
    repository: String,
}

/// Removes a star from a repository.
#[utoipa::path(
    delete,
    path = "/api/v1/user/starred/{repository}",
    operation_id = "deleteStar",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    responses(
        (status = 204, description = "The repository is not starred any more"),
        (status = 200, description = "There is no such repository: null")
    )
)]
pub(crate) async fn delete_star(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(path): Path<StarPath>,
) -> Result<Response> {
    let Ok(name) = RepositoryName::parse(&path.repository, &api.auth().config().names) else {
        return Ok(Json(()).into_response());
    };
    let user = guard.user().id;
    let found = api
        .accounts()
        .set_star(user, name.namespace(), name.repository(), false)
        .await?;
    if !found {
        return Ok(Json(()).into_response());
    }
    Ok(NoContent.into_response())
}
