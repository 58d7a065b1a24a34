//! Sizes in bytes with a unit: `20G`, `512M`, `1MiB`, `10737418240`.

use std::fmt;

use serde_json::Value;

use crate::problem::{At, Found, Sink};
use crate::setting::{Setting, scalar_text};

/// A number of bytes that keeps the text it was written as. Units are powers of 1024, with or
/// without `B` or `iB`: nginx and Quay read `20G` as 20 · 2^30.
#[derive(Clone, Debug)]
pub struct ByteSize {
    text: String,
    bytes: u64,
}

impl ByteSize {
    /// Whole gibibytes, written as `<n>G`.
    pub fn gibibytes(count: u32) -> Self {
        Self {
            text: format!("{count}G"),
            bytes: u64::from(count) << 30,
        }
    }

    /// Whole mebibytes, written as `<n>MiB`.
    pub fn mebibytes(count: u32) -> Self {
        Self {
            text: format!("{count}MiB"),
            bytes: u64::from(count) << 20,
        }
    }

    /// Plain bytes, written as a number.
    pub fn bytes(bytes: u64) -> Self {
        Self {
            text: bytes.to_string(),
            bytes,
        }
    }

    /// Parses `<digits>[unit]`; none for anything else and for 2^63 bytes or more.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
        let unit = text[digits.len()..].trim().to_ascii_uppercase();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let shift = match unit.as_str() {
            "" | "B" | "BYTES" => 0,
            "K" | "KB" | "KIB" => 10,
            "M" | "MB" | "MIB" => 20,
            "G" | "GB" | "GIB" => 30,
            "T" | "TB" | "TIB" => 40,
            "P" | "PB" | "PIB" => 50,
            _ => return None,
        };
        let bytes = digits
            .parse::<u64>()
            .ok()?
            .checked_mul(1 << shift)
            .filter(|bytes| i64::try_from(*bytes).is_ok())?;
        Some(Self {
            text: text.to_owned(),
            bytes,
        })
    }

    /// The number of bytes.
    pub fn as_bytes(&self) -> u64 {
        self.bytes
    }

    /// The text as it stands in the configuration.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Two sizes are equal if they are equally large, however they are written.
impl PartialEq for ByteSize {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for ByteSize {}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Setting for ByteSize {
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let size = scalar_text(value).and_then(|text| Self::parse(&text));
        if size.is_none() {
            sink.problem(
                at,
                Found::value(value),
                "a size: a whole number and optionally a unit, such as 512M, 20G or 1MiB",
            );
        }
        size
    }

    fn show(&self) -> Value {
        self.text
            .parse::<u64>()
            .map_or_else(|_| Value::from(self.text.as_str()), Value::from)
    }

    fn kind() -> String {
        "size".to_owned()
    }
}
