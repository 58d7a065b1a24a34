//! Small deterministic images, indexes and artifacts.
//!
//! The same seed gives the same bytes on every machine, and different seeds share no blob. Images are
//! complete: layers are gzip-compressed tars, the configuration's `diff_ids` are right, so that clients
//! which unpack what they pull accept them.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

mod layout;

pub use layout::Layout;

/// Media types of manifests and what they hold.
pub mod media_types {
    /// OCI image manifest.
    pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// OCI image index.
    pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// OCI image configuration.
    pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// OCI layer, tar with gzip.
    pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// The empty JSON object, the configuration of an artifact that has none.
    pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
    /// Docker image manifest, version 2 schema 2.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker manifest list.
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// Docker image configuration.
    pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
    /// Docker layer, tar with gzip.
    pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    /// What a client accepts that knows all of them.
    pub const ALL_MANIFESTS: [&str; 4] = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST];
}

use media_types::{
    DOCKER_CONFIG, DOCKER_LAYER, DOCKER_LIST, DOCKER_MANIFEST, OCI_CONFIG, OCI_EMPTY, OCI_INDEX,
    OCI_LAYER, OCI_MANIFEST,
};

/// `sha256:` and the hexadecimal digest of some bytes.
pub fn digest_of(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Bytes that do not compress, the same for the same seed.
pub fn pseudorandom(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 32);
    let mut counter = 0_u64;
    while bytes.len() < length {
        let block = Sha256::new()
            .chain_update(seed.to_le_bytes())
            .chain_update(counter.to_le_bytes());
        bytes.extend_from_slice(&block.finalize());
        counter += 1;
    }
    bytes.truncate(length);
    bytes
}

/// Bytes with their digest and media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The media type.
    pub media_type: &'static str,
    /// The digest.
    pub digest: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Blob {
    /// Bytes of a media type.
    pub fn new(media_type: &'static str, bytes: Vec<u8>) -> Self {
        Self {
            media_type,
            digest: digest_of(&bytes),
            bytes,
        }
    }

    fn json(media_type: &'static str, value: &Value) -> Self {
        Self::new(media_type, value.to_string().into_bytes())
    }

    /// The descriptor that refers to these bytes.
    pub fn descriptor(&self) -> Value {
        json!({ "mediaType": self.media_type, "digest": self.digest, "size": self.bytes.len() })
    }
}

/// An image, or another artifact with one manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The configuration.
    pub config: Blob,
    /// The layers, lowest first.
    pub layers: Vec<Blob>,
    /// The manifest.
    pub manifest: Blob,
    architecture: &'static str,
}

impl Image {
    /// An OCI image for `linux/amd64` with one layer per size; each layer holds one file of that size.
    pub fn build(seed: u64, layer_sizes: &[usize]) -> Self {
        Self::for_platform(seed, layer_sizes, "amd64", false)
    }

    /// The same as Docker version 2 schema 2.
    pub fn build_docker(seed: u64, layer_sizes: &[usize]) -> Self {
        Self::for_platform(seed, layer_sizes, "amd64", true)
    }

    fn for_platform(
        seed: u64,
        layer_sizes: &[usize],
        architecture: &'static str,
        docker: bool,
    ) -> Self {
        let (config_type, layer_type, manifest_type) = if docker {
            (DOCKER_CONFIG, DOCKER_LAYER, DOCKER_MANIFEST)
        } else {
            (OCI_CONFIG, OCI_LAYER, OCI_MANIFEST)
        };
        let tars: Vec<Vec<u8>> = layer_sizes
            .iter()
            .zip(1..)
            .map(|(&size, number)| {
                layer(
                    number,
                    &pseudorandom(seed.wrapping_mul(1000) + number, size),
                )
            })
            .collect();
        let layers: Vec<Blob> = tars
            .iter()
            .map(|tar| Blob::new(layer_type, compress(tar)))
            .collect();
        let config = Blob::json(
            config_type,
            &json!({
                "architecture": architecture,
                "os": "linux",
                "created": "2024-01-01T00:00:00Z",
                "config": { "Labels": { "seed": seed.to_string() }, "Cmd": ["/layer-1"] },
                "rootfs": {
                    "type": "layers",
                    "diff_ids": tars.iter().map(|tar| digest_of(tar)).collect::<Vec<_>>(),
                },
                "history": tars.iter().map(|_| json!({
                    "created": "2024-01-01T00:00:00Z", "created_by": "test kit"
                })).collect::<Vec<_>>(),
            }),
        );
        let manifest = Blob::json(
            manifest_type,
            &json!({
                "schemaVersion": 2,
                "mediaType": manifest_type,
                "config": config.descriptor(),
                "layers": layers.iter().map(Blob::descriptor).collect::<Vec<_>>(),
            }),
        );
        Self {
            config,
            layers,
            manifest,
            architecture,
        }
    }

    /// An artifact of a type with one blob, which refers to `subject` if there is one.
    pub fn artifact(artifact_type: &str, content: &[u8], subject: Option<&Blob>) -> Self {
        let config = Blob::new(OCI_EMPTY, b"{}".to_vec());
        let layers = vec![Blob::new("application/octet-stream", content.to_vec())];
        let mut fields = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": artifact_type,
            "config": config.descriptor(),
            "layers": layers.iter().map(Blob::descriptor).collect::<Vec<_>>(),
            "annotations": { "org.example.made-by": "test kit" },
        });
        if let Some(subject) = subject {
            fields["subject"] = subject.descriptor();
        }
        let manifest = Blob::json(OCI_MANIFEST, &fields);
        Self {
            config,
            layers,
            manifest,
            architecture: "unknown",
        }
    }

    /// The layers and the configuration.
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.layers.iter().chain(std::iter::once(&self.config))
    }
}

/// An index with its images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The images, one per architecture.
    pub images: Vec<Image>,
    /// The index itself.
    pub manifest: Blob,
}

impl Index {
    /// An OCI index of images for amd64, arm64 and s390x.
    pub fn build(seed: u64, layer_sizes: &[usize]) -> Self {
        Self::of_type(seed, layer_sizes, false)
    }

    /// The same as a Docker manifest list.
    pub fn build_docker(seed: u64, layer_sizes: &[usize]) -> Self {
        Self::of_type(seed, layer_sizes, true)
    }

    fn of_type(seed: u64, layer_sizes: &[usize], docker: bool) -> Self {
        let images: Vec<Image> = ["amd64", "arm64", "s390x"]
            .into_iter()
            .zip(0..)
            .map(|(architecture, number)| {
                Image::for_platform(
                    seed.wrapping_mul(10) + number,
                    layer_sizes,
                    architecture,
                    docker,
                )
            })
            .collect();
        let media_type = if docker { DOCKER_LIST } else { OCI_INDEX };
        let children: Vec<Value> = images
            .iter()
            .map(|image| {
                let mut descriptor = image.manifest.descriptor();
                descriptor["platform"] =
                    json!({ "architecture": image.architecture, "os": "linux" });
                descriptor
            })
            .collect();
        let manifest = Blob::json(
            media_type,
            &json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": children }),
        );
        Self { images, manifest }
    }
}

/// A tar with one file `layer-<number>`.
fn layer(number: u64, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o755);
    header.set_mtime(1_704_067_200);
    header.set_uid(0);
    header.set_gid(0);
    let mut archive = tar::Builder::new(Vec::new());
    // Writing to memory does not fail, and the name is short.
    let _ = archive.append_data(&mut header, format!("layer-{number}"), content);
    archive.into_inner().unwrap_or_default()
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_image_and_another_seed_shares_no_blob() {
        let one = Image::build(1, &[100, 5000]);
        assert_eq!(one, Image::build(1, &[100, 5000]));
        let two = Image::build(2, &[100, 5000]);
        assert!(
            one.blobs()
                .all(|blob| two.blobs().all(|other| blob.digest != other.digest))
        );
    }
}
