//! How one value of the document becomes one typed setting.
//!
//! Real files quote numbers and booleans and leave passwords unquoted, so scalars are read by
//! meaning: `"5432"` is a port, `12345` is a password. Feature flags follow Quay: a text is on only
//! if it is `true` in any case; other values are on when Python finds them truthy.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::problem::{At, Found, Sink};

/// A value that can stand behind a key.
pub(crate) trait Setting: Sized {
    /// Whether the value must never be shown.
    const SECRET: bool = false;
    /// Whether an error may quote a wrong value: not where a secret could stand in it.
    const QUOTABLE: bool = true;
    /// Whether `null` is a value of its own; otherwise it means the default.
    const NULLABLE: bool = false;

    /// Reads the value, or records why it cannot be read.
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self>;

    /// The value as it may be printed: secrets redacted.
    fn show(&self) -> Value;

    /// What kind of value it is, for the reference and for error messages.
    fn kind() -> String;
}

/// The text of a text or number.
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Reads a map, or records that there is none. Never quotes the value: it may hold secrets.
pub(crate) fn as_map<'a>(
    value: &'a Value,
    at: &At,
    sink: &mut Sink,
) -> Option<&'a Map<String, Value>> {
    let map = value.as_object();
    if map.is_none() {
        sink.problem(at, Found::kind(value), "a map");
    }
    map
}

impl Setting for String {
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let text = scalar_text(value);
        if text.is_none() {
            sink.problem(at, Found::value(value), "text");
        }
        text
    }

    fn show(&self) -> Value {
        Value::from(self.as_str())
    }

    fn kind() -> String {
        "text".to_owned()
    }
}

impl Setting for PathBuf {
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let Some(text) = value.as_str().filter(|text| !text.is_empty()) else {
            sink.problem(at, Found::value(value), "a path");
            return None;
        };
        Some(Self::from(text))
    }

    fn show(&self) -> Value {
        Value::from(self.to_string_lossy())
    }

    fn kind() -> String {
        "path".to_owned()
    }
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

impl Setting for bool {
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        if at.is_feature() {
            return Some(truthy(value));
        }
        let flag = match value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => match number.as_u64() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(true),
                "false" | "no" | "off" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        };
        if flag.is_none() {
            sink.problem(at, Found::value(value), "true or false");
        }
        flag
    }

    fn show(&self) -> Value {
        Value::from(*self)
    }

    fn kind() -> String {
        "boolean".to_owned()
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            number
                .as_f64()
                .filter(|float| float.fract() == 0.0 && float.abs() < 9e15)
                .map(|float| float as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

macro_rules! integer_setting {
    ($($ty:ty),*) => {$(
        impl Setting for $ty {
            fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
                let number = integer(value).and_then(|number| Self::try_from(number).ok());
                if number.is_none() {
                    let allowed = if i64::try_from(Self::MAX).is_ok_and(|max| max < i64::MAX) {
                        format!("a whole number from {} to {}", Self::MIN, Self::MAX)
                    } else {
                        format!("a whole number from {}", Self::MIN)
                    };
                    sink.problem(at, Found::value(value), allowed);
                }
                number
            }

            fn show(&self) -> Value {
                Value::from(*self)
            }

            fn kind() -> String {
                "integer".to_owned()
            }
        }
    )*};
}

integer_setting!(u16, u32, u64, i64);

impl Setting for f64 {
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
            _ => None,
        };
        if number.is_none() {
            sink.problem(at, Found::value(value), "a number");
        }
        number
    }

    fn show(&self) -> Value {
        Value::from(*self)
    }

    fn kind() -> String {
        "number".to_owned()
    }
}

impl<T: Setting> Setting for Option<T> {
    const SECRET: bool = T::SECRET;
    const QUOTABLE: bool = T::QUOTABLE;
    const NULLABLE: bool = true;

    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            // Python's code asks for truth, so an empty text is as good as null.
            Value::String(text) if text.is_empty() => Some(None),
            value => T::read(value, at, sink).map(Some),
        }
    }

    fn show(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::show)
    }

    fn kind() -> String {
        T::kind()
    }
}

impl<T: Setting> Setting for Vec<T> {
    const SECRET: bool = T::SECRET;
    const QUOTABLE: bool = T::QUOTABLE;

    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let Some(items) = value.as_array() else {
            let found = if T::QUOTABLE {
                Found::value(value)
            } else {
                Found::kind(value)
            };
            sink.problem(at, found, Self::kind());
            return None;
        };
        // Every element is read before the first wrong one decides, so that all are reported.
        let read: Vec<Option<T>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| T::read(item, &at.index(index), sink))
            .collect();
        read.into_iter().collect()
    }

    fn show(&self) -> Value {
        self.iter().map(T::show).collect()
    }

    fn kind() -> String {
        format!("list of {}", T::kind())
    }
}

impl<T: Setting> Setting for BTreeMap<String, T> {
    const SECRET: bool = T::SECRET;
    const QUOTABLE: bool = T::QUOTABLE;

    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let map = as_map(value, at, sink)?;
        let read: Vec<Option<(String, T)>> = map
            .iter()
            .map(|(key, item)| T::read(item, &at.child(key), sink).map(|item| (key.clone(), item)))
            .collect();
        read.into_iter().collect()
    }

    fn show(&self) -> Value {
        Value::Object(
            self.iter()
                .map(|(key, item)| (key.clone(), item.show()))
                .collect(),
        )
    }

    fn kind() -> String {
        format!("map to {}", T::kind())
    }
}

/// A list that may also be written as one plain value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T: Setting> Setting for OneOrMany<T> {
    const SECRET: bool = T::SECRET;
    const QUOTABLE: bool = T::QUOTABLE;

    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        match value {
            Value::Array(_) => Vec::read(value, at, sink).map(Self),
            one => T::read(one, at, sink).map(|one| Self(vec![one])),
        }
    }

    fn show(&self) -> Value {
        match self.0.as_slice() {
            [one] => one.show(),
            _ => self.0.show(),
        }
    }

    fn kind() -> String {
        format!("{} or list of it", T::kind())
    }
}

/// A value whose shape is not Pierhead's business. Every text inside is treated as a secret when
/// it is shown.
#[derive(Clone, PartialEq)]
pub struct Opaque(pub Value);

impl std::fmt::Debug for Opaque {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.show())
    }
}

impl Setting for Opaque {
    const QUOTABLE: bool = false;

    fn read(value: &Value, _: &At, _: &mut Sink) -> Option<Self> {
        Some(Self(value.clone()))
    }

    fn show(&self) -> Value {
        hide_texts(&self.0)
    }

    fn kind() -> String {
        "any value".to_owned()
    }
}

fn hide_texts(value: &Value) -> Value {
    match value {
        Value::String(_) | Value::Number(_) => Value::from(crate::secret::REDACTED),
        Value::Array(items) => items.iter().map(hide_texts).collect(),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, item)| (key.clone(), hide_texts(item)))
                .collect(),
        ),
        plain => plain.clone(),
    }
}
