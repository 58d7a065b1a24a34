//! Rules that look at more than one field.

use std::path::Path;

use crate::config::Config;
use crate::problem::{At, Found, Sink};

/// Checks what single fields cannot.
pub(crate) fn validate(config: &Config, directory: Option<&Path>, sink: &mut Sink) {
    let _ = directory;
    storage(config, sink);
}

fn storage(config: &Config, sink: &mut Sink) {
    let locations = &config.storage.distributed_storage_config;
    let mut check = |key: &str, ids: &[String]| {
        for (index, id) in ids.iter().enumerate() {
            if !locations.contains(id) {
                sink.problem(
                    &At::key(key).index(index),
                    Found::text(id),
                    "an id of DISTRIBUTED_STORAGE_CONFIG",
                );
            }
        }
    };
    if let Some(preference) = &config.storage.distributed_storage_preference {
        check("DISTRIBUTED_STORAGE_PREFERENCE", preference);
    }
    check(
        "DISTRIBUTED_STORAGE_DEFAULT_LOCATIONS",
        &config.storage.distributed_storage_default_locations,
    );
}
