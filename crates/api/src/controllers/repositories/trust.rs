//! Content trust of a repository (`FEATURE_SIGNING`; Quay's `signing.py`, and `RepositoryTrust` of its `repository.py`).

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Success;
use crate::error::{Error, Result};
use crate::extract::Body;
use crate::guard::{Admin, AllSuperusers, InRepository, Read, Superusers};
use crate::json::Json;
use crate::route::{Feature, Routes, route};
use crate::services::content_trust;
use crate::state::Api;

const SIGNING: Feature = |config| config.signing.feature_signing;

/// Those that Quay describes with repositories.
pub(super) fn routes() -> Routes {
    Routes::tagged("repository")
        .add(route!(change_repo_trust).when(SIGNING))
        .merge(Routes::tagged("signing").add(route!(get_repo_signatures).when(SIGNING)))
}

/// Whether a repository shall have content trust.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ChangeRepoTrust {
    /// Whether or not signing is enabled for the repository.
    trust_enabled: bool,
}

/// Change the trust settings of a repository. What was signed before is deleted.
#[utoipa::path(
    post,
    path = "/api/v1/repository/{repository}/changetrust",
    operation_id = "changeRepoTrust",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    request_body = ChangeRepoTrust,
    responses(
        (status = 200, body = Success, description = "Content trust was switched on or off"),
        (status = 520, description = "The server of trust metadata did not delete what was signed before")
    )
)]
pub(crate) async fn change_repo_trust(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Body(change): Body<ChangeRepoTrust>,
) -> Result<Json<Success>> {
    let name = &guard.repository()?.name;
    let actor = guard.caller().actor();
    content_trust::change(&api, &actor, name, change.trust_enabled).await?;
    Ok(Json(Success::YES))
}

/// The signed tags of a repository.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Signatures {
    /// By the role that signed: `targets` by tag and their `expiration`; `null` if that cannot be had.
    #[schema(value_type = Object)]
    delegations: Map<String, Value>,
}

/// Fetches the list of signed tags for the repository.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/signatures",
    operation_id = "getRepoSignatures",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    responses(
        (status = 200, body = Signatures, description = "The signed tags"),
        (status = 404, description = "The repository has no content trust")
    )
)]
pub(crate) async fn get_repo_signatures(
    guard: InRepository<Read, AllSuperusers>,
    State(api): State<Api>,
) -> Result<Json<Signatures>> {
    let repository = guard.repository()?;
    if !repository.trusted {
        return Err(Error::not_found());
    }
    let delegations = content_trust::delegations(&api, &repository.name).await?;
    Ok(Json(Signatures { delegations }))
}
