//! Reading what git services send: what is missing, null or an empty text counts as not there, as in Quay.

use serde_json::Value;

/// The value at a path of keys with dots between them.
pub(crate) fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.')
        .try_fold(value, |value, key| value.get(key))
        .filter(|value| !value.is_null())
}

/// The text at a path.
pub(crate) fn text<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    at(value, path)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// The same, owned.
pub(crate) fn string(value: &Value, path: &str) -> Option<String> {
    text(value, path).map(str::to_owned)
}

/// The items of the list at a path; none if there is no list.
pub(crate) fn list<'v>(value: &'v Value, path: &str) -> &'v [Value] {
    at(value, path)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// What a value must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Text,
    TextOrNull,
    Object,
    ObjectOrNull,
    List,
}

impl Kind {
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::TextOrNull => value.is_string() || value.is_null(),
            Self::Object => value.is_object(),
            Self::ObjectOrNull => value.is_object() || value.is_null(),
            Self::List => value.is_array(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::TextOrNull => "a string or null",
            Self::Object => "an object",
            Self::ObjectOrNull => "an object or null",
            Self::List => "an array",
        }
    }
}

/// A rule for the value at a path: what it must be, and whether it must be there if what it belongs to is.
pub(crate) type Rule = (&'static str, Kind, bool);

/// What is wrong with a value by the first rule that it breaks.
pub(crate) fn check(value: &Value, rules: &[Rule]) -> Result<(), String> {
    for (path, kind, required) in rules {
        let (parent, name) = match path.rsplit_once('.') {
            None => (Some(value), *path),
            Some((parent, name)) => (at(value, parent), name),
        };
        let Some(parent) = parent.and_then(Value::as_object) else {
            continue;
        };
        match parent.get(name) {
            None if *required => return Err(format!("'{name}' is a required property")),
            Some(found) if !kind.holds(found) => {
                return Err(format!("'{path}' is not {}", kind.name()));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_null_or_empty_is_not_there() {
        let value = json!({ "a": { "b": "c", "empty": "", "null": null, "list": [1] } });
        assert_eq!(text(&value, "a.b"), Some("c"));
        for path in ["a.empty", "a.null", "a.missing", "b.c", "a.b.c"] {
            assert_eq!(text(&value, path), None, "{path}");
        }
        assert_eq!(list(&value, "a.list").len(), 1);
        assert!(list(&value, "a.b").is_empty());
    }

    #[test]
    fn the_first_broken_rule_is_told() {
        let rules: &[Rule] = &[
            ("ref", Kind::Text, true),
            ("head", Kind::ObjectOrNull, true),
            ("head.id", Kind::Text, true),
        ];
        let told = |value: Value| check(&value, rules).err().unwrap_or_default();
        assert_eq!(told(json!({ "ref": "a", "head": null })), "");
        assert_eq!(told(json!({ "ref": "a", "head": { "id": "b" } })), "");
        assert_eq!(
            told(json!({ "head": null })),
            "'ref' is a required property"
        );
        assert_eq!(
            told(json!({ "ref": 1, "head": null })),
            "'ref' is not a string"
        );
        assert_eq!(
            told(json!({ "ref": "a", "head": {} })),
            "'id' is a required property"
        );
    }
}
