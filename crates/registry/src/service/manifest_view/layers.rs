//! The layers that a manifest or its config tells of.
//!
//! They follow the history of an image's config, which also has steps that made no layer; an artifact has its layers as they
//! are, and a schema 1 manifest its own history.

use chrono::{DateTime, Utc};
use pierhead_oci::{Descriptor, media_type};
use serde::Deserialize;
use serde_json::{Value, json};

/// What Quay shows for a step of the history that made no layer.
pub(super) const EMPTY_LAYER_DIGEST: &str =
    "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4";
const EMPTY_LAYER_SIZE: i64 = 32;

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

/// A layer as it is.
pub(super) fn plain_layer(layer: &Descriptor) -> LayerView {
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
pub(super) fn image_layers(layers: &[Descriptor], config: &[u8]) -> Option<Vec<LayerView>> {
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
pub(super) fn schema1_layers(text: &str) -> Option<Vec<LayerView>> {
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

    use pierhead_oci::Digest;

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
