//! The addresses that git servers report pushes to (api-v1.md §6.5).

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use pierhead_auth::{RepositoryKind, RepositoryState, Role};
use pierhead_oci::RepositoryName;
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::extract::Path;
use crate::guard::RegistryClient;
use crate::route::{Route, Routes};
use crate::services::triggers;
use crate::state::Api;

/// Largest report in bytes: GitHub sends at most 25 MB.
const LARGEST: usize = 25 * 1024 * 1024;

/// The pages of triggers.
pub(super) fn routes() -> Routes {
    Routes::pages()
        .add(Route::page(
            Method::POST,
            "/webhooks/push/trigger/{trigger_uuid}",
            push_of_trigger,
        ))
        .add(Route::page(
            Method::POST,
            "/webhooks/push/{repository}/trigger/{trigger_uuid}",
            push_of_repository,
        ))
}

/// The trigger of a path.
#[derive(Debug, Deserialize)]
struct OneTrigger {
    trigger_uuid: String,
}

/// A push, reported to the address of a trigger.
async fn push_of_trigger(
    guard: RegistryClient,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
    request: Request,
) -> Result<&'static str> {
    push(&guard, &api, &trigger_uuid, request.into_body()).await
}

/// A push, reported to an address that names the repository, too.
async fn push_of_repository(
    guard: RegistryClient,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
    request: Request,
) -> Result<&'static str> {
    push(&guard, &api, &trigger_uuid, request.into_body()).await
}

async fn push(
    guard: &RegistryClient,
    api: &Api,
    trigger_uuid: &str,
    payload: Body,
) -> Result<&'static str> {
    let trigger = triggers::find_anywhere(api, trigger_uuid).await?;
    let unknown = || Error::web(StatusCode::NOT_FOUND, "There is no such trigger.");
    let trigger = trigger.ok_or_else(unknown)?;
    let name = RepositoryName::new(&trigger.row.namespace, &trigger.row.name);
    let name = name.map_err(|_| unknown())?;
    let who = guard.caller().credential();
    let rights = api.auth().repository_rights(who, &name).await?;
    if rights.role < Some(Role::Write) {
        let text = "These credentials may not push to the repository of the trigger.";
        return Err(Error::web(StatusCode::FORBIDDEN, text));
    }
    let repository = rights.repository.ok_or_else(unknown)?;
    if repository.kind != RepositoryKind::Image {
        let text = "Build triggers cannot be invoked on application repositories";
        return Err(Error::web(StatusCode::NOT_IMPLEMENTED, text));
    }
    if repository.state != RepositoryState::Normal {
        let text = "Repository is currently in read only or mirror mode";
        return Err(Error::web(StatusCode::SERVICE_UNAVAILABLE, text));
    }
    let payload = read(payload).await?;
    triggers::pushed(api, guard.caller(), &repository, trigger, payload).await?;
    Ok("Okay")
}

/// The body of a report. It is large, so only those who may report are listened to.
async fn read(body: Body) -> Result<Bytes> {
    match Limited::new(body, LARGEST).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let text = format!("A report has at most {LARGEST} bytes.");
            Err(Error::web(StatusCode::PAYLOAD_TOO_LARGE, text))
        }
        Err(_) => Err(Error::web(
            StatusCode::BAD_REQUEST,
            "The report ended early.",
        )),
    }
}
