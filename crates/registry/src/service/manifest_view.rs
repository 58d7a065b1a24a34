//! A manifest as the management API shows it, with the layers that its config tells of. A manifest whose layers cannot be told
//! has no view, as in Quay.

use std::collections::HashSet;

use bytes::Bytes;
use pierhead_db::RepositoryId;
use pierhead_db::queries::manifests::{self, ViewedManifest};
use pierhead_db::queries::pull_statistics::{self, KnownPulls};
use pierhead_db::queries::{blobs, tags};
use pierhead_oci::media_type::{self, ManifestType};
use pierhead_oci::{Digest, Manifest};

use crate::error::{Error, Result};
use crate::service::labels::LARGEST_CONFIG;
use crate::state::Registry;

mod layers;

pub use layers::LayerView;
use layers::{EMPTY_LAYER_DIGEST, image_layers, plain_layer, schema1_layers};

/// A manifest that a visible tag keeps.
#[derive(Clone, Debug)]
pub struct ManifestView {
    /// The row.
    pub row: ViewedManifest,
    /// Whether it is an index.
    pub is_index: bool,
    media_type: String,
}

/// Which content holds the model card of an artifact.
#[derive(Clone, Copy, Debug)]
pub struct ModelCardRule<'r> {
    /// `UI_MODELCARD_ARTIFACT_TYPE`.
    pub artifact_type: &'r str,
    /// `UI_MODELCARD_ANNOTATION`.
    pub annotations: &'r std::collections::BTreeMap<String, String>,
    /// `UI_MODELCARD_LAYER_ANNOTATION`.
    pub layer_annotations: &'r std::collections::BTreeMap<String, String>,
}

impl Registry {
    /// The manifest of that digest, if a visible tag keeps it and it is no placeholder. One statement.
    pub async fn view_manifest(
        &self,
        repository: RepositoryId,
        digest: &str,
    ) -> Result<Option<ManifestView>> {
        let found = {
            let mut conn = self.db.read().await?;
            let now_ms = self.clock.now_ms();
            manifests::find_visible(&mut conn, repository, digest, now_ms).await?
        };
        let Some(row) = found.filter(|row| row.visible && !row.manifest_bytes.is_empty()) else {
            return Ok(None);
        };
        let media_type = self.media_type_name(row.media_type_id)?.to_owned();
        let is_index = ManifestType::parse(&media_type).is_some_and(ManifestType::is_index);
        Ok(Some(ManifestView {
            row,
            is_index,
            media_type,
        }))
    }

    /// How far the manifest of that digest was scanned, as `manifestsecuritystatus` numbers it: `None` if the repository has no
    /// such manifest, `Some(None)` if it was never scanned. Dead manifests count.
    pub async fn security_status(
        &self,
        repository: RepositoryId,
        digest: &str,
    ) -> Result<Option<Option<i32>>> {
        let mut conn = self.db.read().await?;
        let now_ms = self.clock.now_ms();
        match manifests::find_visible(&mut conn, repository, digest, now_ms).await? {
            Some(row) => Ok(Some(manifests::security_status(&mut conn, row.id).await?)),
            None => Ok(None),
        }
    }

    /// Pulls of a living tag, what it points to, and pulls of that; `None` if it does not live.
    pub async fn tag_pulls(
        &self,
        repository: RepositoryId,
        tag: &str,
    ) -> Result<Option<(String, Option<KnownPulls>, Option<KnownPulls>)>> {
        let mut conn = self.db.read().await?;
        let alive = tags::find_alive(&mut conn, repository, tag, self.clock.now_ms()).await?;
        let Some(alive) = alive else {
            return Ok(None);
        };
        let of_tag = pull_statistics::of_tag(&mut conn, repository, tag).await?;
        let of_manifest =
            pull_statistics::of_manifest(&mut conn, repository, &alive.digest).await?;
        Ok(Some((alive.digest, of_tag, of_manifest)))
    }

    /// Pulls of a manifest that a visible tag keeps: `None` if there is none, `Some(None)` if it was never pulled.
    pub async fn manifest_pulls(
        &self,
        repository: RepositoryId,
        digest: &str,
    ) -> Result<Option<Option<KnownPulls>>> {
        let mut conn = self.db.read().await?;
        let now_ms = self.clock.now_ms();
        let found = manifests::find_visible(&mut conn, repository, digest, now_ms).await?;
        if !found.is_some_and(|row| row.visible) {
            return Ok(None);
        }
        let pulls = pull_statistics::of_manifest(&mut conn, repository, digest).await?;
        Ok(Some(pulls))
    }

    /// The layers from the base up; `None` if they cannot be told, or one of them is missing.
    pub async fn layers_of(
        &self,
        repository: RepositoryId,
        view: &ManifestView,
    ) -> Result<Option<Vec<LayerView>>> {
        let text = &view.row.manifest_bytes;
        let layers = if is_schema1(&view.media_type) {
            schema1_layers(text)
        } else {
            let Some(manifest) = self.parsed(view) else {
                return Ok(None);
            };
            let docker = view.media_type == media_type::DOCKER_MANIFEST;
            let image = manifest
                .config()
                .filter(|config| docker || config.media_type == media_type::OCI_CONFIG);
            match image {
                None => Some(manifest.layers().iter().map(plain_layer).collect()),
                Some(config) => match self.content(repository, config.digest).await? {
                    Some(config) => image_layers(manifest.layers(), &config),
                    None => None,
                },
            }
        };
        let Some(layers) = layers else {
            return Ok(None);
        };
        let mut wanted: Vec<String> = layers
            .iter()
            .filter(|layer| !layer.is_remote && layer.digest != EMPTY_LAYER_DIGEST)
            .map(|layer| layer.digest.clone())
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut conn = self.db.read().await?;
        let found = blobs::find_linked(&mut conn, repository, &wanted).await?;
        let found: HashSet<_> = found.into_iter().map(|blob| blob.digest).collect();
        Ok((found.len() == wanted.len()).then_some(layers))
    }

    /// The model card of an artifact, if the rule finds one.
    pub async fn model_card(
        &self,
        repository: RepositoryId,
        view: &ManifestView,
        rule: ModelCardRule<'_>,
    ) -> Result<Option<String>> {
        let Some(manifest) = self.parsed(view) else {
            return Ok(None);
        };
        let has = |all: &std::collections::BTreeMap<String, String>,
                   wanted: &std::collections::BTreeMap<String, String>| {
            wanted
                .iter()
                .all(|(key, value)| all.get(key) == Some(value))
        };
        let annotated = manifest
            .layers()
            .iter()
            .find(|layer| has(&layer.annotations, rule.layer_annotations));
        let layer = if manifest.artifact_type() == Some(rule.artifact_type) {
            match manifest.layers() {
                [only] => Some(only),
                _ => annotated,
            }
        } else if !rule.annotations.is_empty() && has(manifest.annotations(), rule.annotations) {
            annotated
        } else {
            None
        };
        let Some(layer) = layer else {
            return Ok(None);
        };
        let content = self.content(repository, layer.digest).await?;
        Ok(content.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()))
    }

    fn parsed(&self, view: &ManifestView) -> Option<Manifest> {
        let bytes = view.row.manifest_bytes.as_bytes();
        Manifest::parse(Some(&view.media_type), bytes, &self.config.manifest_limits).ok()
    }

    /// The content of a config or model card that the repository has; `None` if it is missing or too long to be one.
    async fn content(&self, repository: RepositoryId, digest: Digest) -> Result<Option<Bytes>> {
        let Some(blob) = self.find_blob(repository, digest).await? else {
            return Ok(None);
        };
        match self.read_blob(&blob, digest, LARGEST_CONFIG).await {
            Err(Error::Storage(pierhead_storage::Error::NotFound { .. })) => Ok(None),
            content => content,
        }
    }
}

fn is_schema1(media_type: &str) -> bool {
    [
        media_type::DOCKER_SCHEMA1,
        media_type::DOCKER_SCHEMA1_SIGNED,
    ]
    .contains(&media_type)
}
