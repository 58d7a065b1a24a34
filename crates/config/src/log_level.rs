//! Python's log levels.

use serde_json::Value;

use crate::problem::{At, Found, Sink};
use crate::setting::Setting;

/// `LOGGING_LEVEL`: the least serious events that are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// `DEBUG`; also `NOTSET`, which hides nothing.
    Debug,
    /// `INFO`.
    Info,
    /// `WARNING`, `WARN`.
    Warning,
    /// `ERROR`; also `CRITICAL` and `FATAL`: nothing here is more serious than an error.
    Error,
}

impl LogLevel {
    /// Python's name of the level.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }

    /// Reads a name of Python, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_uppercase().as_str() {
            "DEBUG" | "NOTSET" => Some(Self::Debug),
            "INFO" => Some(Self::Info),
            "WARNING" | "WARN" => Some(Self::Warning),
            "ERROR" | "CRITICAL" | "FATAL" => Some(Self::Error),
            _ => None,
        }
    }
}

impl Setting for LogLevel {
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let level = value.as_str().and_then(Self::parse);
        if level.is_none() {
            sink.problem(at, Found::value(value), Self::kind());
        }
        level
    }

    fn show(&self) -> Value {
        Value::from(self.as_str())
    }

    fn kind() -> String {
        "one of `DEBUG`, `INFO`, `WARNING`, `ERROR`, `CRITICAL`".to_owned()
    }
}
