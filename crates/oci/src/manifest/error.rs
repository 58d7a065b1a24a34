//! Why a pushed manifest is refused.

use crate::digest::DigestError;
use crate::media_type::ManifestType;

/// The kinds of [`ManifestError`] that clients are answered differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ManifestErrorKind {
    /// The body exceeds the limit: 413.
    TooLarge,
    /// The type of manifest is not accepted here: 415.
    Unsupported,
    /// The content is wrong: 400 `MANIFEST_INVALID`.
    Invalid,
}

/// Why a pushed manifest is refused.
///
/// `at` is a place in the JSON document such as `layers[3].digest`.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Longer than [`Limits::max_bytes`](super::Limits::max_bytes).
    #[error("the manifest has {len} bytes, at most {max} are accepted")]
    TooLarge {
        /// Length of the body.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// The `Content-Type` is no manifest type, or says nothing and neither does the body.
    #[error(
        "\"{content_type}\" is not a manifest type: send an OCI manifest or index, or a Docker version 2 schema 2 manifest or list, with its media type as Content-Type"
    )]
    UnsupportedMediaType {
        /// The beginning of the header value, empty if there was none.
        content_type: String,
    },
    /// A Docker schema 1 manifest.
    #[error(
        "Docker schema 1 manifests are not accepted any more: push the image with a current client, as Docker schema 2 or OCI"
    )]
    Schema1NotSupported,
    /// Not UTF-8.
    #[error("the manifest is not UTF-8 text: invalid byte at offset {at}")]
    NotUtf8 {
        /// Offset of the first invalid byte.
        at: usize,
    },
    /// Not JSON.
    #[error("the manifest is not valid JSON")]
    Syntax(#[source] serde_json::Error),
    /// JSON, but not an object.
    #[error("the manifest is not a JSON object")]
    NotAnObject,
    /// Nested beyond [`Limits::max_depth`](super::Limits::max_depth).
    #[error("the manifest is nested deeper than {max} levels")]
    TooDeep {
        /// The limit.
        max: usize,
    },
    /// A key that decides about the meaning occurs twice.
    #[error("{at} occurs more than once")]
    DuplicateField {
        /// Where.
        at: String,
    },
    /// A key differs from a known one only by upper or lower case.
    #[error(
        "\"{found}\" must be spelled {at}: some clients ignore the case and would read it as that"
    )]
    MisspelledField {
        /// The key as it should be, with its place.
        at: String,
        /// The key as it is.
        found: String,
    },
    /// A required field is missing.
    #[error("{at} is missing")]
    MissingField {
        /// Where.
        at: String,
    },
    /// A value has another JSON type than required.
    #[error("{at} must be {expected}")]
    WrongType {
        /// Where.
        at: String,
        /// What is required, e.g. `an array`.
        expected: &'static str,
    },
    /// A text is longer than can be stored or contains characters that cannot.
    #[error("{at} is too long (at most {max} bytes) or contains control characters")]
    Text {
        /// Where.
        at: String,
        /// The limit.
        max: usize,
    },
    /// `schemaVersion` is not 2.
    #[error("schemaVersion must be 2, found {found}")]
    SchemaVersion {
        /// The beginning of the value.
        found: String,
    },
    /// The body's `mediaType` contradicts the request's `Content-Type`.
    #[error("mediaType \"{body}\" contradicts the Content-Type {content_type}")]
    MediaTypeMismatch {
        /// The type of the request.
        content_type: ManifestType,
        /// The beginning of the body's field.
        body: String,
    },
    /// A field of the other kind of manifest is present, so that two clients could see two
    /// different manifests in the same bytes (CVE-2021-41190).
    #[error("ambiguous manifest: {field} may not occur in {manifest_type}")]
    Ambiguous {
        /// The field.
        field: &'static str,
        /// The type of the manifest.
        manifest_type: ManifestType,
    },
    /// A media type is not of the form `type/subtype`.
    #[error("{at} \"{found}\" is not a media type")]
    MediaType {
        /// Where.
        at: String,
        /// The beginning of the value.
        found: String,
    },
    /// A digest is malformed or of an unsupported algorithm.
    #[error("{at} is not usable")]
    Digest {
        /// Where.
        at: String,
        /// Why.
        #[source]
        source: DigestError,
    },
    /// A size is not an integer of 0 to 2⁶³−1.
    #[error("{at} must be a whole number of bytes from 0 to 9223372036854775807, found {found}")]
    Size {
        /// Where.
        at: String,
        /// The beginning of the value.
        found: String,
    },
    /// The sizes of the layers add up to more than 2⁶³−1 bytes.
    #[error("the sizes of the layers add up to more than 9223372036854775807 bytes")]
    SizeOverflow,
    /// Two descriptors give different sizes to one digest.
    #[error("{at} gives another size to the same digest than an earlier descriptor")]
    SizeConflict {
        /// The later descriptor.
        at: String,
    },
    /// An array or map has too many elements.
    #[error("{at} has {found} elements, at most {max} are accepted")]
    TooMany {
        /// Where.
        at: String,
        /// How many there are.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// Embedded `data` is not base64.
    #[error("{at} is not base64")]
    DataEncoding {
        /// Where.
        at: String,
        /// Why.
        #[source]
        source: base64::DecodeError,
    },
    /// Embedded `data` is not what the descriptor's size and digest say.
    #[error("{at} does not have the size and digest that its descriptor states")]
    DataMismatch {
        /// Where.
        at: String,
    },
}

impl ManifestError {
    /// How to answer.
    pub fn kind(&self) -> ManifestErrorKind {
        match self {
            Self::TooLarge { .. } => ManifestErrorKind::TooLarge,
            Self::UnsupportedMediaType { .. } | Self::Schema1NotSupported => {
                ManifestErrorKind::Unsupported
            }
            _ => ManifestErrorKind::Invalid,
        }
    }
}
