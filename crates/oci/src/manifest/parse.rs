//! The rules by which a body becomes a [`Manifest`]; see the parent module for where they come from.

use std::collections::HashMap;

use super::descriptor::{self, Child, Descriptor};
use super::error::ManifestError;
use super::json::{self, At, Object};
use super::{Limits, Manifest};
use crate::excerpt::excerpt;
use crate::media_type::{self, ManifestType};

const FIELDS: &[&str] = &[
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "manifests",
    "subject",
    "annotations",
    "fsLayers",
];

pub(super) fn parse(
    content_type: Option<&str>,
    bytes: &[u8],
    limits: &Limits,
) -> Result<Manifest, ManifestError> {
    if bytes.len() > limits.max_bytes {
        return Err(ManifestError::TooLarge {
            len: bytes.len(),
            max: limits.max_bytes,
        });
    }
    let declared = declared_type(content_type)?;
    let text = std::str::from_utf8(bytes).map_err(|error| ManifestError::NotUtf8 {
        at: error.valid_up_to(),
    })?;
    json::check_depth(text, limits.max_depth)?;
    let object = Object::read(text, At::ROOT, FIELDS)?;
    let manifest_type = match declared {
        Some(declared) => declared,
        None => type_by_body(&object, content_type)?,
    };
    check_head(&object, manifest_type)?;
    if manifest_type.is_index() {
        read_index(&object, manifest_type, limits)
    } else {
        read_image(&object, manifest_type, limits)
    }
}

/// The type that the header names; `None` if it leaves that to the body.
fn declared_type(content_type: Option<&str>) -> Result<Option<ManifestType>, ManifestError> {
    let Some(value) = content_type.filter(|value| !media_type::is_unspecific(value)) else {
        return Ok(None);
    };
    match ManifestType::parse(value) {
        Some(schema1) if schema1.is_schema1() => Err(ManifestError::Schema1NotSupported),
        Some(known) => Ok(Some(known)),
        None => Err(ManifestError::UnsupportedMediaType {
            content_type: excerpt(value),
        }),
    }
}

/// The type that the body's `mediaType` names.
fn type_by_body(
    object: &Object<'_, '_>,
    content_type: Option<&str>,
) -> Result<ManifestType, ManifestError> {
    let by_body = match object.get("mediaType") {
        Some(text) => ManifestType::parse(&json::string(text, &At::ROOT.field("mediaType"))?),
        None => None,
    };
    match by_body {
        Some(known) if !known.is_schema1() => Ok(known),
        Some(_) => Err(ManifestError::Schema1NotSupported),
        None if object.get("schemaVersion") == Some("1") || object.has("fsLayers") => {
            Err(ManifestError::Schema1NotSupported)
        }
        None => Err(ManifestError::UnsupportedMediaType {
            content_type: excerpt(content_type.unwrap_or_default()),
        }),
    }
}

/// `schemaVersion`, `mediaType`, and no field of another kind of manifest.
fn check_head(object: &Object<'_, '_>, manifest_type: ManifestType) -> Result<(), ManifestError> {
    let version = object.require("schemaVersion")?;
    if version != "2" {
        return Err(ManifestError::SchemaVersion {
            found: excerpt(version),
        });
    }
    // The OCI types may leave mediaType out, the Docker types may not.
    if !manifest_type.is_oci() {
        object.require("mediaType")?;
    }
    if let Some(text) = object.get("mediaType") {
        let body = json::string(text, &At::ROOT.field("mediaType"))?;
        if body != manifest_type.as_str() {
            return Err(ManifestError::MediaTypeMismatch {
                content_type: manifest_type,
                body: excerpt(&body),
            });
        }
    }
    let foreign: &[&'static str] = if manifest_type.is_index() {
        &["config", "layers", "fsLayers"]
    } else {
        &["manifests", "fsLayers"]
    };
    match foreign.iter().copied().find(|field| object.has(field)) {
        Some(field) => Err(ManifestError::Ambiguous {
            field,
            manifest_type,
        }),
        None => Ok(()),
    }
}

fn read_image(
    object: &Object<'_, '_>,
    manifest_type: ManifestType,
    limits: &Limits,
) -> Result<Manifest, ManifestError> {
    let config = Descriptor::read(object.require("config")?, At::ROOT.field("config"), limits)?;
    let mut sizes = HashMap::from([(config.digest, config.size)]);
    let at = At::ROOT.field("layers");
    let mut layers = Vec::new();
    let mut total = 0_u64;
    for (i, text) in json::items(object.require("layers")?, &at, limits.max_descriptors)?
        .into_iter()
        .enumerate()
    {
        let layer = Descriptor::read(text, at.item(i), limits)?;
        if *sizes.entry(layer.digest).or_insert(layer.size) != layer.size {
            return Err(ManifestError::SizeConflict {
                at: at.item(i).to_string(),
            });
        }
        total = total
            .checked_add(layer.size)
            .filter(|total| i64::try_from(*total).is_ok())
            .ok_or(ManifestError::SizeOverflow)?;
        layers.push(layer);
    }
    Ok(Manifest {
        config: Some(config),
        layers,
        layers_compressed_size: Some(total),
        ..read_oci_fields(object, manifest_type, limits)?
    })
}

fn read_index(
    object: &Object<'_, '_>,
    manifest_type: ManifestType,
    limits: &Limits,
) -> Result<Manifest, ManifestError> {
    let platform_required = manifest_type == ManifestType::DockerList;
    let at = At::ROOT.field("manifests");
    let mut sizes = HashMap::new();
    let mut entries = Vec::new();
    for (i, text) in json::items(object.require("manifests")?, &at, limits.max_descriptors)?
        .into_iter()
        .enumerate()
    {
        let child = Child::read(text, at.item(i), platform_required, limits)?;
        let Descriptor { digest, size, .. } = child.descriptor;
        if *sizes.entry(digest).or_insert(size) != size {
            return Err(ManifestError::SizeConflict {
                at: at.item(i).to_string(),
            });
        }
        entries.push(child);
    }
    Ok(Manifest {
        entries,
        ..read_oci_fields(object, manifest_type, limits)?
    })
}

/// A manifest with what both kinds of OCI manifest have, and nothing else yet.
fn read_oci_fields(
    object: &Object<'_, '_>,
    manifest_type: ManifestType,
    limits: &Limits,
) -> Result<Manifest, ManifestError> {
    let mut manifest = Manifest {
        manifest_type,
        config: None,
        layers: Vec::new(),
        entries: Vec::new(),
        subject: None,
        artifact_type: None,
        annotations: std::collections::BTreeMap::new(),
        layers_compressed_size: None,
    };
    if manifest_type.is_oci() {
        manifest.subject = object
            .get("subject")
            .map(|text| Descriptor::read(text, At::ROOT.field("subject"), limits))
            .transpose()?;
        manifest.artifact_type = descriptor::artifact_type(object)?;
        manifest.annotations = descriptor::annotations(object, limits)?;
    }
    Ok(manifest)
}
