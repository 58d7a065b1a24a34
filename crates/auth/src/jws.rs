//! Compact signed tokens (RFC 7515) with RSA signatures, or with a shared key, and nothing else.
//!
//! The caller pins the algorithms: a header that names another is refused before any key is looked up, so neither `none` nor
//! a public key used as an HMAC secret gets anywhere. Keys are looked up by `kid` alone; `jwk`, `jku` and `x5c` are
//! not read. An extension that must be understood (`crit`) is not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Longest token that is looked at. One with a hundred scopes has about half of it.
pub(crate) const MAX_TOKEN_LEN: usize = 32 * 1024;

/// An algorithm of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: our own tokens and those of services.
    Rs256,
    /// The same with SHA-384: some identity providers.
    Rs384,
    /// HMAC with SHA-256: programs that share a key with the registry.
    Hs256,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Hs256 => "HS256",
        }
    }
}

/// Why a text is not such a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JwsError {
    /// It has not three base64url parts, or its header is no JSON object.
    Malformed,
    /// Its algorithm is not one of those, or it asks for an extension.
    Algorithm,
}

/// A token taken apart, not verified.
#[derive(Debug)]
pub(crate) struct Jws<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    /// The part that is signed.
    pub(crate) signed: &'a str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

impl<'a> Jws<'a> {
    pub(crate) fn parse(token: &'a str, allowed: &[Algorithm]) -> Result<Self, JwsError> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(JwsError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Malformed)?;
        let header: Header =
            serde_json::from_slice(&decode(header)?).map_err(|_| JwsError::Malformed)?;
        let algorithm = allowed
            .iter()
            .find(|algorithm| algorithm.name() == header.alg && header.crit.is_none());
        Ok(Self {
            algorithm: *algorithm.ok_or(JwsError::Algorithm)?,
            kid: header.kid,
            payload: decode(payload)?,
            signature: decode(signature)?,
            signed,
        })
    }
}

/// Header and payload of a new token, ready to be signed.
pub(crate) fn signing_input(kid: &str, payload: &str) -> String {
    let header = serde_json::json!({"typ": "JWT", "alg": "RS256", "kid": kid}).to_string();
    let mut text = URL_SAFE_NO_PAD.encode(header);
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut text);
    text
}

/// The whole token.
pub(crate) fn with_signature(mut signing_input: String, signature: &[u8]) -> String {
    signing_input.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut signing_input);
    signing_input
}

fn decode(part: &str) -> Result<Vec<u8>, JwsError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| JwsError::Malformed)
}
