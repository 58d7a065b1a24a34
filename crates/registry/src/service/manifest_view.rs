//! A manifest as the management API shows it, with the layers that its config tells of.
//!
//! Layers follow the history of an image's config, which also has steps that made no layer; an artifact has its layers as
//! they are, and a schema 1 manifest its own history. A manifest whose layers cannot be told has no view, as in Quay.

use std::collections::HashSet;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use pierhead_db::RepositoryId;
use pierhead_db::queries::manifests::{self, ViewedManifest};
use pierhead_db::queries::pull_statistics::{self, KnownPulls};
use pierhead_db::queries::{blobs, tags};
use pierhead_oci::media_type::{self, ManifestType};
use pierhead_oci::{Descriptor, Digest, Manifest};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::service::labels::LARGEST_CONFIG;
use crate::state::Registry;

/// What Quay shows for a step of the history that made no layer.
const EMPTY_LAYER_DIGEST: &str =
    "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4";
const EMPTY_LAYER_SIZE: i64 = 32;

/// A manifest that a visible tag keeps.
#[derive(Clone, Debug)]
pub struct ManifestView {
    /// The row.
    pub row: ViewedManifest,
    /// Whether it is an index.
    pub is_index: bool,
    media_type: String,
}

/// A layer, or a step of the history that made none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerView {
    /// Bytes, compressed.
    pub compressed_size: Option<i64>,
    /// Whether its type says that its content may be elsewhere only.
    pub is_remote: bool,
    /// Where else it may be fetched.
    pub urls: Option<Vec<String>>,
    /// What made it.
    pub command: Option<Value>,
    /// What its author says.
    pub comment: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// Its digest.
    pub digest: String,
    /// When it was made.
    pub created: Option<DateTime<Utc>>,
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

fn plain_layer(layer: &Descriptor) -> LayerView {
    LayerView {
        compressed_size: i64::try_from(layer.size).ok(),
        is_remote: media_type::is_foreign_layer(&layer.media_type),
        urls: (!layer.urls.is_empty()).then(|| layer.urls.clone()),
        digest: layer.digest.to_string(),
        ..LayerView::default()
    }
}

/// What made a layer, in the form that Quay gives it: a list if the text is JSON, else the text as its only element.
fn command(text: &str) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    Some(serde_json::from_str(text).unwrap_or_else(|_| json!([text])))
}

fn time(text: Option<&str>) -> Option<DateTime<Utc>> {
    let parsed = DateTime::parse_from_rfc3339(text?).ok()?;
    Some(parsed.with_timezone(&Utc))
}

#[derive(Debug, Deserialize)]
struct ImageConfig {
    created: Option<String>,
    author: Option<String>,
    config: Option<Settings>,
    #[serde(default)]
    history: Option<Vec<Step>>,
}

#[derive(Debug, Deserialize)]
struct Settings {
    #[serde(rename = "Cmd")]
    cmd: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Step {
    created: Option<String>,
    created_by: Option<String>,
    author: Option<String>,
    comment: Option<String>,
    #[serde(default)]
    empty_layer: bool,
}

/// Layers by the history of the image's config; `None` if the two do not fit.
fn image_layers(layers: &[Descriptor], config: &[u8]) -> Option<Vec<LayerView>> {
    let config: ImageConfig = serde_json::from_slice(config).ok()?;
    let history = config.history.unwrap_or_default();
    if history.is_empty() {
        let mut views: Vec<LayerView> = layers.iter().map(plain_layer).collect();
        if let Some(last) = views.last_mut() {
            let cmd = config.config.and_then(|settings| settings.cmd);
            last.command = cmd.filter(|cmd| !cmd.is_null()).map(|cmd| json!([cmd]));
            last.author = config.author;
            last.created = time(config.created.as_deref());
        }
        return Some(views);
    }
    if history.len() < layers.len() {
        return None;
    }
    let mut layers = layers.iter();
    let mut views = Vec::with_capacity(history.len());
    for step in history {
        let layer = if step.empty_layer {
            LayerView {
                compressed_size: Some(EMPTY_LAYER_SIZE),
                digest: EMPTY_LAYER_DIGEST.to_owned(),
                ..LayerView::default()
            }
        } else {
            plain_layer(layers.next()?)
        };
        views.push(LayerView {
            command: step.created_by.as_deref().and_then(command),
            comment: step.comment,
            author: step.author,
            created: time(step.created.as_deref()),
            ..layer
        });
    }
    Some(views)
}

/// Layers of a schema 1 manifest, whose lists begin at the leaf.
fn schema1_layers(text: &str) -> Option<Vec<LayerView>> {
    #[derive(Deserialize)]
    struct Schema1 {
        #[serde(rename = "fsLayers")]
        layers: Vec<Layer>,
        history: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Layer {
        #[serde(rename = "blobSum")]
        digest: String,
    }
    #[derive(Deserialize)]
    struct Entry {
        #[serde(rename = "v1Compatibility")]
        text: String,
    }
    #[derive(Deserialize)]
    struct Compatibility {
        created: Option<String>,
        author: Option<String>,
        comment: Option<String>,
        #[serde(rename = "Size")]
        size: Option<i64>,
        container_config: Option<Settings>,
    }
    let manifest: Schema1 = serde_json::from_str(text).ok()?;
    let pairs: Vec<_> = manifest.layers.into_iter().zip(manifest.history).collect();
    let mut views = Vec::with_capacity(pairs.len());
    for (layer, entry) in pairs.into_iter().rev() {
        let entry: Compatibility = serde_json::from_str(&entry.text).ok()?;
        let cmd = entry.container_config.and_then(|settings| settings.cmd);
        views.push(LayerView {
            compressed_size: entry.size,
            is_remote: false,
            urls: None,
            command: cmd.filter(|cmd| !cmd.is_null()),
            comment: entry.comment,
            author: entry.author,
            digest: layer.digest,
            created: time(entry.created.as_deref()),
        });
    }
    Some(views)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn layer(letter: char) -> Descriptor {
        Descriptor {
            media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
            digest: Digest::parse(&format!("sha256:{}", letter.to_string().repeat(64))).unwrap(),
            size: 7,
            urls: Vec::new(),
            annotations: std::collections::BTreeMap::new(),
            artifact_type: None,
        }
    }

    #[test]
    fn a_history_tells_of_layers_and_of_steps_that_made_none() {
        let config = br#"{"history":[
            {"created":"2026-01-02T03:04:05Z","created_by":"[\"ADD\",\"x\"]","author":"ann"},
            {"created_by":"ENV a=b","empty_layer":true,"comment":"no layer"},
            {"created_by":""}]}"#;
        let views = image_layers(&[layer('a'), layer('b')], config).unwrap();
        assert_eq!(views.len(), 3);
        assert_eq!(views[0].command, Some(json!(["ADD", "x"])));
        assert_eq!(views[0].author.as_deref(), Some("ann"));
        assert_eq!(
            views[0].created.unwrap().to_rfc3339(),
            "2026-01-02T03:04:05+00:00"
        );
        assert_eq!(views[1].digest, EMPTY_LAYER_DIGEST);
        assert_eq!(views[1].compressed_size, Some(32));
        assert_eq!(views[1].command, Some(json!(["ENV a=b"])));
        assert_eq!(views[2].digest, layer('b').digest.to_string());
        assert_eq!(views[2].command, None);
    }

    #[test]
    fn a_history_that_does_not_fit_its_layers_tells_nothing() {
        for history in ["[{},{},{}]", r#"[{"empty_layer":true}]"#] {
            let config = format!(r#"{{"history":{history}}}"#);
            let views = image_layers(&[layer('a'), layer('b')], config.as_bytes());
            assert_eq!(views, None, "{history}");
        }
        assert_eq!(image_layers(&[layer('a')], b"no config"), None);
    }

    #[test]
    fn without_a_history_the_config_is_about_the_last_layer() {
        let config =
            br#"{"created":"2026-01-02T03:04:05Z","author":"ann","config":{"Cmd":["sh"]}}"#;
        let views = image_layers(&[layer('a'), layer('b')], config).unwrap();
        assert_eq!((&views[0].author, views[0].created), (&None, None));
        assert_eq!(views[1].command, Some(json!([["sh"]])));
        assert_eq!(views[1].author.as_deref(), Some("ann"));
    }

    #[test]
    fn a_schema_1_manifest_is_read_from_its_base() {
        let text = json!({
            "fsLayers": [{ "blobSum": "sha256:leaf" }, { "blobSum": "sha256:base" }],
            "history": [
                { "v1Compatibility": r#"{"id":"2","container_config":{"Cmd":["run"]},"Size":5}"# },
                { "v1Compatibility": r#"{"id":"1","created":"2015-01-02T03:04:05Z"}"# },
            ],
        });
        let views = schema1_layers(&text.to_string()).unwrap();
        assert_eq!(views[0].digest, "sha256:base");
        assert!(views[0].created.is_some());
        assert_eq!(views[1].command, Some(json!(["run"])));
        assert_eq!(views[1].compressed_size, Some(5));
    }
}
