//! The pages that make a trigger and send the browser to where it is set up, and those where services send the browser back to
//! (api-v1.md §6.3, §6.5). Only a web session counts, as a person has to agree in a browser. They refuse in shape c.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use pierhead_auth::{Repository, RepositoryKind, Role};
use pierhead_db::UserId;
use pierhead_oci::RepositoryName;
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::extract::{Path, Query};
use crate::guard::BySession;
use crate::route::{Route, Routes};
use crate::services::triggers::{self, ByCode, Service};
use crate::state::Api;

/// The pages that make triggers.
pub(super) fn routes() -> Routes {
    let get = axum::http::Method::GET;
    Routes::pages()
        .get("/customtrigger/setup/{repository}", custom)
        .add(
            Route::page(
                get.clone(),
                "/oauth2/github/callback/trigger/{repository}",
                github,
            )
            .when(|config| config.builds.feature_github_build),
        )
        .add(
            Route::page(get.clone(), "/oauth2/gitlab/callback/trigger", gitlab)
                .when(|config| config.builds.feature_gitlab_build),
        )
        .add(
            Route::page(get.clone(), "/bitbucket/setup/{repository}", bitbucket)
                .when(|config| config.builds.feature_bitbucket_build),
        )
        .add(
            Route::page(
                get,
                "/oauth1/bitbucket/callback/trigger/{trigger_uuid}",
                bitbucket_agreed,
            )
            .when(|config| config.builds.feature_bitbucket_build),
        )
}

/// What a service sends a browser back with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Callback {
    /// To be exchanged for a token.
    code: Option<String>,
    /// What it was sent there with.
    state: Option<String>,
    /// The same as `code`, of OAuth 1.0a.
    oauth_verifier: Option<String>,
}

impl Callback {
    fn code(&self) -> Result<&str> {
        let text = "The service gave no code. Set the trigger up again, and agree there.";
        self.code
            .as_deref()
            .ok_or_else(|| Error::web(StatusCode::BAD_REQUEST, text))
    }
}

/// The trigger of a path.
#[derive(Debug, Deserialize)]
struct OneTrigger {
    trigger_uuid: String,
}

/// The repository of a path.
#[derive(Debug, Deserialize)]
struct OneRepository {
    repository: String,
}

impl OneRepository {
    fn name(&self, api: &Api) -> Result<RepositoryName> {
        let names = &api.auth().config().names;
        RepositoryName::parse(&self.repository, names).map_err(|_| Error::no_such_page())
    }
}

/// Makes a trigger for any git server.
async fn custom(
    guard: BySession,
    State(api): State<Api>,
    Path(path): Path<OneRepository>,
) -> Result<Response> {
    let name = path.name(&api)?;
    let (user, repository) = builder(&api, &guard, &name).await?;
    let uuid = triggers::connect_custom(&api, &repository, user).await?;
    to_trigger(&name, &uuid)
}

/// Makes a trigger for GitHub.
async fn github(
    guard: BySession,
    State(api): State<Api>,
    Path(path): Path<OneRepository>,
    Query(callback): Query<Callback>,
) -> Result<Response> {
    let name = path.name(&api)?;
    let (user, repository) = builder(&api, &guard, &name).await?;
    let code = callback.code()?;
    let uuid = triggers::connect_by_code(&api, &repository, user, ByCode::GitHub, code).await?;
    to_trigger(&name, &uuid)
}

/// Makes a trigger for GitLab, whose `state` names the repository.
async fn gitlab(
    guard: BySession,
    State(api): State<Api>,
    Query(callback): Query<Callback>,
) -> Result<Response> {
    let state = callback.state.as_deref().unwrap_or_default();
    let name = state
        .strip_prefix("repo:")
        .filter(|path| path.contains('/'))
        .and_then(|path| RepositoryName::parse(path, &api.auth().config().names).ok())
        .ok_or_else(|| Error::web(StatusCode::BAD_REQUEST, "Invalid Request"))?;
    let (user, repository) = builder(&api, &guard, &name).await?;
    let code = callback.code()?;
    let uuid = triggers::connect_by_code(&api, &repository, user, ByCode::GitLab, code).await?;
    to_trigger(&name, &uuid)
}

/// Makes a trigger for Bitbucket, and sends the browser there to agree.
async fn bitbucket(
    guard: BySession,
    State(api): State<Api>,
    Path(path): Path<OneRepository>,
) -> Result<Response> {
    let name = path.name(&api)?;
    let (user, repository) = builder(&api, &guard, &name).await?;
    let page = triggers::connect_bitbucket(&api, &repository, user).await?;
    redirect(&page)
}

/// Whoever made the trigger has agreed at Bitbucket.
async fn bitbucket_agreed(
    guard: BySession,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
    Query(callback): Query<Callback>,
) -> Result<Response> {
    if api.is_read_only() {
        return Err(Error::ReadOnly);
    }
    let user = guard.user().id;
    let trigger = triggers::find_anywhere(&api, &trigger_uuid).await?;
    let trigger = trigger
        .filter(|trigger| trigger.service() == Service::Bitbucket)
        .filter(|trigger| trigger.row.connected_user_id == user)
        .ok_or_else(|| Error::web(StatusCode::NOT_FOUND, "Not Found"))?;
    let verifier = callback.oauth_verifier.unwrap_or_default();
    let name = RepositoryName::new(&trigger.row.namespace, &trigger.row.name);
    if !triggers::finish_bitbucket(&api, trigger, &verifier).await? {
        return Ok("Token has expired".into_response());
    }
    to_trigger(&name.map_err(|_| Error::no_such_page())?, &trigger_uuid)
}

/// The person at the browser, and the repository if that person administers it and it can be built.
async fn builder(
    api: &Api,
    guard: &BySession,
    name: &RepositoryName,
) -> Result<(UserId, Arc<Repository>)> {
    let credential = match guard.session().user_uuid() {
        Some(uuid) => api.auth().session(&uuid).await?,
        None => None,
    };
    let who = credential.as_ref();
    let rights = api.auth().repository_rights(who, name).await?;
    let has_full_access = who.is_some_and(|who| api.auth().has_full_access(who));
    if rights.role < Some(Role::Admin) && !has_full_access {
        return Err(Error::web(StatusCode::FORBIDDEN, "Permission Denied"));
    }
    let unknown = format!("Invalid repository: {name}");
    let repository = rights
        .repository
        .ok_or_else(|| Error::web(StatusCode::NOT_FOUND, unknown))?;
    if repository.kind != RepositoryKind::Image {
        return Err(Error::web(StatusCode::NOT_IMPLEMENTED, "Not Implemented"));
    }
    if api.is_read_only() {
        return Err(Error::ReadOnly);
    }
    Ok((guard.user().id, repository))
}

/// To the page where a trigger is set up.
fn to_trigger(repository: &RepositoryName, uuid: &str) -> Result<Response> {
    redirect(&format!("/repository/{repository}/trigger/{uuid}"))
}

fn redirect(target: &str) -> Result<Response> {
    let location = HeaderValue::try_from(target).map_err(|_| Error::no_such_page())?;
    Ok((StatusCode::FOUND, [(LOCATION, location)]).into_response())
}
