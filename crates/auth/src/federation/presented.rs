//! The claims of an identity provider's token.

use serde::{Deserialize, Deserializer};

use super::FederationError;
use crate::claims::Audience;

/// The claims that are looked at.
#[derive(Deserialize)]
pub(super) struct Presented {
    pub(super) iss: Option<String>,
    pub(super) sub: Option<String>,
    aud: Option<Audience>,
    #[serde(default, deserialize_with = "seconds")]
    iat: Option<i64>,
    #[serde(default, deserialize_with = "seconds")]
    exp: Option<i64>,
}

/// A date of RFC 7519 §2: a number, possibly with a fraction.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let number = Option::<f64>::deserialize(deserializer)?;
    Ok(number.map(|seconds| seconds as i64))
}

impl Presented {
    pub(super) fn read(payload: &[u8]) -> Result<Self, FederationError> {
        let invalid = FederationError::InvalidToken("its claims cannot be read");
        serde_json::from_slice(payload).map_err(|_| invalid)
    }

    /// Whether the token is valid at `now`, and for one of `audiences` if there are any.
    pub(super) fn check(
        &self,
        now: i64,
        leeway: i64,
        audiences: Option<&Vec<String>>,
    ) -> Result<(), FederationError> {
        let invalid = |why| Err(FederationError::InvalidToken(why));
        let (Some(iat), Some(exp)) = (self.iat, self.exp) else {
            return invalid("it lacks iat or exp");
        };
        if iat > now.saturating_add(leeway) {
            return invalid("it is not yet valid");
        }
        if exp.saturating_add(leeway) <= now {
            return invalid("it has expired");
        }
        if let Some(audiences) = audiences {
            let meant = self
                .aud
                .as_ref()
                .is_some_and(|aud| audiences.iter().any(|audience| aud.contains(audience)));
            if !meant {
                return invalid("it is for another audience");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_790_000_000;

    fn check(claims: &Value, audiences: Option<&[&str]>) -> Result<(), String> {
        let audiences: Option<Vec<String>> =
            audiences.map(|list| list.iter().map(|text| (*text).to_owned()).collect());
        Presented::read(claims.to_string().as_bytes())
            .and_then(|claims| claims.check(NOW, 30, audiences.as_ref()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_token_is_valid_from_its_issue_to_its_end_with_leeway() {
        let at = |iat: i64, exp: i64| check(&json!({ "iat": NOW + iat, "exp": NOW + exp }), None);
        assert_eq!(at(0, 60), Ok(()));
        assert_eq!(at(30, 60), Ok(()));
        assert_eq!(at(-60, -29), Ok(()));
        assert!(at(31, 60).unwrap_err().contains("not yet"));
        assert!(at(-60, -30).unwrap_err().contains("expired"));
        let fraction = json!({ "iat": NOW as f64 + 0.5, "exp": NOW as f64 + 60.5 });
        assert_eq!(check(&fraction, None), Ok(()));
    }

    #[test]
    fn a_token_without_its_times_is_invalid() {
        for claims in [
            json!({ "iat": NOW }),
            json!({ "exp": NOW + 60 }),
            json!({ "iat": "x", "exp": NOW }),
        ] {
            assert!(check(&claims, None).is_err(), "{claims}");
        }
    }

    #[test]
    fn an_audience_is_asked_for_only_if_one_is_configured() {
        let with = |aud: Value| json!({ "iat": NOW, "exp": NOW + 60, "aud": aud });
        assert_eq!(check(&with(json!("anything")), None), Ok(()));
        assert_eq!(check(&with(json!("quay")), Some(&["quay"])), Ok(()));
        assert_eq!(
            check(&with(json!(["a", "quay"])), Some(&["quay", "b"])),
            Ok(())
        );
        assert!(check(&with(json!("other")), Some(&["quay"])).is_err());
        assert!(check(&json!({ "iat": NOW, "exp": NOW + 60 }), Some(&["quay"])).is_err());
    }
}
