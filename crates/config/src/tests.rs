#![allow(clippy::unwrap_used, clippy::panic, clippy::format_push_string)]

mod fields;
mod loading;
mod published;
mod scalars;
mod secrets;
mod services;
mod storage;
mod uris;
mod validation;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tempfile::TempDir;

use crate::{Config, ConfigError, Embedded, Loaded, Problem, Secret, Sources};

/// A real configuration of Quay 3.18.
const QUAY: &str = include_str!("../testdata/quay-3.18.yaml");

/// The least that a configuration needs.
const MINIMAL: &str = "
SECRET_KEY: one
DATABASE_SECRET_KEY: two
SETUP_COMPLETE: true
SERVER_HOSTNAME: registry.example.com
DB_URI: postgresql://quay:pass@db.example.com/quay
DISTRIBUTED_STORAGE_CONFIG: {default: [LocalStorage, {storage_path: /datastorage/registry}]}
DISTRIBUTED_STORAGE_PREFERENCE: [default]
BUILDLOGS_REDIS: {host: redis}
USER_EVENTS_REDIS: {host: redis}
FEATURE_MAILING: false
";

struct Bundle(TempDir);

impl Bundle {
    fn new(yaml: &str) -> Self {
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("config.yaml"), yaml).unwrap();
        Self(directory)
    }

    /// The least that is needed and these keys, which win.
    fn minimal_and(yaml: &str) -> Self {
        let key = |line: &str| line.split(':').next().unwrap().to_owned();
        let given: Vec<String> = yaml.lines().map(key).collect();
        let kept: Vec<&str> = MINIMAL
            .lines()
            .filter(|line| !given.contains(&key(line)))
            .collect();
        Self::new(&format!("{}\n{yaml}", kept.join("\n")))
    }

    fn file(self, name: &str) -> Self {
        std::fs::write(self.0.path().join(name), "").unwrap();
        self
    }

    fn sources(&self, environment: &[(&str, &str)]) -> Sources {
        Sources::new(Some(self.0.path().to_owned()), variables(environment))
    }

    fn try_load(&self) -> Result<Loaded, ConfigError> {
        Config::load(&self.sources(&[]))
    }

    fn load(&self) -> Loaded {
        self.try_load().unwrap()
    }

    fn problems(&self) -> Vec<Problem> {
        match self.try_load() {
            Err(ConfigError::Invalid { problems }) => problems,
            other => panic!("expected problems, got {other:?}"),
        }
    }
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn embedded() -> Embedded {
    Embedded {
        data_dir: "/var/lib/pierhead".into(),
        listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
        secret_key: Secret::new("session"),
        database_secret_key: Secret::new("columns"),
    }
}
