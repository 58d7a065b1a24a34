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
    typed(body)
}

/// The body as a list of `T`, or what is wrong with it.
pub(crate) fn parse_list<T: DeserializeOwned>(body: Value) -> Result<Vec<T>, Error> {
    if !body.is_array() {
        return Err(Error::invalid_request("The body must be a JSON list"));
    }
    typed(body)
}

/// As Quay's schemas have it, a number without a fraction is an integer, also if it is written `3.0`.
fn typed<T: DeserializeOwned>(mut body: Value) -> Result<T, Error> {
    // By reference, so that only what is refused at first costs more.
    let refused = match T::deserialize(&body) {
        Ok(typed) => return Ok(typed),
        Err(error) => Error::invalid_request(error.to_string()),
    };
    if !make_integers(&mut body) {
        return Err(refused);
    }
    serde_json::from_value(body).map_err(|error| Error::invalid_request(error.to_string()))
}

/// Turns numbers such as `3.0` into integers. Whether there was any.
fn make_integers(value: &mut Value) -> bool {
    /// Beyond it not every integer has a number with a fraction of its own.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) => {
            let Some(float) = number.as_f64().filter(|_| number.is_f64()) else {
                return false;
            };
            if float.fract() != 0.0 || float.abs() > LARGEST {
                return false;
            }
            // Whole, and in the range of i64.
            *value = Value::from(float as i64);
            true
        }
        Value::Array(list) => made(list.iter_mut()),
        Value::Object(map) => made(map.values_mut()),
        _ => false,
    }
}

/// The same for several values, all of them.
fn made<'v>(values: impl Iterator<Item = &'v mut Value>) -> bool {
    values.map(make_integers).filter(|made| *made).count() > 0
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
    fn a_number_without_a_fraction_is_an_integer_however_it_is_written() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Limit {
            limit: u32,
            more: Option<Value>,
        }
        let limit = |text: &str| parse::<Limit>(serde_json::from_str(text).unwrap());
        for text in ["3", "3.0", "3e0", "0.3e1"] {
            assert_eq!(limit(&format!(r#"{{"limit": {text}}}"#)).unwrap().limit, 3);
        }
        for text in ["3.5", "-3.0", "1e300", "\"3\""] {
            assert!(limit(&format!(r#"{{"limit": {text}}}"#)).is_err(), "{text}");
        }
        // What is only kept is kept as it was written.
        let kept = limit(r#"{"limit": 3, "more": {"ratio": 2.0}}"#).unwrap();
        assert_eq!(kept.more, Some(json!({ "ratio": 2.0 })));
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
