//! What every subcommand works on: the configuration and the opened database.

use std::path::PathBuf;
use std::sync::Arc;

use pierhead_auth::Clock;
use pierhead_auth::accounts::Accounts;
use pierhead_config::{Config, ConfigError, Embedded, Loaded, Secret, Sources};
use pierhead_db::encoding::field::FieldCipher;
use pierhead_db::encoding::key::DerivedKey;
use pierhead_db::encoding::password::PasswordCipher;
use pierhead_db::enums::Enums;
use pierhead_db::migrate::{self, Found, Outcome};
use pierhead_db::{BoxFuture, Database};

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
    /// Nothing can be called.
    #[error(transparent)]
    Outbound(#[from] pierhead_client::Error),
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
    /// Mail cannot be sent as configured.
    #[error(transparent)]
    Mail(#[from] pierhead_mail::SetupError),
    /// A Redis server cannot be used as configured.
    #[error("{key}.{source}")]
    Redis {
        /// Its field.
        key: &'static str,
        /// What is wrong.
        #[source]
        source: pierhead_redis::SetupError,
    },
    /// Requests cannot be traced.
    #[error(transparent)]
    Traces(#[from] TracesError),
}

/// An opened installation.
pub(crate) struct Context {
    /// The configuration.
    pub(crate) config: Arc<Config>,
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

/// Loads the configuration, or the embedded default, whose data directory is made if it is new.
pub(crate) fn load(place: &Place, listen: Option<&str>) -> Result<Loaded, StartError> {
    load_or(place, || {
        Ok(embedded::open(
            &place.data,
            settings::embedded_address(listen)?,
        )?)
    })
}

/// Loads the configuration to look at it: nothing is made, and the embedded default has no secrets yet.
pub(crate) fn look(place: &Place) -> Result<Loaded, StartError> {
    load_or(place, || {
        Ok(Embedded {
            data_dir: place.data.clone(),
            listen: settings::embedded_address(None)?,
            secret_key: Secret::new("(made at the first start)"),
            database_secret_key: Secret::new("(made at the first start)"),
        })
    })
}

fn load_or(
    place: &Place,
    embedded: impl FnOnce() -> Result<Embedded, StartError>,
) -> Result<Loaded, StartError> {
    let mut sources = Sources::new(place.config.clone(), std::env::vars().collect());
    if sources.find_directory().is_none() {
        sources.embedded = Some(embedded()?);
    }
    Ok(Config::load(&sources)?)
}

impl Context {
    /// Opens the installation, and creates the tables of an empty database.
    ///
    /// Boxed, like the next: a configuration is large, and every subcommand holds this future.
    pub(crate) fn open<'a>(
        place: &'a Place,
        listen: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Self, StartError>> {
        Box::pin(async move { Self::open_loaded(load(place, listen)?).await })
    }

    /// The same for a configuration that was loaded before.
    pub(crate) fn open_loaded(loaded: Loaded) -> BoxFuture<'static, Result<Self, StartError>> {
        Box::pin(Self::open_unboxed(loaded))
    }

    async fn open_unboxed(loaded: Loaded) -> Result<Self, StartError> {
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let config = loaded.config;
        let unsupported = settings::unsupported(&config);
        if !unsupported.is_empty() {
            return Err(StartError::Unsupported(unsupported.join("\n")));
        }
        let mut db = stores::database(&config, loaded.directory.as_deref()).await?;
        let read_only = settings::read_only(&config);
        if std::env::var_os("ENSURE_NO_MIGRATION").is_some()
            && migrate::inspect(&mut db.read().await?).await? == Found::Empty
        {
            return Err(StartError::Unsupported(
                "the database is empty and ENSURE_NO_MIGRATION forbids to create its tables"
                    .to_owned(),
            ));
        }
        let migration = if read_only {
            // Nothing is made or altered: a role that may only read is enough.
            let found = migrate::inspect(&mut db.read().await?).await?;
            match found {
                Found::Empty => {
                    return Err(StartError::Unsupported(
                        "the database is empty and REGISTRY_STATE: readonly forbids to create its tables".to_owned(),
                    ));
                }
                Found::WithoutOwnTables => {
                    db = db.without_own_tables();
                    "left the database as Quay made it"
                }
                Found::Current => "the database is current",
            }
        } else {
            match migrate::migrate(&db).await? {
                Outcome::Created => "created the tables of an empty database",
                Outcome::OwnTablesAdded => "added Pierhead's own tables to Quay's",
                Outcome::Current => "the database is current",
            }
        };
        let enums = if read_only {
            Enums::load(&mut db.read().await?).await?
        } else {
            let names = config.storage.distributed_storage_config.names();
            let locations: Vec<String> = names.map(ToString::to_string).collect();
            Enums::load_with_locations(&db, &locations).await?
        };
        let enums = Arc::new(enums);
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
            config: Arc::new(config),
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
