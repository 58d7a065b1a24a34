//! Names, references, digests, media types, manifests, byte ranges and token scopes of the
//! registry protocol.
//!
//! Everything here is a pure function of its input: no I/O, no clock, no HTTP types, no SQL.
//! The rules are those of the OCI distribution and image specifications; where Quay deviates,
//! the module says which of the two was followed and why. Names and encodings are chosen so that
//! whatever is accepted can be stored in Quay's tables.
//!
//! Text that comes from the network is parsed at exactly one place per kind; the places are
//! listed, with the properties they keep, in [`parse_entry_points`].

pub mod client_version;
pub mod digest;
pub mod hash_state;
pub mod hasher;
pub mod manifest;
pub mod media_type;
pub mod name;
pub mod parse_entry_points;
pub mod platform;
pub mod range;
pub mod reference;
pub mod scope;
pub mod tag_pattern;

mod excerpt;

pub use client_version::{ClientVersion, VersionSpec, VersionSpecError};
pub use digest::{Algorithm, Digest, DigestError};
pub use hash_state::{HashStateError, Sha256State, Sha512State};
pub use hasher::Hasher;
pub use manifest::{Child, Descriptor, Limits, Manifest, ManifestError, ManifestErrorKind};
pub use media_type::ManifestType;
pub use name::{NameError, NameRules, NamespaceName, RepositoryName};
pub use platform::Platform;
pub use range::{BlobRange, ByteRange, ContentRange, ContentRangeError};
pub use reference::{Reference, ReferenceError, Tag, TagError};
pub use scope::{Action, Actions, RepositoryScope, Scope, ScopeError};
pub use tag_pattern::{MAX_TAG_PATTERN_LEN, TagPattern, TagPatternError};
