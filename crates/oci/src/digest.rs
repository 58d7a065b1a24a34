//! Content digests: `sha256:<64 hex>` and `sha512:<128 hex>`.
//!
//! A digest is a small `Copy` value of raw bytes, so parsing one from a request path allocates
//! nothing and using it as a map key hashes 32 or 64 bytes. Text form and bytes correspond one to
//! one: only lower-case hex of the exact length is accepted (OCI image specification, "Digests").
//! Algorithms other than the two registered ones are a distinct error, because the right advice
//! to the client differs.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::excerpt::excerpt;

/// A hash algorithm that this registry can verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, the canonical algorithm.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// The name before the colon.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Length of the raw digest in bytes.
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The algorithm of this exact name, e.g. of the `digest-algorithm` query parameter.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "sha256" => Some(Self::Sha256),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not a usable digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The text is not `<algorithm>:<encoded>`, or the encoded part does not fit the algorithm.
    #[error(
        "\"{text}\" is not a digest: expected sha256: and 64, or sha512: and 128, lower-case hexadecimal digits"
    )]
    Malformed {
        /// The beginning of the rejected text.
        text: String,
    },
    /// The text is a well-formed digest of an algorithm that is not supported.
    #[error("digest algorithm \"{algorithm}\" is not supported: use sha256 or sha512")]
    UnknownAlgorithm {
        /// The algorithm as written.
        algorithm: String,
    },
}

/// A verified-in-form content digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Digest {
    /// Raw SHA-256.
    Sha256([u8; 32]),
    /// Raw SHA-512.
    Sha512([u8; 64]),
}

impl Digest {
    /// SHA-256 of the empty string: the zero-byte blob.
    pub const SHA256_OF_NOTHING: Self = Self::Sha256([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ]);

    /// Length of the longest text form (`sha512:` and 128 digits).
    pub const MAX_TEXT_LEN: usize = 7 + 128;

    /// Parses `<algorithm>:<lower-case hex>`. Does not allocate unless it fails.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let parsed = match text.split_once(':') {
            Some(("sha256", encoded)) => decode_hex(encoded).map(Self::Sha256),
            Some(("sha512", encoded)) => decode_hex(encoded).map(Self::Sha512),
            Some((algorithm, encoded)) => {
                if is_algorithm(algorithm) && is_encoded(encoded) {
                    return Err(DigestError::UnknownAlgorithm {
                        algorithm: excerpt(algorithm),
                    });
                }
                None
            }
            None => None,
        };
        parsed.ok_or_else(|| DigestError::Malformed {
            text: excerpt(text),
        })
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// The raw bytes: 32 or 64.
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
        }
    }

    /// The part after the colon.
    pub fn hex(&self) -> String {
        let mut buffer = [0; Self::MAX_TEXT_LEN];
        let text = self.write_text(&mut buffer);
        text[self.algorithm().as_str().len() + 1..].to_owned()
    }

    /// Writes the text form into `buffer` and returns it: [`Display`](fmt::Display) without a
    /// formatter.
    pub fn write_text<'b>(&self, buffer: &'b mut [u8; Self::MAX_TEXT_LEN]) -> &'b str {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let name = self.algorithm().as_str().as_bytes();
        buffer[..name.len()].copy_from_slice(name);
        buffer[name.len()] = b':';
        let mut end = name.len() + 1;
        for byte in self.as_bytes() {
            buffer[end] = DIGITS[usize::from(byte >> 4)];
            buffer[end + 1] = DIGITS[usize::from(byte & 15)];
            end += 2;
        }
        // Only ASCII was written, so the conversion cannot fail.
        std::str::from_utf8(&buffer[..end]).unwrap_or_default()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.write_text(&mut [0; Self::MAX_TEXT_LEN]))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        Self::parse(text)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.write_text(&mut [0; Self::MAX_TEXT_LEN]))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// Decodes exactly `N` bytes of lower-case hex.
fn decode_hex<const N: usize>(encoded: &str) -> Option<[u8; N]> {
    if encoded.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(encoded.as_bytes().chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(out)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// `[a-z0-9]+([+._-][a-z0-9]+)*`, the specification's `algorithm`.
fn is_algorithm(text: &str) -> bool {
    text.split(['+', '.', '_', '-']).all(|part| {
        !part.is_empty() && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'))
    })
}

/// `[a-zA-Z0-9=_-]+`, the specification's `encoded`.
fn is_encoded(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'=' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn text_and_bytes_correspond_one_to_one() {
        let digest = Digest::parse(EMPTY).unwrap();
        assert_eq!(digest, Digest::SHA256_OF_NOTHING);
        assert_eq!(digest.to_string(), EMPTY);
        assert_eq!(digest.hex(), EMPTY[7..]);
        let long = format!("sha512:{}", "0123456789abcdef".repeat(8));
        assert_eq!(Digest::parse(&long).unwrap().to_string(), long);
        assert_eq!(
            format!("{:?}", Digest::parse(&long).unwrap()),
            format!("Digest({long})")
        );
    }

    #[test]
    fn wrong_case_length_or_alphabet_is_malformed() {
        for text in [
            "",
            ":",
            "sha256",
            "sha256:",
            "sha256:baddigeststring",
            "SHA256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85",
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8555",
            "sha512:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            " sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85é",
            "sha256:../../../../../../../../../../../../../../../../../../etc/passwd",
            "blake3:",
            "../x:abc",
        ] {
            assert!(
                matches!(Digest::parse(text), Err(DigestError::Malformed { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn a_well_formed_digest_of_another_algorithm_is_named_as_such() {
        for text in [
            "blake3:6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b",
            "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8",
            "md5:d41d8cd98f00b204e9800998ecf8427e",
        ] {
            let algorithm = text.split(':').next().unwrap().to_owned();
            assert_eq!(
                Digest::parse(text),
                Err(DigestError::UnknownAlgorithm { algorithm })
            );
        }
    }

    #[test]
    fn json_holds_the_text_form() {
        let json = format!("\"{EMPTY}\"");
        let digest: Digest = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&digest).unwrap(), json);
        assert!(serde_json::from_str::<Digest>("\"sha256:00\"").is_err());
    }
}
