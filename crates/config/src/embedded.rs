//! The default that needs no configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::database_uri::DatabaseUri;
use crate::hostname::ServerHostname;
use crate::problem::Sink;
use crate::secret::Secret;

/// What the default without any configuration needs to know.
#[derive(Clone, Debug)]
pub struct Embedded {
    /// Folder of the database and the blobs.
    pub data_dir: PathBuf,
    /// The address that the server listens on.
    pub listen: SocketAddr,
    /// Signs sessions.
    pub secret_key: Secret,
    /// Encrypts database columns.
    pub database_secret_key: Secret,
}

impl Config {
    /// The default that needs no configuration: SQLite and blobs in one folder.
    pub fn embedded(embedded: &Embedded) -> Self {
        let mut config = Self::default();
        let document = embedded.document();
        // The document is made of values that their own types show, so reading it finds no problem.
        config.take(&document, &mut Sink::default());
        config.database.db_uri = DatabaseUri::sqlite(embedded.data_dir.join("pierhead.db"));
        config.given.insert("DB_URI".to_owned());
        config.server.secret_key = Some(embedded.secret_key.clone());
        config.server.database_secret_key = Some(embedded.database_secret_key.clone());
        config
    }
}

impl Embedded {
    fn document(&self) -> Map<String, Value> {
        let hostname = match self.listen {
            // "Any address" and loopback are reached as localhost.
            address if address.ip().is_unspecified() || address.ip().is_loopback() => {
                format!("localhost:{}", address.port())
            }
            address => address.to_string(),
        };
        let hostname = ServerHostname::parse(&hostname).unwrap_or_default();
        let document = json!({
            "SERVER_HOSTNAME": hostname.as_str(),
            "REGISTRY_TITLE": "Pierhead",
            "REGISTRY_TITLE_SHORT": "Pierhead",
            "SETUP_COMPLETE": true,
            "SECRET_KEY": null,
            "DATABASE_SECRET_KEY": null,
            "DISTRIBUTED_STORAGE_CONFIG": {
                "default": ["LocalStorage", {"storage_path": self.data_dir.join("storage").to_string_lossy()}],
            },
            "DISTRIBUTED_STORAGE_PREFERENCE": ["default"],
            "USERFILES_LOCATION": "default",
            "LOG_ARCHIVE_LOCATION": "default",
            "ACTION_LOG_ARCHIVE_LOCATION": "default",
            "FEATURE_USER_INITIALIZE": true,
            "FEATURE_SPARSE_INDEX": true,
            "FEATURE_MAILING": false,
            "TESTING": false,
        });
        match document {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}
