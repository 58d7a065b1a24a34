//! What a scanner found in a manifest. There is none yet: what one of another installation has found stays in the database
//! as a status alone, and everything else waits.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ManifestPath;
use crate::error::{Error, Result};
use crate::extract::{Path, Query, query};
use crate::guard::{AllSuperusers, InRepository, Read, WithBasic};
use crate::json::Json;
use crate::route::{Routes, route};
use crate::state::Api;

pub(super) fn routes() -> Routes {
    Routes::tagged("secscan").add(
        route!(get_repo_manifest_security)
            .anonymous()
            .when(|config| config.scanner.feature_security_scanner),
    )
}

/// What to tell.
#[derive(Debug, Deserialize)]
pub(crate) struct Included {
    /// Read, so that a wrong value is told; there is nothing to include yet.
    #[serde(default, rename = "vulnerabilities", deserialize_with = "query::flag")]
    _vulnerabilities: bool,
}

/// How far a manifest was scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScanStatus {
    /// It waits.
    Queued,
    /// It could not be scanned.
    Failed,
    /// It is of a kind that is not scanned.
    Unsupported,
    /// A layer is too large to be scanned.
    ManifestLayerTooLarge,
}

impl ScanStatus {
    /// Of `manifestsecuritystatus.index_status`.
    fn of(index_status: Option<i32>) -> Self {
        match index_status {
            // Failed, and failed too often.
            Some(-1 | -4) => Self::Failed,
            Some(-2) => Self::Unsupported,
            Some(-3) => Self::ManifestLayerTooLarge,
            // Not begun, waiting, under way; or completed by a scanner whose report nobody can give now.
            _ => Self::Queued,
        }
    }
}

/// What a scanner found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecurityView {
    status: ScanStatus,
    /// The report, of a manifest that was scanned.
    #[schema(value_type = Option<Object>)]
    data: Option<()>,
}

/// Fetch the features and vulnerabilities that were found in a manifest.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/manifest/{manifestref}/security",
    operation_id = "getRepoManifestSecurity",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("manifestref" = String, Path, description = "The digest of the manifest"),
        ("vulnerabilities" = Option<bool>, Query, description = "Include vulnerabilities informations")
    ),
    responses(
        (status = 200, body = SecurityView, description = "The status, and what was found"),
        (status = 404, description = "No such manifest")
    )
)]
pub(crate) async fn get_repo_manifest_security(
    guard: WithBasic<InRepository<Read, AllSuperusers>>,
    State(api): State<Api>,
    Path(path): Path<ManifestPath>,
    Query(_): Query<Included>,
) -> Result<Json<SecurityView>> {
    let digest = path.digest()?;
    let repository = guard.repository()?.id;
    let index_status = api
        .registry()
        .security_status(repository, &digest)
        .await?
        .ok_or_else(Error::not_found)?;
    Ok(Json(SecurityView {
        status: ScanStatus::of(index_status),
        data: None,
    }))
}
