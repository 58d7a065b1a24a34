//! What this registry can do that not every registry can (api-v1.md §5.21).

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::json::Json;
use crate::route::{Routes, route};
use crate::state::Api;

/// Architectures that a mirror can be limited to.
const MIRROR_ARCHITECTURES: [&str; 4] = ["amd64", "arm64", "ppc64le", "s390x"];

/// The routes of this domain.
pub(crate) fn routes() -> Routes {
    Routes::tagged("capabilities").add(route!(get_registry_capabilities).anonymous())
}

/// What this registry can do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegistryCapabilities {
    sparse_manifests: SparseManifests,
    /// Architectures that a mirror can be limited to.
    #[schema(value_type = Vec<String>)]
    mirror_architectures: [&'static str; 4],
}

/// Image indexes some of whose images are missing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SparseManifests {
    /// Whether they may be pushed.
    supported: bool,
    /// Architectures whose images must be there.
    required_architectures: Vec<String>,
    /// Whether images of other architectures may be missing.
    optional_architectures_allowed: bool,
}

/// What this registry can do.
#[utoipa::path(get, path = "/api/v1/registry/capabilities", operation_id = "getRegistryCapabilities",
    responses((status = 200, body = RegistryCapabilities, description = "What it can do")))]
pub(crate) async fn get_registry_capabilities(
    _: Caller,
    State(api): State<Api>,
) -> Json<RegistryCapabilities> {
    let sparse = api.config().mirroring.feature_sparse_index;
    Json(RegistryCapabilities {
        sparse_manifests: SparseManifests {
            supported: sparse,
            required_architectures: Vec::new(),
            optional_architectures_allowed: sparse,
        },
        mirror_architectures: MIRROR_ARCHITECTURES,
    })
}
