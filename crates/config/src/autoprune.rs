//! The registry-wide auto-prune policy.

use serde_json::{Value, json};

use crate::duration::Duration;
use crate::problem::{At, Found, Sink};
use crate::setting::{Setting, as_map};

/// What the registry keeps of every repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AutoprunePolicy {
    /// The newest tags, by number (at least 1).
    NumberOfTags(u64),
    /// Tags younger than this.
    CreationDate(Duration),
}

impl Setting for AutoprunePolicy {
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let map = as_map(value, at, sink)?;
        let method = at.child("method");
        let argument = at.child("value");
        let Some(given) = map.get("value").filter(|value| !value.is_null()) else {
            sink.problem(
                &argument,
                Found::Missing,
                "required: a number of tags or a duration",
            );
            return None;
        };
        match map.get("method").and_then(Value::as_str) {
            Some("number_of_tags") => match u64::read(given, &argument, sink)? {
                0 => {
                    sink.problem(&argument, Found::value(given), "a whole number from 1");
                    None
                }
                count => Some(Self::NumberOfTags(count)),
            },
            Some("creation_date") => Duration::read(given, &argument, sink).map(Self::CreationDate),
            _ => {
                let found = map.get("method").map_or(Found::Missing, Found::value);
                sink.problem(&method, found, "number_of_tags or creation_date");
                None
            }
        }
    }

    fn show(&self) -> Value {
        match self {
            Self::NumberOfTags(count) => json!({"method": "number_of_tags", "value": count}),
            Self::CreationDate(age) => json!({"method": "creation_date", "value": age.as_str()}),
        }
    }

    fn kind() -> String {
        "map of `method` and `value`".to_owned()
    }
}
