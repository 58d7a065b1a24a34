//! Manifests for the tests below, built as JSON values and changed at one place.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]

mod content;
mod fields;
mod kind;

use std::error::Error as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::digest::{Algorithm, Digest};
use crate::hasher::Hasher;
use crate::media_type::{
    DOCKER_CONFIG, DOCKER_LIST, DOCKER_MANIFEST, DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED, JSON,
    OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST,
};

const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const OCI_FOREIGN: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const DOCKER_FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

fn digest(content: &str) -> Digest {
    Hasher::digest(Algorithm::Sha256, content.as_bytes())
}

fn descriptor(media_type: &str, content: &str) -> Value {
    json!({"mediaType": media_type, "digest": digest(content), "size": content.len()})
}

fn image() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(OCI_CONFIG, "config"),
        "layers": [descriptor(OCI_LAYER, "base layer"), descriptor(OCI_LAYER, "top")],
    })
}

fn docker_image() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": descriptor(DOCKER_CONFIG, "config"),
        "layers": [descriptor(DOCKER_LAYER, "base layer")],
    })
}

fn index() -> Value {
    let mut arm = descriptor(OCI_MANIFEST, "arm");
    arm["platform"] = json!({"architecture": "arm64", "os": "linux", "variant": "v8"});
    json!({
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [descriptor(OCI_MANIFEST, "amd"), arm],
    })
}

fn docker_list() -> Value {
    let mut child = descriptor(DOCKER_MANIFEST, "amd");
    child["platform"] = json!({"architecture": "amd64", "os": "linux"});
    json!({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [child]})
}

fn parse_text(content_type: Option<&str>, text: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(content_type, text.as_bytes(), &Limits::default())
}

/// Parses under the type that the value itself names.
fn parse(value: Value) -> Result<Manifest, ManifestError> {
    let content_type = value["mediaType"].as_str().map(str::to_owned);
    parse_text(content_type.as_deref(), &value.to_string())
}

fn refused(value: Value) -> String {
    let error = parse(value).unwrap_err();
    assert_eq!(error.kind(), ManifestErrorKind::Invalid);
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// `value` with the member at a JSON pointer replaced or added.
fn with(mut value: Value, pointer: &str, new: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match value.pointer_mut(parent).unwrap() {
        Value::Array(array) => array[key.parse::<usize>().unwrap()] = new,
        object => object[key] = new,
    }
    value
}

fn without(mut value: Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let object = value.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    object.shift_remove(key).unwrap();
    value
}
