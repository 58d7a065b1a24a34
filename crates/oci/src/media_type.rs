//! Media types of manifests and layers, and matching them against `Content-Type` and `Accept`.
//!
//! Media types are compared without regard to case and to parameters (RFC 9110 §8.3.1). Quay
//! compares the whole header text, so that `; charset=utf-8` is refused and a wildcard never
//! matches; the OCI specification is followed instead.

use std::fmt;

/// Docker image manifest, version 2 schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Docker schema 1, unsigned.
pub const DOCKER_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
/// Docker schema 1, signed.
pub const DOCKER_SCHEMA1_SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
/// OCI image configuration.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Docker image configuration.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// The OCI empty descriptor, content `{}`.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// What a blob is served as.
pub const OCTET_STREAM: &str = "application/octet-stream";
/// Plain JSON.
pub const JSON: &str = "application/json";

/// Layer types whose content may live outside of the registry.
const FOREIGN_LAYERS: [&str; 5] = [
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
];

/// Longest media type, in characters: `manifest.config_media_type` is `varchar(255)`.
pub const MAX_LEN: usize = 255;

/// A type of manifest that this registry stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ManifestType {
    /// [`DOCKER_MANIFEST`].
    DockerManifest,
    /// [`DOCKER_LIST`].
    DockerList,
    /// [`OCI_MANIFEST`].
    OciManifest,
    /// [`OCI_INDEX`].
    OciIndex,
    /// [`DOCKER_SCHEMA1`]: served if Quay stored it, never accepted.
    Schema1,
    /// [`DOCKER_SCHEMA1_SIGNED`]: served if Quay stored it, never accepted.
    Schema1Signed,
}

impl ManifestType {
    /// Every type.
    pub const ALL: [Self; 6] = [
        Self::DockerManifest,
        Self::DockerList,
        Self::OciManifest,
        Self::OciIndex,
        Self::Schema1,
        Self::Schema1Signed,
    ];

    /// The type that a `Content-Type` value (or a `mediaType` field) names; parameters and case
    /// are ignored.
    pub fn parse(value: &str) -> Option<Self> {
        let value = essence(value);
        Self::ALL
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(value))
    }

    /// The media type as it is stored and served.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DockerManifest => DOCKER_MANIFEST,
            Self::DockerList => DOCKER_LIST,
            Self::OciManifest => OCI_MANIFEST,
            Self::OciIndex => OCI_INDEX,
            Self::Schema1 => DOCKER_SCHEMA1,
            Self::Schema1Signed => DOCKER_SCHEMA1_SIGNED,
        }
    }

    /// Whether it lists other manifests.
    pub const fn is_index(self) -> bool {
        matches!(self, Self::DockerList | Self::OciIndex)
    }

    /// Whether the OCI image specification defines it.
    pub const fn is_oci(self) -> bool {
        matches!(self, Self::OciManifest | Self::OciIndex)
    }

    /// Whether it is one of the two forms of Docker schema 1.
    pub const fn is_schema1(self) -> bool {
        matches!(self, Self::Schema1 | Self::Schema1Signed)
    }
}

impl fmt::Display for ManifestType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether a request with these `Accept` header values admits an answer of type `wanted`.
///
/// No value, or only empty ones, admits everything; `*/*` and `application/*` are expanded.
/// Quality values are ignored as Quay does: clients of registries send them, if at all, to order
/// what they accept, never to exclude.
pub fn accepts<'a>(values: impl IntoIterator<Item = &'a str>, wanted: ManifestType) -> bool {
    let mut ranges = values
        .into_iter()
        .flat_map(|value| value.split(','))
        .map(essence)
        .filter(|range| !range.is_empty())
        .peekable();
    ranges.peek().is_none()
        || ranges.any(|range| {
            range == "*/*"
                || range.eq_ignore_ascii_case("application/*")
                || range.eq_ignore_ascii_case(wanted.as_str())
        })
}

/// Whether a `Content-Type` value leaves the type of a manifest to its body: empty or plain JSON.
pub fn is_unspecific(value: &str) -> bool {
    let value = essence(value);
    value.is_empty() || value.eq_ignore_ascii_case(JSON)
}

/// Whether a layer of this type may be left out of the registry when it names `urls`.
pub fn is_foreign_layer(media_type: &str) -> bool {
    FOREIGN_LAYERS.contains(&media_type)
}

/// Whether `text` can be the `mediaType` or `artifactType` of a descriptor: at most
/// [`MAX_LEN`] printable ASCII characters of the form `type/subtype`, where parameters may
/// follow after a semicolon. A little wider than RFC 6838, because what exists is.
pub fn is_well_formed(text: &str) -> bool {
    let is_token = |token: &str| {
        token.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && token
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    text.len() <= MAX_LEN
        && text.bytes().all(|b| matches!(b, b' '..=b'~'))
        && text
            .split(';')
            .next()
            .unwrap_or_default()
            .trim_end()
            .split_once('/')
            .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

/// A media type without its parameters and surrounding white space.
fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_type_parameters_and_case_are_ignored() {
        for value in [
            "application/vnd.oci.image.index.v1+json",
            "application/vnd.oci.image.index.v1+json; charset=utf-8",
            " Application/VND.OCI.image.index.v1+JSON ;charset=utf-8",
        ] {
            assert_eq!(
                ManifestType::parse(value),
                Some(ManifestType::OciIndex),
                "{value}"
            );
        }
        for value in [
            "",
            "application/json",
            "application/vnd.oci.image.index.v2+json",
            "*/*",
        ] {
            assert_eq!(ManifestType::parse(value), None, "{value}");
        }
    }

    #[test]
    fn every_type_parses_from_its_own_name() {
        for known in ManifestType::ALL {
            assert_eq!(ManifestType::parse(known.as_str()), Some(known));
        }
    }

    #[test]
    fn no_accept_header_admits_everything() {
        assert!(accepts([], ManifestType::OciIndex));
        assert!(accepts(["", " , "], ManifestType::OciIndex));
    }

    #[test]
    fn wildcards_admit_every_manifest() {
        for range in [
            "*/*",
            "text/html, */*;q=0.8",
            "application/*",
            "APPLICATION/*",
        ] {
            assert!(accepts([range], ManifestType::DockerList), "{range}");
        }
    }

    #[test]
    fn named_types_admit_only_themselves() {
        let headers = [
            "application/vnd.docker.distribution.manifest.v2+json",
            "text/plain , Application/vnd.oci.image.manifest.v1+json;q=0.5",
        ];
        assert!(accepts(headers, ManifestType::DockerManifest));
        assert!(accepts(headers, ManifestType::OciManifest));
        assert!(!accepts(headers, ManifestType::OciIndex));
        assert!(!accepts(["application/json"], ManifestType::OciManifest));
    }

    #[test]
    fn descriptor_types_are_a_type_and_a_subtype() {
        for text in [
            OCI_CONFIG,
            "text/spdx+json",
            "application/vnd.in-toto+json",
            "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            "application/vnd.example; version=1",
            "doc/example",
        ] {
            assert!(is_well_formed(text), "{text}");
        }
        let long = format!("a/{}", "b".repeat(254));
        for text in [
            "", "/", "a/", "/b", "text", "a/b/c", "a b/c", "a/b\n", "a/é", "*/*", &long,
        ] {
            assert!(!is_well_formed(text), "{text}");
        }
    }
}
