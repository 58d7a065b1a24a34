//! `/api/v1/repository`: making, listing, viewing and changing repositories (api-v1.md §5.7), and stars (§5.1).

use axum::extract::State;
use pierhead_auth::TeamRole;
use pierhead_auth::accounts::{AccountsError, NewRepository, Role, SettableState, Visibility};
use pierhead_oci::RepositoryName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::extract::{Body, body};
use crate::guard::{Admin, CreatesRepositories, Declares, InRepository, Superusers, Write};
use crate::json::{Created, Json, NoContent};
use crate::route::{Routes, route};
use crate::services::repositories;
use crate::state::Api;

mod list;
mod stars;
mod trust;
mod view;

pub(crate) fn routes() -> Routes {
    Routes::tagged("repository")
        .add(route!(create_repo))
        .merge(list::routes())
        .merge(view::routes())
        .add(route!(update_repo))
        .add(route!(delete_repository))
        .add(route!(change_repo_visibility))
        .add(route!(change_repo_state).when(|config| config.mirroring.feature_repo_mirror))
        .merge(stars::routes())
        .merge(trust::routes())
}

/// Whether everyone may read a repository.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VisibilityName {
    /// Everyone.
    Public,
    /// Whoever has a permission.
    Private,
}

impl From<VisibilityName> for Visibility {
    fn from(name: VisibilityName) -> Self {
        match name {
            VisibilityName::Public => Self::Public,
            VisibilityName::Private => Self::Private,
        }
    }
}

/// What a repository holds.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KindName {
    /// Images and artifacts.
    Image,
}

/// A change that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Success {
    success: bool,
}

impl Success {
    pub(crate) const YES: Self = Self { success: true };
}

/// A repository to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewRepo {
    /// Repository name.
    repository: String,
    /// Who may read it.
    visibility: VisibilityName,
    /// Person or organization that will own it; the caller if it is missing.
    #[serde(default, deserialize_with = "body::present")]
    namespace: Option<String>,
    /// Markdown.
    description: String,
    /// The kind of repository.
    #[serde(default)]
    repo_kind: Option<KindName>,
}

/// A repository that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedRepo {
    namespace: String,
    name: String,
    #[schema(value_type = String)]
    kind: &'static str,
}

/// Create a new repository.
#[utoipa::path(
    post,
    path = "/api/v1/repository",
    operation_id = "createRepo",
    request_body = NewRepo,
    responses((status = 201, body = CreatedRepo, description = "The repository was made"))
)]
pub(crate) async fn create_repo(
    guard: Declares<CreatesRepositories, Caller>,
    State(api): State<Api>,
    Body(new): Body<NewRepo>,
) -> Result<Created<CreatedRepo>> {
    let caller: &Caller = &guard;
    let Some(user) = caller.user() else {
        let text = "Must provide a namespace or must be logged in.";
        return Err(Error::invalid_request(text));
    };
    let namespace = new.namespace.unwrap_or_else(|| user.username.clone());
    let rights = api
        .auth()
        .namespace_rights(caller.credential(), &namespace)
        .await?;
    let restricted = caller.is_restricted() && namespace == user.username && !caller.is_superuser();
    let may = rights.role >= Some(TeamRole::Creator) || caller.has_full_access();
    if !may || restricted {
        return Err(Error::unauthorized(caller));
    }
    // As `KindName` says, there is no other.
    let _ = new.repo_kind;
    // Quay says first that the repository exists, then that its name is none, and only then this.
    let rules = &api.auth().config().names;
    if api.config().mirroring.feature_org_mirror
        && RepositoryName::parse(&format!("{namespace}/{}", new.repository), rules).is_ok()
        && repositories::is_mirrored(&api, rights.id).await?
        && api
            .accounts()
            .repository(&namespace, &new.repository)
            .await
            .is_err()
    {
        return Err(Error::invalid_request(
            "Cannot create repository: organization is managed by organization-level mirroring",
        ));
    }
    let creation = NewRepository {
        namespace: namespace.clone(),
        name: new.repository.clone(),
        visibility: new.visibility.into(),
        description: Some(new.description),
        creator: Some(user.id),
        creator_role: Role::Admin,
    };
    match api
        .accounts()
        .create_repository(&caller.actor(), creation)
        .await
    {
        Ok(_) => {}
        Err(AccountsError::RepositoryExists { .. }) => {
            return Err(Error::invalid_request("Repository already exists"));
        }
        Err(AccountsError::InvalidRepositoryName(_)) => {
            return Err(Error::invalid_request("Invalid repository name"));
        }
        Err(AccountsError::NoSuchNamespace(name)) => {
            return Err(Error::invalid_request(format!(
                "Namespace does not exist: {name}"
            )));
        }
        Err(error) => return Err(error.into()),
    }
    forget(&api, &namespace, &new.repository);
    Ok(Created(CreatedRepo {
        namespace,
        name: new.repository,
        kind: "image",
    }))
}

/// Drops what is remembered about the rights on a repository.
fn forget(api: &Api, namespace: &str, name: &str) {
    // Invariant: only well-formed names are in the database; one that is not has nothing to forget.
    if let Ok(name) = RepositoryName::new(namespace, name) {
        api.auth().forget_repository(&name);
    }
}

/// What to change about a repository.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RepoUpdate {
    /// Markdown.
    description: String,
}

/// Update the description in the specified repository.
#[utoipa::path(
    put,
    path = "/api/v1/repository/{repository}",
    operation_id = "updateRepo",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    request_body = RepoUpdate,
    responses((status = 200, body = Success, description = "The description was changed"))
)]
pub(crate) async fn update_repo(
    guard: InRepository<Write, Superusers>,
    State(api): State<Api>,
    Body(update): Body<RepoUpdate>,
) -> Result<Json<Success>> {
    let name = &guard.repository()?.name;
    api.accounts()
        .set_description(
            &guard.caller().actor(),
            name.namespace(),
            name.repository(),
            &update.description,
        )
        .await?;
    Ok(Json(Success::YES))
}

/// Delete a repository.
#[utoipa::path(
    delete,
    path = "/api/v1/repository/{repository}",
    operation_id = "deleteRepository",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    responses((status = 204, description = "The repository is gone; what it held is collected later"))
)]
pub(crate) async fn delete_repository(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
) -> Result<NoContent> {
    let name = &guard.repository()?.name;
    api.accounts()
        .delete_repository(&guard.caller().actor(), name.namespace(), name.repository())
        .await?;
    api.auth().forget_repository(name);
    Ok(NoContent)
}

/// Who shall be able to read a repository.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ChangeVisibility {
    /// Who may read it.
    visibility: VisibilityName,
}

/// Change the visibility of a repository.
#[utoipa::path(
    post,
    path = "/api/v1/repository/{repository}/changevisibility",
    operation_id = "changeRepoVisibility",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    request_body = ChangeVisibility,
    responses((status = 200, body = Success, description = "The visibility was changed"))
)]
pub(crate) async fn change_repo_visibility(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Body(change): Body<ChangeVisibility>,
) -> Result<Json<Success>> {
    let name = &guard.repository()?.name;
    api.accounts()
        .set_visibility(
            &guard.caller().actor(),
            name.namespace(),
            name.repository(),
            change.visibility.into(),
        )
        .await?;
    api.auth().forget_repository(name);
    Ok(Json(Success::YES))
}

/// A state that an administrator may choose.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum StateName {
    /// Everybody with the right may write.
    Normal,
    /// Nobody may write.
    ReadOnly,
    /// Only the repository's mirror may write.
    Mirror,
}

/// Who shall be able to write to a repository.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ChangeRepoState {
    /// Determines whether pushes are allowed.
    state: StateName,
}

/// Change the state of a repository.
#[utoipa::path(
    put,
    path = "/api/v1/repository/{repository}/changestate",
    operation_id = "changeRepoState",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    request_body = ChangeRepoState,
    responses(
        (status = 200, body = Success, description = "The state was changed"),
        (status = 400, description = "The organization's mirror decides")
    )
)]
pub(crate) async fn change_repo_state(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Body(change): Body<ChangeRepoState>,
) -> Result<Json<Success>> {
    let name = &guard.repository()?.name;
    let state = match change.state {
        StateName::Normal => SettableState::Normal,
        StateName::ReadOnly => SettableState::ReadOnly,
        StateName::Mirror => SettableState::Mirror,
    };
    let changed = api
        .accounts()
        .set_state(
            &guard.caller().actor(),
            name.namespace(),
            name.repository(),
            state,
        )
        .await;
    match changed {
        Ok(_) => {}
        Err(AccountsError::StateIsManaged(_)) => {
            return Err(Error::detail(
                axum::http::StatusCode::BAD_REQUEST,
                "Repository state changes are not allowed in an organization managed by organization-level mirroring",
            ));
        }
        Err(error) => return Err(error.into()),
    }
    api.auth().forget_repository(name);
    Ok(Json(Success::YES))
}
