//! What may be shown of a configuration: everything but its secrets.

use std::fmt::Write as _;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::config::Config;
use crate::setting::Setting;

/// The login providers, secrets redacted.
pub(crate) fn show_logins(config: &Config) -> Map<String, Value> {
    config
        .oidc_logins
        .iter()
        .map(|(key, login)| (key.clone(), login.show()))
        .collect()
}

impl Config {
    /// Every field, value or default, with secrets redacted.
    pub fn show(&self) -> Map<String, Value> {
        self.show_sections()
            .into_iter()
            .flat_map(|(_, shown)| shown)
            .collect()
    }

    /// The configuration as text for `pierhead config print`: YAML, one key a line, secrets
    /// redacted, `# default` behind what is not set.
    pub fn print(&self) -> String {
        let mut text = String::new();
        for (title, shown) in self.show_sections() {
            if shown.is_empty() {
                continue;
            }
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str("# ");
            text.push_str(title);
            text.push('\n');
            for (key, value) in shown {
                let mark = if self.is_given(&key) {
                    ""
                } else {
                    "  # default"
                };
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{key}: {value}{mark}");
            }
        }
        text
    }
}

/// Serialises what [`Config::show`] shows.
impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.show().serialize(serializer)
    }
}
