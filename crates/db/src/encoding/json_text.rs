//! JSON in text columns (database.md §4.7). NULL and the empty string are `{}`. Prune policies are encoded twice: the
//! column holds a JSON string whose content is the policy's JSON; a plain object is read as well.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::EncodingError;

/// Reads a column that holds JSON.
///
/// # Errors
/// When the text is not JSON or not a `T`.
pub fn read<T: DeserializeOwned>(stored: Option<&str>) -> Result<T, EncodingError> {
    let text = stored
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .unwrap_or("{}");
    Ok(serde_json::from_str(text)?)
}

/// Writes a column that holds JSON.
///
/// # Errors
/// When the value has no JSON form.
pub fn write<T: Serialize>(value: &T) -> Result<String, EncodingError> {
    Ok(serde_json::to_string(value)?)
}

/// Reads a column whose JSON is encoded twice, or once.
///
/// # Errors
/// When the text is not JSON or not a `T`.
pub fn read_double<T: DeserializeOwned>(stored: Option<&str>) -> Result<T, EncodingError> {
    match read(stored)? {
        Value::String(inner) => read(Some(&inner)),
        value => Ok(serde_json::from_value(value)?),
    }
}

/// Writes a column whose JSON is encoded twice.
///
/// # Errors
/// When the value has no JSON form.
pub fn write_double<T: Serialize>(value: &T) -> Result<String, EncodingError> {
    write(&write(value)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_reads_as_an_empty_object() {
        for stored in [None, Some(""), Some("  "), Some("{}")] {
            assert_eq!(read::<Value>(stored).unwrap(), json!({}), "{stored:?}");
            assert_eq!(
                read_double::<Value>(stored).unwrap(),
                json!({}),
                "{stored:?}"
            );
        }
    }

    #[test]
    fn a_policy_is_read_in_both_forms_and_written_twice_encoded() {
        let policy = json!({"method": "number_of_tags", "value": 10});
        let once = r#"{"method": "number_of_tags", "value": 10}"#;
        let twice = r#""{\"method\": \"number_of_tags\", \"value\": 10}""#;
        assert_eq!(read_double::<Value>(Some(once)).unwrap(), policy);
        assert_eq!(read_double::<Value>(Some(twice)).unwrap(), policy);
        assert_eq!(
            write_double(&policy).unwrap(),
            r#""{\"method\":\"number_of_tags\",\"value\":10}""#
        );
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        assert!(read::<Value>(Some("{")).is_err());
        assert!(read_double::<Value>(Some(r#""{""#)).is_err());
    }
}
