//! Images, indexes and artifacts, small and different from one another.

use pierhead_oci::media_type::{OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST};
use serde_json::{Value, json};
use sha2::Digest as _;

/// A manifest with the blobs that it needs.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) media_type: String,
    pub(crate) manifest: String,
    pub(crate) blobs: Vec<Vec<u8>>,
}

pub(crate) fn digest_of(content: &[u8]) -> String {
    format!("sha256:{}", hex(&sha2::Sha256::digest(content)))
}

pub(crate) fn sha512_of(content: &[u8]) -> String {
    format!("sha512:{}", hex(&sha2::Sha512::digest(content)))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest_of(content), "size": content.len()})
}

impl Image {
    /// An image with one layer that holds `content`.
    pub(crate) fn of(content: &str) -> Self {
        Self::with(content, &json!({}), &json!({}))
    }

    /// An image with labels in its config, and annotations.
    pub(crate) fn with(content: &str, labels: &Value, annotations: &Value) -> Self {
        let layer = format!("layer of {content}").into_bytes();
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {"Labels": labels},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(&layer)]},
        });
        let config = config.to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(OCI_CONFIG, &config),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &layer)],
            "annotations": annotations,
        });
        Self {
            media_type: OCI_MANIFEST.to_owned(),
            manifest: manifest.to_string(),
            blobs: vec![config, layer],
        }
    }

    /// An index of other manifests.
    pub(crate) fn index(children: &[&Image]) -> Self {
        let entries: Vec<_> = children
            .iter()
            .map(|child| descriptor(&child.media_type, child.manifest.as_bytes()))
            .collect();
        let manifest = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
        Self {
            media_type: OCI_INDEX.to_owned(),
            manifest: manifest.to_string(),
            blobs: Vec::new(),
        }
    }

    /// An artifact that refers to `subject`.
    pub(crate) fn artifact(subject: &Image, artifact_type: &str, note: &str) -> Self {
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(OCI_EMPTY, b"{}"),
            "layers": [descriptor(OCI_EMPTY, b"{}")],
            "subject": descriptor(&subject.media_type, subject.manifest.as_bytes()),
            "annotations": {"note": note},
        });
        if !artifact_type.is_empty() {
            manifest["artifactType"] = json!(artifact_type);
        }
        Self {
            media_type: OCI_MANIFEST.to_owned(),
            manifest: manifest.to_string(),
            blobs: vec![b"{}".to_vec()],
        }
    }

    pub(crate) fn digest(&self) -> String {
        digest_of(self.manifest.as_bytes())
    }
}
