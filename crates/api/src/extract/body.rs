//! Reading the fields of a JSON body. Quay's schemas tell a missing field from one that is null, and so do these.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::error::Error;

/// The body as a `T`, or what is wrong with it.
pub(crate) fn parse<T: DeserializeOwned>(body: Value) -> Result<T, Error> {
    // A list would be taken for the fields in their order.
    if !body.is_object() {
        return Err(Error::invalid_request("The body must be a JSON object"));
    }
    serde_json::from_value(body).map_err(|error| Error::invalid_request(error.to_string()))
}

/// The body as a list of `T`, or what is wrong with it.
pub(crate) fn parse_list<T: DeserializeOwned>(body: Value) -> Result<Vec<T>, Error> {
    if !body.is_array() {
        return Err(Error::invalid_request("The body must be a JSON list"));
    }
    serde_json::from_value(body).map_err(|error| Error::invalid_request(error.to_string()))
}

/// An optional field that must not be null: with `#[serde(default, deserialize_with = "body::present")]`.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// An optional field that may be null, which is something else than missing: with
/// `#[serde(default, deserialize_with = "body::nullable")]` on an `Option<Option<T>>`.
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Change {
        name: String,
        #[serde(default, deserialize_with = "present")]
        email: Option<String>,
        #[serde(default, deserialize_with = "nullable")]
        company: Option<Option<String>>,
    }

    #[test]
    fn missing_null_and_given_are_three_things() {
        let change: Change = parse(json!({ "name": "a", "company": null, "more": 1 })).unwrap();
        assert_eq!(change.company, Some(None));
        assert_eq!(change.email, None);
        let change: Change = parse(json!({ "name": "a", "email": "b" })).unwrap();
        assert_eq!((change.company, change.email.as_deref()), (None, Some("b")));
    }

    #[test]
    fn a_wrong_body_is_refused() {
        for body in [
            json!({}),
            json!({ "name": null }),
            json!({ "name": 1 }),
            json!({ "name": "a", "email": null }),
            json!("name"),
            json!(["a"]),
        ] {
            assert!(parse::<Change>(body.clone()).is_err(), "{body}");
        }
    }
}
