//! Quay's durations: `10m`, `2w`, `0s`.

use std::fmt;

use serde_json::Value;

use crate::problem::{At, Found, Sink};
use crate::setting::Setting;

/// A length of time that keeps the text it was written as, because Quay's API and console show
/// and compare that text. Units: `s`, `m` (minutes), `h`, `d`, `w` and `y` (365 days).
#[derive(Clone, Debug)]
pub struct Duration {
    text: String,
    seconds: u64,
}

impl Duration {
    /// A duration of whole seconds, written as `<n>s`.
    pub fn seconds(count: u32) -> Self {
        Self::of(count, 's', 1)
    }

    /// A duration of whole minutes, written as `<n>m`.
    pub fn minutes(count: u32) -> Self {
        Self::of(count, 'm', 60)
    }

    /// A duration of whole hours, written as `<n>h`.
    pub fn hours(count: u32) -> Self {
        Self::of(count, 'h', 3600)
    }

    /// A duration of whole days, written as `<n>d`.
    pub fn days(count: u32) -> Self {
        Self::of(count, 'd', 86_400)
    }

    /// A duration of whole weeks, written as `<n>w`.
    pub fn weeks(count: u32) -> Self {
        Self::of(count, 'w', 604_800)
    }

    fn of(count: u32, unit: char, seconds: u64) -> Self {
        Self {
            text: format!("{count}{unit}"),
            seconds: u64::from(count) * seconds,
        }
    }

    /// Parses `<digits><unit>`; none for anything else or for more than 2^63 seconds.
    pub fn parse(text: &str) -> Option<Self> {
        let unit = match text.chars().last()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            'y' => 365 * 86_400,
            _ => return None,
        };
        let digits = &text[..text.len() - 1];
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let seconds = digits
            .parse::<u64>()
            .ok()?
            .checked_mul(unit)
            .filter(|seconds| i64::try_from(*seconds).is_ok())?;
        Some(Self {
            text: text.to_owned(),
            seconds,
        })
    }

    /// The length in seconds.
    pub fn as_secs(&self) -> u64 {
        self.seconds
    }

    /// The length as the standard library has it.
    pub fn as_std(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.seconds)
    }

    /// The text as it stands in the configuration.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Two durations are equal if they are equally long, however they are written.
impl PartialEq for Duration {
    fn eq(&self, other: &Self) -> bool {
        self.seconds == other.seconds
    }
}

impl Eq for Duration {}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Setting for Duration {
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let duration = value.as_str().and_then(Self::parse);
        if duration.is_none() {
            sink.problem(
                at,
                Found::value(value),
                "a duration: digits and one of s, m, h, d, w, such as 2w",
            );
        }
        duration
    }

    fn show(&self) -> Value {
        Value::from(self.text.as_str())
    }

    fn kind() -> String {
        "duration".to_owned()
    }
}
