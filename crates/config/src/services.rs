//! Which background services run: `QUAY_SERVICES` and `QUAY_OVERRIDE_SERVICES`.
//!
//! Quay's container starts about forty supervised processes and these two variables choose among
//! them. The same names choose among Pierhead's workers; names that mean nothing here (`nginx`,
//! `memcache`) are accepted silently.

use std::collections::{BTreeMap, BTreeSet};

/// Services that do not run unless they are named.
const OFF_BY_DEFAULT: &[&str] = &["repomirrorworker"];

/// The chosen services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    only: Option<BTreeSet<String>>,
    overrides: BTreeMap<String, bool>,
}

impl Services {
    /// Reads `QUAY_SERVICES` (comma list: only these run) and `QUAY_OVERRIDE_SERVICES` (comma list
    /// of `name=true` and `name=false`). Entries without a usable value are ignored, as in Quay.
    pub fn parse(only: Option<&str>, overrides: Option<&str>) -> Self {
        let names = |text: &str| -> BTreeSet<String> {
            text.split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        };
        Self {
            only: only.map(names).filter(|only| !only.is_empty()),
            overrides: overrides
                .unwrap_or_default()
                .split(',')
                .filter_map(|entry| {
                    let (name, value) = entry.split_once('=')?;
                    let value = match value.trim().to_ascii_lowercase().as_str() {
                        "true" => true,
                        "false" => false,
                        _ => return None,
                    };
                    Some((name.trim().to_owned(), value))
                })
                .collect(),
        }
    }

    /// Whether a service runs, by its name in Quay's container (`gcworker`, `logrotateworker` …).
    pub fn enabled(&self, name: &str) -> bool {
        if let Some(value) = self.overrides.get(name) {
            return *value;
        }
        match &self.only {
            Some(only) => only.contains(name),
            None => !OFF_BY_DEFAULT.contains(&name),
        }
    }
}
