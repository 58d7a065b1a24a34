//! Byte ranges: `Range` of blob downloads and `Content-Range` of upload chunks.
//!
//! The two headers look alike and are not: a download range follows RFC 9110 §14 and is ignored
//! when it makes no sense; an upload range is the OCI specification's `^[0-9]+-[0-9]+$`, and one
//! that makes no sense fails the request, because guessing would corrupt the upload.

use std::fmt;

use crate::excerpt::excerpt;

/// Bytes `start` to `end_inclusive` of a blob; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// Offset of the first byte.
    pub start: u64,
    /// Offset of the last byte; at least `start`.
    pub end_inclusive: u64,
}

impl ByteRange {
    /// Number of bytes, at least 1.
    #[allow(clippy::len_without_is_empty, reason = "a byte range is never empty")]
    pub fn len(&self) -> u64 {
        (self.end_inclusive - self.start).saturating_add(1)
    }

    /// The `Content-Range` value of a 206 answer about a blob of `total` bytes.
    pub fn content_range(&self, total: u64) -> String {
        format!("bytes {}-{}/{total}", self.start, self.end_inclusive)
    }
}

/// What to answer to a `Range` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlobRange {
    /// 200 with the whole blob.
    Whole,
    /// 206 with these bytes.
    Part(ByteRange),
    /// 416 with `Content-Range: bytes */<length>`.
    Unsatisfiable,
}

impl BlobRange {
    /// Resolves a `Range` header value against a blob of `length` bytes.
    ///
    /// * `a-b`, `a-` and `-n` as in RFC 9110; an end beyond the blob is cut.
    /// * Several ranges, another unit or a malformed value: [`Whole`](Self::Whole). The RFC lets a
    ///   server ignore the header, and no registry client asks for several ranges.
    /// * `b < a` (`500-0`) is [`Unsatisfiable`](Self::Unsatisfiable): the RFC would ignore it, the
    ///   OCI conformance suite asks for 416.
    /// * An empty blob is always [`Whole`](Self::Whole): some clients put a range on every
    ///   request, and nothing of nothing is everything.
    pub fn parse(value: &str, length: u64) -> Self {
        let Some((unit, set)) = value.split_once('=') else {
            return Self::Whole;
        };
        if length == 0 || !unit.trim().eq_ignore_ascii_case("bytes") {
            return Self::Whole;
        }
        let Some((first, last)) = set.trim().split_once('-') else {
            return Self::Whole;
        };
        match (saturating_number(first), saturating_number(last)) {
            (Some(start), Some(end)) if end < start => Self::Unsatisfiable,
            (Some(start), Some(end)) => Self::from_start(start, end, length),
            (Some(start), None) if last.is_empty() => Self::from_start(start, u64::MAX, length),
            (None, Some(0)) if first.is_empty() => Self::Unsatisfiable,
            (None, Some(suffix)) if first.is_empty() => {
                Self::from_start(length.saturating_sub(suffix), u64::MAX, length)
            }
            _ => Self::Whole,
        }
    }

    /// `length` is at least 1.
    fn from_start(start: u64, end_inclusive: u64, length: u64) -> Self {
        if start >= length {
            return Self::Unsatisfiable;
        }
        Self::Part(ByteRange {
            start,
            end_inclusive: end_inclusive.min(length - 1),
        })
    }
}

/// Why a `Content-Range` of an upload chunk is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentRangeError {
    /// Not of the form `<first>-<last>` in decimal digits.
    #[error("malformed Content-Range \"{value}\": expected <first byte>-<last byte>")]
    Malformed {
        /// The beginning of the header value.
        value: String,
    },
    /// The last byte is before the first.
    #[error("Content-Range {start}-{end_inclusive} ends before it starts")]
    Reversed {
        /// Offset of the first byte.
        start: u64,
        /// Offset of the last byte.
        end_inclusive: u64,
    },
    /// An offset is beyond what a blob can have (2⁶³−1 bytes).
    #[error("Content-Range \"{value}\" is beyond the largest possible blob")]
    TooLarge {
        /// The beginning of the header value.
        value: String,
    },
}

/// Where a chunk of an upload belongs: bytes `start` to `end_inclusive` of the blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentRange {
    /// Offset of the chunk's first byte.
    pub start: u64,
    /// Offset of the chunk's last byte; at least `start`.
    pub end_inclusive: u64,
}

impl ContentRange {
    /// Parses the header of a `PATCH` or `PUT`. RFC 9110's own form (`bytes ` before, `/<total>`
    /// or `/*` behind) is tolerated, because HTTP libraries write it.
    pub fn parse(value: &str) -> Result<Self, ContentRangeError> {
        let malformed = || ContentRangeError::Malformed {
            value: excerpt(value),
        };
        let mut range = value.trim();
        if let Some((unit, rest)) = range.split_once(' ') {
            if !unit.eq_ignore_ascii_case("bytes") {
                return Err(malformed());
            }
            range = rest.trim_start();
        }
        if let Some((rest, total)) = range.split_once('/') {
            if total != "*" && !is_number(total) {
                return Err(malformed());
            }
            range = rest;
        }
        let (first, last) = range.split_once('-').ok_or_else(malformed)?;
        let (Some(start), Some(end_inclusive)) =
            (saturating_number(first), saturating_number(last))
        else {
            return Err(malformed());
        };
        if end_inclusive < start {
            return Err(ContentRangeError::Reversed {
                start,
                end_inclusive,
            });
        }
        if end_inclusive >= i64::MAX as u64 {
            return Err(ContentRangeError::TooLarge {
                value: excerpt(value),
            });
        }
        Ok(Self {
            start,
            end_inclusive,
        })
    }

    /// Number of bytes that the chunk must have, at least 1.
    #[allow(
        clippy::len_without_is_empty,
        reason = "a content range is never empty"
    )]
    pub fn len(&self) -> u64 {
        self.end_inclusive - self.start + 1
    }
}

impl fmt::Display for ContentRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end_inclusive)
    }
}

/// The `Range` header of an upload's answers: how much has arrived, as `0-<last byte>`.
///
/// An upload that holds nothing has no last byte; `0-0` is what registries write for it and
/// what clients understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadedRange {
    /// Bytes received so far.
    pub received: u64,
}

impl fmt::Display for UploadedRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0-{}", self.received.saturating_sub(1))
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A number of decimal digits only; one that does not fit becomes `u64::MAX`.
fn saturating_number(text: &str) -> Option<u64> {
    is_number(text).then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn part(start: u64, end_inclusive: u64) -> BlobRange {
        BlobRange::Part(ByteRange {
            start,
            end_inclusive,
        })
    }

    #[test]
    fn the_ranges_of_the_conformance_suite() {
        for (value, expected) in [
            ("bytes=500-1499", part(500, 1499)),
            ("bytes=500-", part(500, 2047)),
            ("bytes=-500", part(1548, 2047)),
            ("bytes=2000-5000", part(2000, 2047)),
            ("bytes=500-0", BlobRange::Unsatisfiable),
            ("bytes=5000-10000", BlobRange::Unsatisfiable),
        ] {
            assert_eq!(BlobRange::parse(value, 2048), expected, "{value}");
        }
    }

    #[test]
    fn the_edges_of_a_blob_count() {
        for (value, expected) in [
            ("bytes=0-0", part(0, 0)),
            ("bytes=9-9", part(9, 9)),
            ("bytes=10-", BlobRange::Unsatisfiable),
            ("bytes=-10", part(0, 9)),
            ("bytes=-11", part(0, 9)),
            ("bytes=-0", BlobRange::Unsatisfiable),
            ("bytes=0-99999999999999999999999999", part(0, 9)),
            (
                "bytes=99999999999999999999999999-",
                BlobRange::Unsatisfiable,
            ),
            (" Bytes = 1-2 ", part(1, 2)),
        ] {
            assert_eq!(BlobRange::parse(value, 10), expected, "{value}");
        }
    }

    #[test]
    fn what_is_not_one_byte_range_is_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=1-b",
            "bytes=1-2,4-5",
            "lines=1-2",
            "bytes=1",
            "bytes=+1-2",
            "bytes=1--2",
            "bytes=1 - 2",
            "bytes=0x1-2",
        ] {
            assert_eq!(BlobRange::parse(value, 10), BlobRange::Whole, "{value}");
        }
    }

    #[test]
    fn an_empty_blob_is_always_whole() {
        for value in ["bytes=0-", "bytes=0-0", "bytes=-5"] {
            assert_eq!(BlobRange::parse(value, 0), BlobRange::Whole, "{value}");
        }
    }

    #[test]
    fn a_range_describes_itself() {
        let range = ByteRange {
            start: 2000,
            end_inclusive: 2047,
        };
        assert_eq!(range.len(), 48);
        assert_eq!(range.content_range(2048), "bytes 2000-2047/2048");
    }

    #[test]
    fn upload_ranges_are_inclusive_and_tolerate_the_rfc_form() {
        for value in ["0-99", "bytes 0-99", "bytes 0-99/100", "0-99/*", " 0-99 "] {
            let range = ContentRange::parse(value).unwrap();
            assert_eq!(
                (range.start, range.end_inclusive, range.len()),
                (0, 99, 100),
                "{value}"
            );
            assert_eq!(range.to_string(), "0-99");
        }
    }

    #[test]
    fn malformed_upload_ranges_are_refused() {
        for value in [
            "",
            "-",
            "0-",
            "-5",
            "a-b",
            "0--1",
            "bytes=0-99",
            "lines 0-9",
            "0-9/x",
            "0-9/",
            "1 2-3",
        ] {
            assert!(
                matches!(
                    ContentRange::parse(value),
                    Err(ContentRangeError::Malformed { .. })
                ),
                "{value}"
            );
        }
        assert!(matches!(
            ContentRange::parse("9-3"),
            Err(ContentRangeError::Reversed {
                start: 9,
                end_inclusive: 3
            })
        ));
        assert!(matches!(
            ContentRange::parse("0-9223372036854775807"),
            Err(ContentRangeError::TooLarge { .. })
        ));
        assert!(matches!(
            ContentRange::parse("0-99999999999999999999999"),
            Err(ContentRangeError::TooLarge { .. })
        ));
    }

    #[test]
    fn an_upload_reports_its_last_byte() {
        assert_eq!(UploadedRange { received: 0 }.to_string(), "0-0");
        assert_eq!(UploadedRange { received: 1 }.to_string(), "0-0");
        assert_eq!(UploadedRange { received: 100 }.to_string(), "0-99");
    }
}
