//! What is told, and where.

use std::sync::Arc;

use pierhead_oci::RepositoryName;
use serde_json::{Value, json};

/// Longest content of an event that somebody else published, in bytes. Ours and Quay's have some hundred.
const LONGEST: usize = 64 * 1024;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserEvent {
    /// A client did something (`docker-cli`).
    Client {
        /// What: `login`, `pull_start`, `push_start` when a token is given; `pull_repo`, `push_repo`, `delete_tag` and other
        /// kinds of the audit log when it is done.
        action: &'static str,
        /// Where; nowhere for a `login` alone.
        repository: Option<RepositoryName>,
    },
    /// Somebody tries whether events come through (`test`).
    Test,
}

impl UserEvent {
    /// By what name it is listened for.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Client { .. } => "docker-cli",
            Self::Test => "test",
        }
    }

    /// Its content.
    pub(crate) fn data(&self) -> Value {
        match self {
            Self::Client {
                action,
                repository: Some(repository),
            } => json!({
                "action": action,
                "namespace": repository.namespace(),
                "repository": repository.repository(),
            }),
            Self::Client { action, .. } => json!({ "action": action }),
            Self::Test => json!({ "foo": 2 }),
        }
    }
}

/// An event as a listener gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its name.
    pub event: Arc<str>,
    /// Its content.
    pub data: Arc<Value>,
}

/// The channel of somebody's events of a name.
pub(crate) fn channel(username: &str, event: &str) -> String {
    format!("user/{username}/events/{event}")
}

/// The name of the events of a channel. Quay takes the fourth part, so that a name ends before its first slash.
pub(crate) fn name_of(channel: &str) -> &str {
    channel.split('/').nth(3).unwrap_or_default()
}

/// The content of an event from Redis. As in Quay, what is not JSON, and what is empty, is no event.
pub(crate) fn read(payload: &[u8]) -> Option<Value> {
    if payload.len() > LONGEST {
        return None;
    }
    let data = serde_json::from_slice(payload).ok()?;
    let empty = match &data {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(values) => values.is_empty(),
    };
    (!empty).then_some(data)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use pierhead_oci::NameRules;

    use super::*;

    #[test]
    fn events_have_the_names_and_contents_of_quay() {
        let name = RepositoryName::parse("acme/web", &NameRules::default()).unwrap();
        let pull = UserEvent::Client {
            action: "pull_start",
            repository: Some(name),
        };
        assert_eq!(channel("ann", pull.name()), "user/ann/events/docker-cli");
        assert_eq!(
            pull.data().to_string(),
            r#"{"action":"pull_start","namespace":"acme","repository":"web"}"#
        );
        let login = UserEvent::Client {
            action: "login",
            repository: None,
        };
        assert_eq!(login.data().to_string(), r#"{"action":"login"}"#);
        assert_eq!(
            channel("ann", UserEvent::Test.name()),
            "user/ann/events/test"
        );
    }

    #[test]
    fn a_name_ends_before_its_first_slash() {
        assert_eq!(name_of("user/ann/events/docker-cli"), "docker-cli");
        assert_eq!(name_of("user/ann/events/a/b"), "a");
        assert_eq!(name_of("user/ann/events/"), "");
    }

    #[test]
    fn what_is_empty_or_no_json_or_too_long_is_no_event() {
        for payload in ["", "{", "{}", "[]", "null", "0", "false", "\"\""] {
            assert_eq!(read(payload.as_bytes()), None, "{payload}");
        }
        assert_eq!(read(br#"{"foo": 2}"#), Some(json!({ "foo": 2 })));
        assert_eq!(read(b"1"), Some(json!(1)));
        let long = format!("\"{}\"", "x".repeat(LONGEST));
        assert_eq!(read(long.as_bytes()), None);
    }
}
