//! Image manifests and indexes: reading what a client pushed, without ever changing it.
//!
//! [`Manifest::parse`] looks at the bytes and yields what the registry has to know: which blobs
//! and children must exist, the subject, and the values of Quay's columns. The bytes themselves
//! stay with the caller and are stored, hashed and served as they came; nothing is serialised
//! again.
//!
//! # What is accepted
//!
//! The OCI image specification decides. Differences from Quay's checks, with the reason for each:
//!
//! | here | Quay | reason |
//! |---|---|---|
//! | `Content-Type` parameters and case ignored | 415 | OCI: tolerate |
//! | missing or `application/json` type, body says which schema 2 type it is | taken for schema 1 | OCI: tolerate |
//! | schema 1 is refused | accepted | deprecated since 2019, and no current client pushes it; stored ones stay readable |
//! | Docker manifest: any well-formed layer and config type | image config and `tar.gzip` layers only | podman and buildah push `…diff.tar`, buildx `…diff.tar.zstd`, docker plugins have their own config type, cosign puts signatures into Docker manifests |
//! | foreign layer without `urls` is an ordinary layer, its blob must be here | refused | OCI does not require `urls` |
//! | index entries of types that are not manifests are blobs | refused | OCI: unknown types are no error; `BuildKit` exports its cache as such an index |
//! | Docker list may hold OCI manifests | schema 1 and 2 only | same |
//! | digests, sizes and embedded `data` are verified in form and content | digest form not checked | OCI; wrong ones cannot ever be pulled |
//! | a manifest with the fields of both kinds is refused | accepted | CVE-2021-41190 |
//! | a key that differs from a known one only by case, or occurs twice, is refused | last one wins | clients in Go ignore the case and would read another manifest than this registry |
//!
//! Kept as Quay has them: a Docker manifest or list needs `mediaType`; entries of a Docker list need
//! a `platform`; a `platform` needs `architecture` and `os` (which may be empty); `subject`,
//! `artifactType` and `annotations` mean something in OCI types only.

mod descriptor;
mod error;
mod json;
mod parse;

use std::collections::{BTreeMap, HashSet};

pub use descriptor::{Child, Descriptor};
pub use error::{ManifestError, ManifestErrorKind};

use crate::media_type::ManifestType;

/// Bounds on what a manifest may make the registry do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest body in bytes. OCI asks registries for at least 4 MiB; the default is 8 MiB.
    pub max_bytes: usize,
    /// Most entries of `layers` or `manifests`; default 10 000.
    pub max_descriptors: usize,
    /// Most annotations of the manifest or of one descriptor; each becomes a label row. Default 4096.
    pub max_annotations: usize,
    /// Deepest nesting of arrays and objects anywhere in the body, unknown fields included.
    /// Default 100: Python, and with it Quay, fails at about 1000.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 8 * 1024 * 1024,
            max_descriptors: 10_000,
            max_annotations: 4_096,
            max_depth: 100,
        }
    }
}

/// What a manifest's bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::struct_field_names,
    reason = "`type` is a keyword, and the accessor is `manifest_type`"
)]
pub struct Manifest {
    manifest_type: ManifestType,
    config: Option<Descriptor>,
    layers: Vec<Descriptor>,
    entries: Vec<Child>,
    subject: Option<Descriptor>,
    artifact_type: Option<String>,
    annotations: BTreeMap<String, String>,
    layers_compressed_size: Option<u64>,
}

impl Manifest {
    /// Reads a pushed manifest. `content_type` is the request header's value.
    ///
    /// Errors name the place in the manifest (`layers[3].digest`) and what is expected there. The
    /// cost is linear in the length of the body.
    pub fn parse(
        content_type: Option<&str>,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Self, ManifestError> {
        parse::parse(content_type, bytes, limits)
    }

    /// The type: what to store, and to serve as `Content-Type`.
    pub fn manifest_type(&self) -> ManifestType {
        self.manifest_type
    }

    /// The config descriptor; `None` for an index.
    pub fn config(&self) -> Option<&Descriptor> {
        self.config.as_ref()
    }

    /// `config.mediaType`; `None` for an index.
    pub fn config_media_type(&self) -> Option<&str> {
        self.config.as_ref().map(|config| &*config.media_type)
    }

    /// The layers from the base up; empty for an index.
    pub fn layers(&self) -> &[Descriptor] {
        &self.layers
    }

    /// Sum of the layers' sizes in bytes, without the config; `None` for an index. Fits `i64`.
    pub fn layers_compressed_size(&self) -> Option<u64> {
        self.layers_compressed_size
    }

    /// All entries of an index in their order, whatever their type.
    pub fn entries(&self) -> &[Child] {
        &self.entries
    }

    /// The entries of an index that are manifests, in their order. One digest may occur more than
    /// once, for several platforms.
    pub fn children(&self) -> impl Iterator<Item = &Child> {
        self.entries
            .iter()
            .filter(|entry| entry.manifest_type.is_some())
    }

    /// The blobs that must be in the repository, each digest once: config, layers that are not
    /// foreign, and the entries of an index that are not manifests.
    pub fn local_blobs(&self) -> Vec<&Descriptor> {
        distinct(self.blobs().filter(|blob| !blob.is_foreign()))
    }

    /// The blobs that may be in the repository and need not: foreign layers, each digest once.
    pub fn foreign_blobs(&self) -> Vec<&Descriptor> {
        distinct(self.blobs().filter(|blob| blob.is_foreign()))
    }

    /// The manifest that this one refers to. It need not exist.
    pub fn subject(&self) -> Option<&Descriptor> {
        self.subject.as_ref()
    }

    /// The top-level `artifactType`, if not empty.
    pub fn artifact_type(&self) -> Option<&str> {
        self.artifact_type.as_deref()
    }

    /// The `artifactType` of this manifest's descriptor in a referrers answer: its own, or else the
    /// config's media type (distribution specification, "Listing Referrers").
    pub fn referrer_artifact_type(&self) -> Option<&str> {
        self.artifact_type().or_else(|| self.config_media_type())
    }

    /// The top-level annotations.
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        &self.annotations
    }

    fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        let entries = self
            .entries
            .iter()
            .filter(|entry| entry.manifest_type.is_none())
            .map(|entry| &entry.descriptor);
        self.config.iter().chain(&self.layers).chain(entries)
    }
}

fn distinct<'m>(blobs: impl Iterator<Item = &'m Descriptor>) -> Vec<&'m Descriptor> {
    let mut seen = HashSet::new();
    blobs.filter(|blob| seen.insert(blob.digest)).collect()
}

#[cfg(test)]
mod tests;
