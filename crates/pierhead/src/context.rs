//! What every subcommand works on: the configuration and the opened database.

use std::path::PathBuf;
use std::sync::Arc;

use pierhead_auth::Clock;
use pierhead_auth::accounts::Accounts;
use pierhead_config::{Config, ConfigError, Loaded, Sources};
use pierhead_db::Database;
use pierhead_db::encoding::field::FieldCipher;
use pierhead_db::encoding::key::DerivedKey;
use pierhead_db::encoding::password::PasswordCipher;
use pierhead_db::enums::Enums;
use pierhead_db::migrate::{self, Outcome};

use crate::cli::Place;
use crate::traces::TracesError;
use crate::{embedded, settings, stores};

/// Why a subcommand cannot begin, or the server ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// No threads.
    #[error("cannot start: {0}")]
    Runtime(#[source] std::io::Error),
    /// The configuration has problems.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The data directory cannot be used.
    #[error(transparent)]
    Data(#[from] embedded::DataError),
    /// The configuration asks for what this version does not do.
    #[error("{0}")]
    Unsupported(String),
    /// A secret cannot be used as a key.
    #[error("{key}: {source}")]
    Key {
        /// Its field.
        key: &'static str,
        /// What is wrong.
        #[source]
        source: pierhead_db::encoding::EncodingError,
    },
    /// The database cannot be opened.
    #[error("the database of DB_URI cannot be opened: {0}")]
    Database(#[from] pierhead_db::Error),
    /// The database cannot be used.
    #[error(transparent)]
    Migrate(#[from] migrate::MigrateError),
    /// Rows of enumeration tables are missing.
    #[error(transparent)]
    Enums(#[from] pierhead_db::enums::EnumsError),
    /// A storage location cannot be opened.
    #[error(transparent)]
    Storage(#[from] pierhead_storage::Error),
    /// There is no signing key.
    #[error(transparent)]
    ServiceKey(#[from] pierhead_auth::ServiceKeyError),
    /// Credentials cannot be checked.
    #[error(transparent)]
    Auth(#[from] pierhead_auth::OpenError),
    /// The server cannot listen.
    #[error(transparent)]
    Http(#[from] pierhead_http::HttpError),
    /// Requests cannot be traced.
    #[error(transparent)]
    Traces(#[from] TracesError),
}

/// An opened installation.
pub(crate) struct Context {
    /// The configuration.
    pub(crate) config: Config,
    /// The directory of `config.yaml`; `None` for the embedded default.
    pub(crate) directory: Option<PathBuf>,
    /// The database.
    pub(crate) db: Database,
    /// What the migration did.
    pub(crate) migration: &'static str,
    /// Names and ids of enumeration rows.
    pub(crate) enums: Arc<Enums>,
    /// Encrypts columns.
    pub(crate) cipher: FieldCipher,
    /// Rules of accounts.
    pub(crate) accounts: Accounts,
}

/// Loads the configuration, or the embedded default.
pub(crate) fn load(place: &Place, listen: Option<&str>) -> Result<Loaded, StartError> {
    let environment = std::env::vars().collect();
    let mut sources = Sources::new(place.config.clone(), environment);
    if sources.find_directory().is_none() {
        let listen = settings::embedded_address(listen)?;
        sources.embedded = Some(embedded::open(&place.data, listen)?);
    }
    Ok(Config::load(&sources)?)
}

impl Context {
    /// Opens the installation, and creates the tables of an empty database.
    pub(crate) async fn open(place: &Place, listen: Option<&str>) -> Result<Self, StartError> {
        Box::pin(Self::open_loaded(load(place, listen)?)).await
    }

    /// The same for a configuration that was loaded before.
    pub(crate) async fn open_loaded(loaded: Loaded) -> Result<Self, StartError> {
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let config = loaded.config;
        let db = stores::database(&config, loaded.directory.as_deref()).await?;
        let migration = match migrate::migrate(&db).await? {
            Outcome::Created => "created the tables of an empty database",
            Outcome::OwnTablesAdded => "added Pierhead's own tables to Quay's",
            Outcome::Current => "the database is current",
        };
        let locations: Vec<String> = config
            .storage
            .distributed_storage_config
            .names()
            .map(ToString::to_string)
            .collect();
        let enums = Arc::new(Enums::load_with_locations(&db, &locations).await?);
        let cipher = FieldCipher::new(&key(
            "DATABASE_SECRET_KEY",
            config.server.database_secret_key.as_ref(),
        )?);
        let passwords = PasswordCipher::new(key("SECRET_KEY", config.server.secret_key.as_ref())?);
        let accounts = Accounts::new(
            db.clone(),
            enums.clone(),
            cipher.clone(),
            passwords,
            settings::accounts(&config),
            Clock::system(),
        );
        Ok(Self {
            config,
            directory: loaded.directory,
            db,
            migration,
            enums,
            cipher,
            accounts,
        })
    }
}

fn key(
    name: &'static str,
    secret: Option<&pierhead_config::Secret>,
) -> Result<DerivedKey, StartError> {
    let secret = secret.ok_or_else(|| {
        StartError::Unsupported(format!(
            "{name} is not set; without it nothing can be decrypted"
        ))
    })?;
    DerivedKey::from_secret(secret.expose()).map_err(|source| StartError::Key { key: name, source })
}

/// The cipher of encrypted passwords.
pub(crate) fn password_cipher(config: &Config) -> Result<PasswordCipher, StartError> {
    Ok(PasswordCipher::new(key(
        "SECRET_KEY",
        config.server.secret_key.as_ref(),
    )?))
}
