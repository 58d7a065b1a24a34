//! RSA public keys as JSON web keys (RFC 7517), and their thumbprints (RFC 7638).

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::jws::{Algorithm, Jws};

/// Why a JSON web key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JwkError {
    /// It is no JSON object with the members of an RSA key.
    #[error("it is not an RSA key in JSON")]
    Json(#[from] serde_json::Error),
    /// It is of another type.
    #[error("its type is not RSA")]
    NotRsa,
    /// A number is not base64url.
    #[error("its modulus or exponent is not base64url")]
    Base64(#[from] base64::DecodeError),
}

/// The public half of an RSA key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl PublicKey {
    /// From big-endian numbers without leading zeros.
    pub(super) fn new(modulus: Vec<u8>, exponent: Vec<u8>) -> Self {
        Self { modulus, exponent }
    }

    /// Reads `servicekey.jwk`.
    pub(crate) fn from_jwk(jwk: &str) -> Result<Self, JwkError> {
        #[derive(Deserialize)]
        struct Jwk<'a> {
            kty: &'a str,
            n: &'a str,
            e: &'a str,
        }
        let jwk: Jwk<'_> = serde_json::from_str(jwk)?;
        if jwk.kty != "RSA" {
            return Err(JwkError::NotRsa);
        }
        let number = |text: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('='))?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            Ok::<_, JwkError>(bytes[zeros..].to_vec())
        };
        Ok(Self::new(number(jwk.n)?, number(jwk.e)?))
    }

    /// Writes `servicekey.jwk` as Quay does.
    pub(crate) fn to_jwk(&self) -> String {
        let (n, e) = self.encoded();
        let kid = self.thumbprint();
        format!(r#"{{"n": "{n}", "e": "{e}", "kty": "RSA", "kid": "{kid}"}}"#)
    }

    /// RFC 7638, SHA-256, base64url without padding.
    pub(crate) fn thumbprint(&self) -> String {
        let (n, e) = self.encoded();
        let canonical = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
        URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
    }

    /// Whether the token is signed with this key (2048 to 8192 bits).
    pub(crate) fn verifies(&self, token: &Jws<'_>) -> bool {
        let parameters = match token.algorithm {
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Algorithm::Hs256 => return false,
        };
        RsaPublicKeyComponents {
            n: &self.modulus,
            e: &self.exponent,
        }
        .verify(parameters, token.signed.as_bytes(), &token.signature)
        .is_ok()
    }

    fn encoded(&self) -> (String, String) {
        (
            URL_SAFE_NO_PAD.encode(&self.modulus),
            URL_SAFE_NO_PAD.encode(&self.exponent),
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The example of RFC 7638 §3.1.
    const RFC: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;

    #[test]
    fn the_thumbprint_of_the_rfc_is_found() {
        assert_eq!(
            PublicKey::from_jwk(RFC).unwrap().thumbprint(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }

    #[test]
    fn a_key_is_read_back_as_it_was_written() {
        let key = PublicKey::from_jwk(RFC).unwrap();
        assert_eq!(PublicKey::from_jwk(&key.to_jwk()).unwrap(), key);
    }

    #[test]
    fn keys_of_other_types_are_refused() {
        assert!(PublicKey::from_jwk(r#"{"kty":"EC","n":"AQAB","e":"AQAB"}"#).is_err());
        assert!(PublicKey::from_jwk(r#"{"kty":"oct","k":"AQAB"}"#).is_err());
        assert!(PublicKey::from_jwk("[]").is_err());
    }
}
