//! The tokens with which services prove that they hold a key (api-v1.md §6.4): signed with it (RS256), for this registry as
//! audience, issued by the service, with `nbf`, `iat` and `exp`, and no leeway.

use serde::Deserialize;

use super::PublicKey;
use crate::claims::Audience;
use crate::jws::{Algorithm, Jws, JwsError};

/// Why a service's token is not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceTokenError {
    /// It is no token with an RS256 signature.
    #[error("the token is not a JSON web token signed with RS256")]
    Malformed,
    /// The key is not one that verifies RS256 signatures.
    #[error("the key cannot verify the token: it is not an RSA key")]
    Key,
    /// The signature is of another key, or a claim is missing or wrong.
    #[error("the token was not issued by this service for this registry, or its time is over")]
    Refused,
}

impl From<JwsError> for ServiceTokenError {
    fn from(_: JwsError) -> Self {
        Self::Malformed
    }
}

/// A token taken apart, not verified yet.
#[derive(Debug)]
pub struct ServiceToken<'t>(Jws<'t>);

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    nbf: i64,
    iat: i64,
    exp: i64,
}

impl<'t> ServiceToken<'t> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(token: &'t str) -> Result<Self, ServiceTokenError> {
        Ok(Self(Jws::parse(token, &[Algorithm::Rs256])?))
    }

    /// The id of the key that is said to have signed it.
    pub fn kid(&self) -> Option<&str> {
        self.0.kid.as_deref()
    }

    /// Checks that the key with this JSON web key signed it, on behalf of this service and for this audience.
    ///
    /// # Errors
    /// When it did not, or the token is not valid at `now` (seconds since 1970).
    pub fn verify(
        &self,
        jwk: &str,
        service: &str,
        audience: &str,
        now: i64,
    ) -> Result<(), ServiceTokenError> {
        let key = PublicKey::from_jwk(jwk).map_err(|_| ServiceTokenError::Key)?;
        if !key.verifies(&self.0) {
            return Err(ServiceTokenError::Refused);
        }
        let claims: Claims =
            serde_json::from_slice(&self.0.payload).map_err(|_| ServiceTokenError::Refused)?;
        let valid = claims.iss == service
            && claims.aud.contains(audience)
            && claims.nbf <= now
            && claims.iat <= now
            && claims.exp > now;
        if valid {
            Ok(())
        } else {
            Err(ServiceTokenError::Refused)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::super::SigningKey;
    use super::*;
    use crate::jws;

    const NOW: i64 = 1_790_000_000;
    const AUDIENCE: &str = "https://registry.example.com";

    fn claims() -> Value {
        json!({ "iss": "scanner", "aud": AUDIENCE, "nbf": NOW, "iat": NOW, "exp": NOW + 60 })
    }

    fn sign(key: &SigningKey, claims: &Value) -> String {
        let input = jws::signing_input(key.kid(), &claims.to_string());
        let signature = key.sign(input.as_bytes()).unwrap();
        jws::with_signature(input, &signature)
    }

    #[tokio::test]
    async fn a_token_of_the_service_for_this_registry_is_accepted() {
        let (key, _) = SigningKey::generate().await.unwrap();
        let token = sign(&key, &claims());
        let token = ServiceToken::parse(&token).unwrap();
        assert_eq!(token.kid(), Some(key.kid()));
        token
            .verify(&key.public().to_jwk(), "scanner", AUDIENCE, NOW)
            .unwrap();
    }

    #[tokio::test]
    async fn a_token_of_another_key_service_audience_or_time_is_refused() {
        let (key, _) = SigningKey::generate().await.unwrap();
        let (other, _) = SigningKey::generate().await.unwrap();
        let jwk = key.public().to_jwk();
        let refused = |token: &str, service: &str, audience: &str, now: i64| {
            let token = ServiceToken::parse(token).unwrap();
            let verified = token.verify(&jwk, service, audience, now);
            matches!(verified, Err(ServiceTokenError::Refused))
        };
        let token = sign(&key, &claims());
        assert!(refused(&sign(&other, &claims()), "scanner", AUDIENCE, NOW));
        assert!(refused(&token, "quay", AUDIENCE, NOW));
        assert!(refused(
            &token,
            "scanner",
            "https://elsewhere.example.com",
            NOW
        ));
        assert!(refused(&token, "scanner", AUDIENCE, NOW - 1));
        assert!(refused(&token, "scanner", AUDIENCE, NOW + 60));
        for missing in ["iss", "aud", "nbf", "iat", "exp"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(missing);
            assert!(
                refused(&sign(&key, &claims), "scanner", AUDIENCE, NOW),
                "{missing}"
            );
        }
    }

    #[test]
    fn what_is_not_signed_with_rs256_is_malformed() {
        for token in [
            "",
            "a.b",
            "e30.e30.e30",
            "eyJhbGciOiJub25lIn0.e30.",
            "eyJhbGciOiJIUzI1NiJ9.e30.e30",
        ] {
            assert!(ServiceToken::parse(token).is_err(), "{token}");
        }
    }
}
