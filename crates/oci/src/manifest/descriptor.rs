//! Descriptors: typed, sized, content-addressed references.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Limits;
use super::error::ManifestError;
use super::json::{self, At, Object};
use crate::digest::Digest;
use crate::excerpt::excerpt;
use crate::hasher::Hasher;
use crate::media_type::{self, ManifestType};
use crate::platform::Platform;

const FIELDS: &[&str] = &[
    "mediaType",
    "digest",
    "size",
    "urls",
    "annotations",
    "data",
    "artifactType",
    "platform",
];

/// A reference to a blob or manifest. Embedded `data` was verified and is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Well-formed, at most 255 characters.
    pub media_type: String,
    /// Digest of the content.
    pub digest: Digest,
    /// Size of the content in bytes, at most `i64::MAX`.
    pub size: u64,
    /// Where else the content may be fetched.
    pub urls: Vec<String>,
    /// Annotations of the descriptor.
    pub annotations: BTreeMap<String, String>,
    /// `artifactType` if not empty.
    pub artifact_type: Option<String>,
}

impl Descriptor {
    /// Whether this is a layer whose content may be left out of the registry: of a foreign
    /// (non-distributable) type and with `urls` to fetch it from.
    pub fn is_foreign(&self) -> bool {
        !self.urls.is_empty() && media_type::is_foreign_layer(&self.media_type)
    }

    pub(super) fn read(text: &str, at: At<'_>, limits: &Limits) -> Result<Self, ManifestError> {
        Self::from_object(&Object::read(text, at, FIELDS)?, limits)
    }

    fn from_object(object: &Object<'_, '_>, limits: &Limits) -> Result<Self, ManifestError> {
        let at = object.at();
        let media_type = json::string(object.require("mediaType")?, &at.field("mediaType"))?;
        if !media_type::is_well_formed(&media_type) {
            return Err(ManifestError::MediaType {
                at: at.field("mediaType").to_string(),
                found: excerpt(&media_type),
            });
        }
        let digest = json::string(object.require("digest")?, &at.field("digest"))?;
        let digest = Digest::parse(&digest).map_err(|source| ManifestError::Digest {
            at: at.field("digest").to_string(),
            source,
        })?;
        let size = json::size(object.require("size")?, &at.field("size"))?;
        let urls = match object.get("urls") {
            Some(urls) => json::strings(urls, &at.field("urls"), limits.max_descriptors)?,
            None => Vec::new(),
        };
        if let Some(data) = object.get("data") {
            check_data(data, &at.field("data"), size, &digest)?;
        }
        Ok(Self {
            media_type,
            digest,
            size,
            urls,
            annotations: annotations(object, limits)?,
            artifact_type: artifact_type(object)?,
        })
    }
}

/// An entry of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// What it refers to.
    pub descriptor: Descriptor,
    /// The type, if the entry is a manifest; otherwise the entry is a blob.
    pub manifest_type: Option<ManifestType>,
    /// For which machine.
    pub platform: Option<Platform>,
}

impl Child {
    pub(super) fn read(
        text: &str,
        at: At<'_>,
        platform_required: bool,
        limits: &Limits,
    ) -> Result<Self, ManifestError> {
        let object = Object::read(text, at, FIELDS)?;
        let descriptor = Descriptor::from_object(&object, limits)?;
        let platform = if platform_required {
            Some(object.require("platform")?)
        } else {
            object.get("platform")
        };
        Ok(Self {
            manifest_type: ManifestType::parse(&descriptor.media_type),
            descriptor,
            platform: platform
                .map(|text| read_platform(text, at.field("platform")))
                .transpose()?,
        })
    }
}

fn read_platform(text: &str, at: At<'_>) -> Result<Platform, ManifestError> {
    const FIELDS: &[&str] = &["architecture", "os", "variant", "os.version"];
    let object = Object::read(text, at, FIELDS)?;
    let required = |name| json::string(object.require(name)?, &at.field(name));
    let optional = |name| {
        object
            .get(name)
            .map(|text| json::string(text, &at.field(name)))
            .transpose()
    };
    Ok(Platform {
        architecture: required("architecture")?,
        os: required("os")?,
        variant: optional("variant")?,
        os_version: optional("os.version")?,
    })
}

/// The `annotations` of a manifest or descriptor.
pub(super) fn annotations(
    object: &Object<'_, '_>,
    limits: &Limits,
) -> Result<BTreeMap<String, String>, ManifestError> {
    object.get("annotations").map_or_else(
        || Ok(BTreeMap::new()),
        |text| {
            json::string_map(
                text,
                &object.at().field("annotations"),
                limits.max_annotations,
            )
        },
    )
}

/// The `artifactType` of a manifest or descriptor. Its form is not checked beyond what can be
/// stored: the specification forbids to fail on unknown ones, and sloppy ones exist.
pub(super) fn artifact_type(object: &Object<'_, '_>) -> Result<Option<String>, ManifestError> {
    let Some(text) = object.get("artifactType") else {
        return Ok(None);
    };
    let value = json::line(
        text,
        &object.at().field("artifactType"),
        media_type::MAX_LEN,
    )?;
    Ok(Some(value).filter(|value| !value.is_empty()))
}

fn check_data(text: &str, at: &At<'_>, size: u64, digest: &Digest) -> Result<(), ManifestError> {
    let encoded = json::string(text, at)?;
    let data = STANDARD
        .decode(encoded)
        .map_err(|source| ManifestError::DataEncoding {
            at: at.to_string(),
            source,
        })?;
    if data.len() as u64 != size || Hasher::digest(digest.algorithm(), &data) != *digest {
        return Err(ManifestError::DataMismatch { at: at.to_string() });
    }
    Ok(())
}
