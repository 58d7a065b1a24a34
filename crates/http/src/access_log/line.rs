//! Access lines written without a `tracing` subscriber: a third of its cost, one `write` per batch.
//!
//! Names and order of the fields are those of the `tracing` event, and the JSON has the shape that
//! `tracing-subscriber`'s has, so a collector reads both alike.

use std::io::Write as _;
use std::time::{Instant, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};

use super::Record;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFormat {
    /// `2026-01-31T10:00:00.000000Z  INFO access: method="GET" path="/v2/" …`
    Text,
    /// One JSON object.
    Json,
}

impl LineFormat {
    /// Appends one line.
    pub(super) fn write(self, line: &mut Vec<u8>, record: &Record) {
        let ended =
            SystemTime::now().checked_sub(Instant::now().saturating_duration_since(record.ended));
        let time = DateTime::<Utc>::from(ended.unwrap_or(SystemTime::UNIX_EPOCH));
        let time = time.to_rfc3339_opts(SecondsFormat::Micros, true);
        let (start, assign, next, end): (_, &str, &str, &[u8]) = match self {
            Self::Text => (format!("{time}  INFO access: "), "=", " ", b"\n"),
            Self::Json => {
                let start = format!(r#"{{"timestamp":"{time}","level":"INFO","fields":{{""#);
                (start, "\":", ",\"", b"},\"target\":\"access\"}\n")
            }
        };
        line.extend_from_slice(start.as_bytes());
        let mut first = true;
        record.fields(|name, value| {
            if !std::mem::take(&mut first) {
                line.extend_from_slice(next.as_bytes());
            }
            line.extend_from_slice(name.as_bytes());
            line.extend_from_slice(assign.as_bytes());
            match value {
                Value::Text(text) => quote(line, text),
                // Writing to memory cannot fail.
                Value::Number(number) => drop(write!(line, "{number}")),
                Value::Float(number) => drop(write!(line, "{number}")),
                Value::Bool(truth) => drop(write!(line, "{truth}")),
            }
        });
        line.extend_from_slice(end);
    }
}

/// A field's value.
pub(super) enum Value<'a> {
    Text(&'a str),
    Number(u64),
    Float(f64),
    Bool(bool),
}

/// Writes a string as JSON does, which no byte can leave: a client cannot forge a line or a field.
fn quote(line: &mut Vec<u8>, text: &str) {
    line.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => line.extend_from_slice(&[b'\\', byte]),
            0..0x20 | 0x7f => drop(write!(line, "\\u{byte:04x}")),
            _ => line.push(byte),
        }
    }
    line.push(b'"');
}
