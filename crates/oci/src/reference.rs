//! Tags and references: what may stand after `/manifests/`.
//!
//! The grammar is the OCI distribution specification's, in ASCII; Quay's `\w` also lets other
//! alphabets pass, which no client produces and which this registry refuses.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::digest::{Digest, DigestError};
use crate::excerpt::excerpt;

/// A text that is not a tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid tag \"{tag}\": expected 1 to 128 characters of A-Z, a-z, 0-9, '_', '.' and '-', not starting with '.' or '-'"
)]
pub struct TagError {
    /// The beginning of the rejected text.
    pub tag: String,
}

/// A tag name: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Box<str>);

impl Tag {
    /// Longest tag, in characters.
    pub const MAX_LEN: usize = 128;

    /// Whether `text` is a tag; does not allocate.
    pub fn is_valid(text: &str) -> bool {
        let bytes = text.as_bytes();
        bytes.len() <= Self::MAX_LEN
            && bytes
                .first()
                .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
            && bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
    }

    /// Parses a tag; one allocation.
    pub fn parse(text: &str) -> Result<Self, TagError> {
        if Self::is_valid(text) {
            Ok(Self(text.into()))
        } else {
            Err(TagError { tag: excerpt(text) })
        }
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({})", self.0)
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        Self::parse(text)
    }
}

impl AsRef<str> for Tag {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Sound because equality, order and hash of a tag are those of its text.
impl Borrow<str> for Tag {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Why a text is neither a tag nor a usable digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// No colon, and not a tag (`TAG_INVALID`; on a pull simply nothing by this name).
    #[error(transparent)]
    Tag(#[from] TagError),
    /// A colon, and not a digest (`DIGEST_INVALID`).
    #[error(transparent)]
    Digest(#[from] DigestError),
}

/// A tag or a digest. A tag cannot contain a colon and a digest must, so the two never overlap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// A name that can move.
    Tag(Tag),
    /// Immutable content.
    Digest(Digest),
}

impl Reference {
    /// Parses the last segment of a manifest path.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if text.contains(':') {
            Ok(Self::Digest(Digest::parse(text)?))
        } else {
            Ok(Self::Tag(Tag::parse(text)?))
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn tags_of_real_clients_pass() {
        for tag in [
            "latest",
            "v1.2.3-rc.1_build",
            "_",
            "0",
            "sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.sig",
            &"A".repeat(128),
        ] {
            assert!(Tag::is_valid(tag), "{tag}");
            assert_eq!(
                Reference::parse(tag).unwrap(),
                Reference::Tag(Tag::parse(tag).unwrap())
            );
        }
    }

    #[test]
    fn a_tag_may_not_start_with_a_dot_or_dash_nor_leave_ascii() {
        for tag in [
            "",
            ".",
            "..",
            ".a",
            "-a",
            "a/b",
            "a b",
            "a+b",
            "täg",
            "тег",
            "$temp-1",
            "a\n",
            "a\0",
            &"A".repeat(129),
        ] {
            assert_eq!(
                Tag::parse(tag),
                Err(TagError { tag: excerpt(tag) }),
                "{tag:?}"
            );
        }
    }

    #[test]
    fn a_colon_makes_it_a_digest() {
        assert_eq!(
            Reference::parse(&Digest::SHA256_OF_NOTHING.to_string()).unwrap(),
            Reference::Digest(Digest::SHA256_OF_NOTHING)
        );
        assert!(matches!(
            Reference::parse("sha256:baddigeststring"),
            Err(ReferenceError::Digest(DigestError::Malformed { .. }))
        ));
    }
}
