//! The JSON object in `logentry3.metadata_json`, written straight into one buffer: each pull makes one.

use std::sync::Arc;

/// A JSON object whose keys are written in the order in which they come.
#[derive(Debug)]
pub(super) struct Metadata {
    json: String,
}

impl Metadata {
    /// An empty object.
    pub(super) fn new() -> Self {
        let mut json = String::with_capacity(320);
        json.push('{');
        Self { json }
    }

    /// Adds a text.
    pub(super) fn text(&mut self, key: &'static str, value: &str) {
        self.key(key);
        let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
        if value.bytes().all(plain) {
            self.json.push('"');
            self.json.push_str(value);
            self.json.push('"');
        } else {
            let quoted = serde_json::Value::from(value).to_string();
            self.json.push_str(&quoted);
        }
    }

    /// Adds `true`.
    pub(super) fn flag(&mut self, key: &'static str) {
        self.key(key);
        self.json.push_str("true");
    }

    /// Adds `null`.
    pub(super) fn nothing(&mut self, key: &'static str) {
        self.key(key);
        self.json.push_str("null");
    }

    /// The object as it is stored.
    pub(super) fn finish(mut self) -> Arc<str> {
        self.json.push('}');
        self.json.into()
    }

    /// Keys are ours and need no escape.
    fn key(&mut self, key: &'static str) {
        if self.json.len() > 1 {
            self.json.push(',');
        }
        self.json.push('"');
        self.json.push_str(key);
        self.json.push_str("\":");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_object_reads_as_what_was_put_in() {
        let texts = [
            "plain",
            "",
            "quo\"te",
            "back\\slash",
            "line\nfeed\u{7f}\u{1}",
            "Grüße, 世界 🦀",
        ];
        for text in texts {
            let mut metadata = Metadata::new();
            metadata.text("repo", "app");
            metadata.text("user-agent", text);
            metadata.flag("is_robot");
            metadata.nothing("useragent");
            let written = metadata.finish();
            let read: Value = serde_json::from_str(&written).unwrap();
            let expected =
                json!({"repo": "app", "user-agent": text, "is_robot": true, "useragent": null});
            assert_eq!(read, expected, "{written}");
        }
        assert_eq!(&*Metadata::new().finish(), "{}");
    }
}
