//! How a configuration is put together from its sources.

use std::path::PathBuf;

use serde_json::{Map, json};

use crate::config::Config;
use crate::environment::Environment;
use crate::problem::{ConfigError, Sink, Warning};
use crate::sections::server::Scheme;
use crate::sources::{Sources, read_file, read_override};
use crate::validate::validate;

/// A configuration with what was learnt while loading it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The directory that it came from; none for the embedded default. Certificates, CA files and
    /// keys of the bundle are in the same directory.
    pub directory: Option<PathBuf>,
    /// What does not stop the start but should be told once.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// Loads, checks and returns the configuration of these sources.
    ///
    /// Later layers win, each replacing whole top-level keys: built-in defaults, `config.yaml` (or the
    /// embedded default), `QUAY_OVERRIDE_CONFIG`, `QUAY_DISTRIBUTED_STORAGE_PREFERENCE`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] lists every wrong value at once.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
        let mut sink = Sink::default();
        let environment = Environment::read(&sources.environment, &mut sink);
        let directory = sources.find_directory();
        let (mut config, mut document) = match (&directory, &sources.embedded) {
            (Some(directory), _) => (Self::default(), read_file(directory, &mut sink.warnings)?),
            (None, Some(embedded)) => (Self::embedded(embedded), Map::new()),
            (None, None) => {
                return Err(ConfigError::NotFound {
                    looked: sources.looked(),
                });
            }
        };
        if let Some(text) = &environment.quay_override_config {
            document.extend(read_override(text.expose())?);
        }
        if let Some(ids) = &environment.quay_distributed_storage_preference {
            let ids: Vec<&str> = ids.split_whitespace().collect();
            document.insert("DISTRIBUTED_STORAGE_PREFERENCE".to_owned(), json!(ids));
        }
        config.adopt(environment);
        config.take(&document, &mut sink);
        config.harden();
        validate(&config, directory.as_deref(), &mut sink);
        if sink.problems.is_empty() {
            Ok(Loaded {
                config,
                directory,
                warnings: sink.warnings,
            })
        } else {
            Err(ConfigError::Invalid {
                problems: sink.problems,
            })
        }
    }

    /// Takes the environment over, with the defaults that depend on it.
    fn adopt(&mut self, environment: Environment) {
        if environment.red_hat_quay.is_some() {
            "Red Hat Quay".clone_into(&mut self.ui.registry_title);
            "Red Hat Quay".clone_into(&mut self.ui.registry_title_short);
        }
        self.environment = environment;
    }

    /// Under https the session cookie is secure, as Quay makes it at start.
    fn harden(&mut self) {
        if self.server.preferred_url_scheme == Scheme::Https
            && !self.server.force_nonsecure_session_cookie
        {
            self.server.session_cookie_secure = true;
        }
    }
}
