//! A value that cannot be printed.
//!
//! Passwords, keys and tokens travel through the process in this type, so that a log line, an
//! error, `pierhead config print` or a `Debug` dump can never show one by accident.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::problem::{At, Found, Sink};
use crate::setting::{Setting, scalar_text};

/// What is shown instead of a secret.
pub const REDACTED: &str = "<redacted>";

/// A password, key or token. `Debug`, `Display` and `Serialize` show [`REDACTED`];
/// [`Secret::expose`] is the only way to the text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Do not log it, do not put it in an error.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

impl Setting for Secret {
    const SECRET: bool = true;
    const QUOTABLE: bool = false;

    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let text = scalar_text(value).map(Self);
        if text.is_none() {
            sink.problem(at, Found::Redacted, "text (put it in quotes)");
        }
        text
    }

    fn show(&self) -> Value {
        Value::from(REDACTED)
    }

    fn kind() -> String {
        "secret text".to_owned()
    }
}
