//! The `config.yaml` of a small Quay installation.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::{Error, Result};

/// Every key that Quay requires except those that name services and the host.
pub(super) fn fields(storage: &Path) -> Map<String, Value> {
    let Value::Object(fields) = json!({
        "SETUP_COMPLETE": true,
        "TESTING": false,
        "PREFERRED_URL_SCHEME": "http",
        "AUTHENTICATION_TYPE": "Database",
        "SECRET_KEY": "7b6dbb4e-92a6-4a44-a4b4-6cb1e3b1c1aa",
        "DATABASE_SECRET_KEY": "f2a6fb0f-8d5e-4cf1-9a7c-2f8f5d4c6e10",
        "DISTRIBUTED_STORAGE_CONFIG": {
            "default": ["LocalStorage", { "storage_path": storage.join("registry") }]
        },
        "DISTRIBUTED_STORAGE_DEFAULT_LOCATIONS": ["default"],
        "DISTRIBUTED_STORAGE_PREFERENCE": ["default"],
        "DEFAULT_TAG_EXPIRATION": "2w",
        "TAG_EXPIRATION_OPTIONS": ["0s", "1d", "1w", "2w", "4w"],
        "FEATURE_USER_INITIALIZE": true,
        "FEATURE_MAILING": false,
        "BROWSER_API_CALLS_XHR_ONLY": false,
        "SUPER_USERS": ["devel"],
    }) else {
        unreachable!("an object literal")
    };
    fields
}

pub(super) fn sqlite(fields: &mut Map<String, Value>, file: &Path) {
    fields.insert(
        "DB_URI".to_owned(),
        format!("sqlite:///{}", file.display()).into(),
    );
}

pub(super) fn redis(fields: &mut Map<String, Value>, port: u16) {
    for key in ["BUILDLOGS_REDIS", "USER_EVENTS_REDIS"] {
        fields.insert(key.to_owned(), json!({ "host": "127.0.0.1", "port": port }));
    }
}

/// Changes keys of a `config.yaml`.
pub(super) fn change(stack: &Path, changes: Map<String, Value>) -> Result<()> {
    let path = stack.join("config.yaml");
    let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    let mut fields: Map<String, Value> = serde_saphyr::from_str(&text)
        .map_err(|error| Error::unexpected(format!("config.yaml cannot be read: {error}")))?;
    fields.extend(changes);
    write(stack, &fields)
}

/// Writes `config.yaml` into the configuration folder.
pub(super) fn write(stack: &Path, fields: &Map<String, Value>) -> Result<()> {
    let text = serde_saphyr::to_string(fields)
        .map_err(|error| Error::unexpected(format!("config.yaml cannot be written: {error}")))?;
    let path = stack.join("config.yaml");
    fs::write(&path, text).map_err(Error::io("write", &path))
}
