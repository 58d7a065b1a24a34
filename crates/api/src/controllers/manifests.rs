//! Manifests of a repository: view, pull statistics, and beside them labels and security (api-v1.md §5.9).

use axum::extract::State;
use pierhead_oci::Digest;
use pierhead_registry::{LayerView, ModelCardRule};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::dates;
use crate::error::{Error, Result};
use crate::extract::{Path, Query, query};
use crate::guard::{AllSuperusers, InRepository, Read};
use crate::json::Json;
use crate::route::{Routes, route};
use crate::state::Api;

mod labels;
mod security;

pub(crate) fn routes() -> Routes {
    Routes::tagged("manifest")
        .add(route!(get_repo_manifest))
        .add(
            route!(get_manifest_pull_statistics)
                .when(|config| config.redis.feature_image_pull_stats),
        )
        .merge(labels::routes())
        .merge(security::routes())
}

/// The manifest in the path.
#[derive(Debug, Deserialize)]
pub(crate) struct ManifestPath {
    manifestref: String,
}

impl ManifestPath {
    /// The digest; what has not the form of one is no address, as in Quay.
    fn digest(self) -> Result<String> {
        checked(self.manifestref)
    }
}

/// A digest of a path, in the form that Quay's routes ask for. One of an algorithm that is not supported belongs to no manifest.
fn checked(digest: String) -> Result<String> {
    let is_well_formed = digest.split_once(':').is_some_and(|(algorithm, hex)| {
        let symbol = |byte: u8| byte.is_ascii_alphanumeric() || b"_+.-".contains(&byte);
        !algorithm.is_empty()
            && algorithm.bytes().all(symbol)
            && !hex.is_empty()
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    if !is_well_formed {
        return Err(Error::no_such_page());
    }
    if Digest::parse(&digest).is_err() {
        return Err(Error::not_found());
    }
    Ok(digest)
}

/// What to tell of the manifest.
#[derive(Debug, Deserialize)]
pub(crate) struct Included {
    #[serde(default, deserialize_with = "query::flag")]
    include_modelcard: bool,
}

/// A manifest.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ManifestView {
    digest: String,
    is_manifest_list: bool,
    /// The bytes as pushed.
    manifest_data: String,
    config_media_type: Option<String>,
    layers_compressed_size: Option<i64>,
    /// From the base up; null for an index.
    layers: Option<Vec<Layer>>,
    /// Markdown that describes a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    modelcard: Option<String>,
}

/// A layer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Layer {
    index: usize,
    compressed_size: Option<i64>,
    is_remote: bool,
    urls: Option<Vec<String>>,
    /// What made it.
    command: Option<Value>,
    comment: Option<String>,
    author: Option<String>,
    blob_digest: String,
    created_datetime: Option<String>,
}

/// Fetch a manifest of the repository.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/manifest/{manifestref}",
    operation_id = "getRepoManifest",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("manifestref" = String, Path, description = "The digest of the manifest"),
        ("include_modelcard" = Option<bool>, Query, description = "If specified, include modelcard markdown from image, if any")
    ),
    responses(
        (status = 200, body = ManifestView, description = "The manifest"),
        (status = 404, description = "No such manifest, or layers of it are missing")
    )
)]
pub(crate) async fn get_repo_manifest(
    guard: InRepository<Read, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<ManifestPath>,
    Query(included): Query<Included>,
) -> Result<Json<ManifestView>> {
    let digest = path.digest()?;
    let repository = guard.repository()?.id;
    let registry = api.registry();
    let view = registry
        .view_manifest(repository, &digest)
        .await?
        .ok_or_else(Error::not_found)?;
    let mut layers = None;
    if !view.is_index {
        let found = registry.layers_of(repository, &view).await?;
        let found = found.ok_or_else(Error::no_such_page)?;
        layers = Some(found.into_iter().enumerate().map(layer).collect());
    }
    let ui = &api.config().ui;
    let mut modelcard = None;
    if included.include_modelcard && ui.feature_ui_modelcard && !view.is_index {
        let rule = ModelCardRule {
            artifact_type: &ui.ui_modelcard_artifact_type,
            annotations: &ui.ui_modelcard_annotation,
            layer_annotations: &ui.ui_modelcard_layer_annotation,
        };
        modelcard = registry.model_card(repository, &view, rule).await?;
    }
    let row = view.row;
    Ok(Json(ManifestView {
        digest: row.digest,
        is_manifest_list: view.is_index,
        manifest_data: row.manifest_bytes,
        config_media_type: row.config_media_type,
        layers_compressed_size: if view.is_index {
            Some(0)
        } else {
            row.layers_compressed_size
        },
        layers,
        modelcard,
    }))
}

fn layer((index, layer): (usize, LayerView)) -> Layer {
    Layer {
        index,
        compressed_size: layer.compressed_size,
        is_remote: layer.is_remote,
        urls: layer.urls,
        command: layer.command,
        comment: layer.comment,
        author: layer.author,
        blob_digest: layer.digest,
        created_datetime: layer
            .created
            .map(|created| dates::rfc2822(created.naive_utc())),
    }
}

/// How often and when a manifest was pulled.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ManifestPulls {
    manifest_digest: String,
    manifest_pull_count: i64,
    last_manifest_pull_date: Option<String>,
}

/// Get pull statistics for a specific manifest.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/manifest/{manifestref}/pull_statistics",
    operation_id = "getManifestPullStatistics",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("manifestref" = String, Path, description = "The digest of the manifest")
    ),
    responses(
        (status = 200, body = ManifestPulls, description = "The statistics"),
        (status = 404, description = "No such manifest")
    )
)]
pub(crate) async fn get_manifest_pull_statistics(
    guard: InRepository<Read>,
    State(api): State<Api>,
    Path(path): Path<ManifestPath>,
) -> Result<Json<ManifestPulls>> {
    let digest = path.digest()?;
    let repository = guard.repository()?.id;
    let pulls = api
        .registry()
        .manifest_pulls(repository, &digest)
        .await?
        .ok_or_else(Error::not_found)?;
    Ok(Json(ManifestPulls {
        manifest_digest: digest,
        manifest_pull_count: pulls.as_ref().map_or(0, |pulls| pulls.count),
        last_manifest_pull_date: pulls.map(|pulls| dates::rfc2822(pulls.last)),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_of_a_path_has_the_form_of_one() {
        let good = format!("sha256:{}", "a".repeat(64));
        assert!(checked(good).is_ok());
        for page in ["latest", "sha256:", ":aa", "sha256:xyz", "sha 256:aa"] {
            let refused = checked(page.to_owned());
            assert!(matches!(refused, Err(Error::Message { .. })), "{page}");
        }
        let unknown = checked("md5:aabb".to_owned());
        assert!(matches!(unknown, Err(Error::Exception(_))));
    }
}
