//! Rules that look at more than one field, or at the files beside `config.yaml`.
//!
//! They are the rules of Quay's config-tool that need no network. In Quay's container that tool
//! runs before the server and stops it, unless the environment has `IGNORE_VALIDATION`; so its rules
//! are problems here, and warnings under `IGNORE_VALIDATION`. What the server cannot run without is
//! a problem in any case, and what it runs well without is a warning in any case.

mod access;
mod data;
mod features;
mod server;

use std::path::Path;

use crate::config::Config;
use crate::problem::{At, Found, Sink};

/// Checks what single fields cannot.
pub(crate) fn validate(config: &Config, directory: Option<&Path>, sink: &mut Sink) {
    let mut rules = Rules {
        config,
        directory,
        lenient: config.environment.ignore_validation.is_some(),
        sink,
    };
    server::check(&mut rules);
    data::check(&mut rules);
    access::check(&mut rules);
    features::check(&mut rules);
}

/// The configuration under check and where findings go.
pub(crate) struct Rules<'a> {
    config: &'a Config,
    directory: Option<&'a Path>,
    lenient: bool,
    sink: &'a mut Sink,
}

impl Rules<'_> {
    /// Refuses: the server cannot run like this.
    fn refuse(&mut self, at: &At, found: Found, allowed: impl Into<String>) {
        self.sink.problem(at, found, allowed);
    }

    /// Expects, as config-tool does: a problem, or a warning under `IGNORE_VALIDATION`.
    fn expect(&mut self, valid: bool, at: &At, found: Found, allowed: &str) {
        if valid {
            return;
        }
        if self.lenient {
            self.sink.warn(at, format!("{found}; expected: {allowed}"));
        } else {
            self.sink.problem(at, found, allowed);
        }
    }

    /// Expects an optional value to be there.
    fn expect_given<T>(&mut self, value: Option<&T>, at: &At, reason: &str) {
        self.expect(value.is_some(), at, Found::Missing, reason);
    }

    /// Tells something unusual.
    fn warn(&mut self, at: &At, message: impl Into<String>) {
        self.sink.warn(at, message);
    }

    /// Whether a key was written in `config.yaml` or an override.
    fn given(&self, key: &str) -> bool {
        self.config.is_given(key)
    }

    /// Whether the configuration directory has `extra_ca_certs` or other entries whose names begin with `extra_ca`.
    fn has_extra_authorities(&self) -> bool {
        self.directory
            .and_then(|directory| directory.read_dir().ok())
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| {
                entry
                    .file_name()
                    .as_encoded_bytes()
                    .starts_with(b"extra_ca")
            })
    }

    /// Whether a file of the configuration directory exists.
    fn has_file(&self, name: &str) -> bool {
        self.directory
            .is_some_and(|directory| directory.join(name).is_file())
    }
}
