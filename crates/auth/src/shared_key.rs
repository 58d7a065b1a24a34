//! Tokens of a program that shares a secret key with this registry (HS256): Clair signs the notifications that it sends so.
//!
//! As in Quay, a token needs `nbf`, `iat` and `exp`, holds without leeway, and is for no audience. Only HS256 counts.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

use crate::jws::{Algorithm, Jws, JwsError};

/// Why a token is not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SharedKeyError {
    /// It is no token with an HS256 signature.
    #[error("the token is not a JSON web token signed with HS256")]
    Malformed,
    /// The signature is of another key.
    #[error("the token is not signed with the shared key")]
    Signature,
    /// A claim is missing or wrong, or its time is over or has not come.
    #[error("the token has no valid nbf, iat and exp, is not valid now, or is for an audience")]
    Claims,
}

impl From<JwsError> for SharedKeyError {
    fn from(_: JwsError) -> Self {
        Self::Malformed
    }
}

#[derive(Deserialize)]
struct Claims {
    nbf: f64,
    iat: f64,
    exp: f64,
    #[serde(default)]
    aud: serde_json::Value,
}

/// Checks that a token was signed with the key, and is valid at `now` (seconds since 1970).
///
/// # Errors
/// [`SharedKeyError`] as its variants say.
pub fn verify_shared_key(token: &str, key: &[u8], now: i64) -> Result<(), SharedKeyError> {
    let jws = Jws::parse(token, &[Algorithm::Hs256])?;
    // An HMAC takes a key of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| SharedKeyError::Signature)?;
    mac.update(jws.signed.as_bytes());
    mac.verify_slice(&jws.signature)
        .map_err(|_| SharedKeyError::Signature)?;
    let claims: Claims =
        serde_json::from_slice(&jws.payload).map_err(|_| SharedKeyError::Claims)?;
    // Times are whole seconds, which f64 holds exactly for the next hundred million years.
    let now = now as f64;
    let audience = match &claims.aud {
        serde_json::Value::Null => false,
        serde_json::Value::String(text) => !text.is_empty(),
        serde_json::Value::Array(list) => !list.is_empty(),
        _ => true,
    };
    if claims.nbf.trunc() <= now
        && claims.iat.trunc() <= now
        && claims.exp.trunc() > now
        && !audience
    {
        Ok(())
    } else {
        Err(SharedKeyError::Claims)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_790_000_000;
    const KEY: &[u8] = b"a key that both know";

    fn sign(header: &Value, claims: &Value, key: &[u8]) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    fn claims() -> Value {
        json!({ "iss": "clair", "nbf": NOW, "iat": NOW, "exp": NOW + 60 })
    }

    #[test]
    fn a_token_of_the_shared_key_counts_as_long_as_it_says() {
        let token = sign(&json!({ "alg": "HS256" }), &claims(), KEY);
        verify_shared_key(&token, KEY, NOW).unwrap();
        verify_shared_key(&token, KEY, NOW + 59).unwrap();
        for now in [NOW - 1, NOW + 60] {
            let refused = verify_shared_key(&token, KEY, now);
            assert!(matches!(refused, Err(SharedKeyError::Claims)), "{now}");
        }
    }

    #[test]
    fn a_token_of_another_key_or_algorithm_or_without_times_is_refused() {
        let token = sign(&json!({ "alg": "HS256" }), &claims(), b"another");
        let refused = verify_shared_key(&token, KEY, NOW);
        assert!(matches!(refused, Err(SharedKeyError::Signature)));
        for algorithm in ["none", "RS256", "HS512"] {
            let token = sign(&json!({ "alg": algorithm }), &claims(), KEY);
            let refused = verify_shared_key(&token, KEY, NOW);
            assert!(
                matches!(refused, Err(SharedKeyError::Malformed)),
                "{algorithm}"
            );
        }
        for missing in ["nbf", "iat", "exp"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(missing);
            let token = sign(&json!({ "alg": "HS256" }), &claims, KEY);
            let refused = verify_shared_key(&token, KEY, NOW);
            assert!(matches!(refused, Err(SharedKeyError::Claims)), "{missing}");
        }
        let mut claims = claims();
        claims["aud"] = json!("somebody");
        let token = sign(&json!({ "alg": "HS256" }), &claims, KEY);
        assert!(verify_shared_key(&token, KEY, NOW).is_err());
    }
}
