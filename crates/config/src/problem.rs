//! What is wrong with a configuration, told to the person who has to change it.
//!
//! Reading never stops at the first mistake: every rule adds to a [`Sink`], and the start of the
//! process fails once with all problems. A value is quoted only where it cannot hold a secret:
//! lists and maps are named by their kind, secrets as [`REDACTED`].

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

use crate::secret::REDACTED;

/// Longest part of a wrong value that an error quotes, in characters.
const QUOTED_CHARACTERS: usize = 80;

/// Where a value stands: a top-level key and the way into its nested maps and lists.
#[derive(Clone, Debug)]
pub(crate) struct At(String);

impl At {
    /// The place of a top-level key.
    pub(crate) fn key(key: &str) -> Self {
        Self(key.to_owned())
    }

    /// The place of `key` inside this map.
    #[must_use]
    pub(crate) fn child(&self, key: &str) -> Self {
        Self(format!("{}.{key}", self.0))
    }

    /// The place of an element of this list.
    #[must_use]
    pub(crate) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// Whether the value is a feature flag, which Quay reads by truthiness.
    pub(crate) fn is_feature(&self) -> bool {
        self.0.starts_with("FEATURE_")
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value that was found, in a form that is safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing: a required key is absent.
    Missing,
    /// A secret.
    Redacted,
    /// Only the kind of the value: its content may hold a secret.
    Kind(&'static str),
    /// The value itself, shortened.
    Value(String),
}

impl Found {
    /// The value itself if it is a scalar, the kind of a list or map.
    pub fn value(value: &Value) -> Self {
        match value {
            Value::Array(_) | Value::Object(_) => Self::kind(value),
            scalar => Self::text(&scalar.to_string()),
        }
    }

    /// A text that is known to hold no secret, shortened.
    pub fn text(text: &str) -> Self {
        let mut shown: String = text.chars().take(QUOTED_CHARACTERS).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self::Value(shown)
    }

    /// Only what kind of value it is.
    pub fn kind(value: &Value) -> Self {
        Self::Kind(match value {
            Value::Null => "nothing (null)",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a map",
        })
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Redacted => f.write_str(REDACTED),
            Self::Kind(kind) => f.write_str(kind),
            Self::Value(value) => f.write_str(value),
        }
    }
}

/// One wrong or missing value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, with the path into nested maps: `DISTRIBUTED_STORAGE_CONFIG.default[1].port`.
    pub key: String,
    /// What was found there.
    pub value: Found,
    /// What would be accepted.
    pub allowed: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; allowed: {}", self.key, self.value, self.allowed)
    }
}

/// Something that does not stop the start but that the operator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The key, with the path into nested maps.
    pub key: String,
    /// What is unusual and what follows from it.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

/// Collects what is found while a configuration is read and checked.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    /// Everything that stops the start.
    pub problems: Vec<Problem>,
    /// Everything else worth telling.
    pub warnings: Vec<Warning>,
}

impl Sink {
    /// Records a wrong value.
    pub(crate) fn problem(&mut self, at: &At, value: Found, allowed: impl Into<String>) {
        self.problems.push(Problem {
            key: at.to_string(),
            value,
            allowed: allowed.into(),
        });
    }

    /// Records something worth telling.
    pub(crate) fn warn(&mut self, at: &At, message: impl Into<String>) {
        self.warnings.push(Warning {
            key: at.to_string(),
            message: message.into(),
        });
    }
}

/// Why a configuration could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file of the configuration directory could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `config.yaml` or an override is not YAML or JSON of the right shape.
    #[error("{origin}: {message}")]
    Syntax {
        /// The file or environment variable.
        origin: String,
        /// What is wrong, with the line where known.
        message: String,
    },
    /// No directory was found and no embedded default was offered.
    #[error(
        "no config.yaml found: looked in {looked}; name its directory with --config or QUAYCONF"
    )]
    NotFound {
        /// The places that were tried.
        looked: String,
    },
    /// Values are wrong or missing.
    #[error("{}", list(problems))]
    Invalid {
        /// All of them, in the order of the file's sections.
        problems: Vec<Problem>,
    },
}

fn list(problems: &[Problem]) -> String {
    let mut text = match problems.len() {
        1 => "the configuration has 1 problem:".to_owned(),
        count => format!("the configuration has {count} problems:"),
    };
    for problem in problems {
        text.push_str("\n  ");
        text.push_str(&problem.to_string());
    }
    text
}
