//! Reading the fields of a JSON body. Quay's schemas tell a missing field from one that is null, and so do these.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use self::lenient::Lenient;
use crate::error::Error;

mod lenient;

/// The body as a `T`, or what is wrong with it.
pub(crate) fn parse<T: DeserializeOwned>(body: Value) -> Result<T, Error> {
    // A list would be taken for the fields in their order.
    if !body.is_object() {
        return Err(Error::invalid_request("The body must be a JSON object"));
    }
    typed(body)
}

/// The body as a list of `T`, or what is wrong with it.
pub(crate) fn parse_list<T: DeserializeOwned>(body: Value) -> Result<Vec<T>, Error> {
    if !body.is_array() {
        return Err(Error::invalid_request("The body must be a JSON list"));
    }
    typed(body)
}

fn typed<T: DeserializeOwned>(body: Value) -> Result<T, Error> {
    T::deserialize(Lenient(body)).map_err(|error| Error::invalid_request(error.to_string()))
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
    use std::collections::BTreeMap;

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
    fn a_number_without_a_fraction_is_an_integer_however_it_is_written() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Limit {
            limit: u32,
        }
        let limit = |text: &str| parse::<Limit>(serde_json::from_str(text).unwrap());
        for text in ["3", "3.0", "3e0", "0.3e1"] {
            assert_eq!(limit(&format!(r#"{{"limit": {text}}}"#)).unwrap().limit, 3);
        }
        for text in ["3.5", "-3.0", "1e300", "\"3\""] {
            assert!(limit(&format!(r#"{{"limit": {text}}}"#)).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_only_kept_is_kept_as_it_was_written() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Rule {
            value: Option<i64>,
        }
        #[derive(Debug, Deserialize, PartialEq)]
        struct Stored {
            limits: Vec<u32>,
            rules: BTreeMap<String, Rule>,
            ratio: f64,
            #[serde(default, deserialize_with = "nullable")]
            config: Option<Option<serde_json::Map<String, Value>>>,
        }
        // One number has to become an integer, and its neighbours stay what they are.
        let text = r#"{"limits": [3.0, 4], "rules": {"a": {"value": 2.0}, "b": {"value": null}},
            "ratio": 2.0, "config": {"ratio": 2.0, "list": [1.0, {"x": 3e0}], "whole": 5}}"#;
        let stored: Stored = parse(serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!(stored.limits, [3, 4]);
        assert_eq!(stored.rules["a"], Rule { value: Some(2) });
        assert_eq!(stored.rules["b"], Rule { value: None });
        assert_eq!(
            serde_json::to_string(&stored.config).unwrap(),
            r#"{"ratio":2.0,"list":[1.0,{"x":3.0}],"whole":5}"#
        );
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
