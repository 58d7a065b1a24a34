//! Opens the database and the storage locations that the configuration names.

use std::path::Path;
use std::sync::Arc;

use pierhead_config::sections::database::SslMode;
use pierhead_config::{Config, DatabaseUri, PostgresqlUri, StorageDriver};
use pierhead_db::{Database, PgConnectOptions, PgSslMode, PostgresOptions, SqliteOptions};
use pierhead_storage::{LocalDriver, Location, Storage};

use crate::context::StartError;
use crate::settings;
use crate::trust::ExtraCas;

/// Connections to PostgreSQL, unless `DB_CONNECTION_ARGS.max_connections` says otherwise.
const POSTGRES_CONNECTIONS: u32 = 20;

/// Opens `DB_URI`. A file that is not there is made, unless nothing may be written.
pub(crate) async fn database(
    config: &Config,
    directory: Option<&Path>,
) -> Result<Database, StartError> {
    match &config.database.db_uri {
        DatabaseUri::Sqlite(path) => {
            if settings::read_only(config) && !path.is_file() {
                let path = path.display();
                let reason = format!(
                    "DB_URI: {path} is not there, and REGISTRY_STATE: readonly forbids to make it"
                );
                return Err(StartError::Unsupported(reason));
            }
            Ok(Database::sqlite(&SqliteOptions::new(path)).await?)
        }
        DatabaseUri::Postgresql(uri) => {
            Ok(Database::postgres(postgres_options(config, uri, directory)?).await?)
        }
    }
}

fn postgres_options(
    config: &Config,
    uri: &PostgresqlUri,
    directory: Option<&Path>,
) -> Result<PostgresOptions, StartError> {
    let args = &config.database.db_connection_args;
    let mut connect = PgConnectOptions::new()
        .host(&uri.host)
        .port(uri.port)
        .username(&uri.user)
        .database(&uri.database)
        .application_name("pierhead");
    if let Some(password) = &uri.password {
        connect = connect.password(password.expose());
    }
    let parameter = |name: &str| {
        uri.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.expose().to_owned())
    };
    let mode = match (args.sslmode, parameter("sslmode")) {
        (Some(mode), _) => Some(ssl_mode(mode)),
        (None, Some(text)) => Some(text.parse::<PgSslMode>().map_err(|_| {
            StartError::Unsupported(format!("DB_URI: sslmode={text} is not a mode of libpq"))
        })?),
        (None, None) => None,
    };
    if let Some(mode) = mode {
        connect = connect.ssl_mode(mode);
    }
    let bundled = directory
        .map(|directory| directory.join("database.pem"))
        .filter(|path| path.is_file());
    if let Some(root) = args
        .sslrootcert
        .clone()
        .or_else(|| parameter("sslrootcert").map(Into::into))
        .or(bundled)
    {
        // Who names the authorities of the database means these and no others, as libpq does.
        connect = connect.ssl_root_cert(root);
    } else if let Some(authorities) = ExtraCas::read(directory).pem() {
        connect = connect.ssl_root_cert_from_pem(authorities.into_bytes());
    }
    if let Some(cert) = &args.sslcert {
        connect = connect.ssl_client_cert(cert);
    }
    if let Some(key) = &args.sslkey {
        connect = connect.ssl_client_key(key);
    }
    Ok(PostgresOptions {
        connect,
        max_connections: args.max_connections.unwrap_or(POSTGRES_CONNECTIONS).max(2),
    })
}

fn ssl_mode(mode: SslMode) -> PgSslMode {
    match mode {
        SslMode::Disable => PgSslMode::Disable,
        SslMode::Allow => PgSslMode::Allow,
        SslMode::Prefer => PgSslMode::Prefer,
        SslMode::Require => PgSslMode::Require,
        SslMode::VerifyCa => PgSslMode::VerifyCa,
        SslMode::VerifyFull => PgSslMode::VerifyFull,
    }
}

/// Opens every location of `DISTRIBUTED_STORAGE_CONFIG`.
pub(crate) fn storage(config: &Config) -> Result<Storage, StartError> {
    let mut locations = Vec::new();
    for (id, driver) in config.storage.distributed_storage_config.iter() {
        let StorageDriver::Local(args) = driver else {
            // Refused by `settings::unsupported` before.
            continue;
        };
        let driver = LocalDriver::open(id, Path::new(&args.storage_path))?;
        locations.push(Location {
            id: id.to_owned(),
            driver: Arc::new(driver),
        });
    }
    let preference = config
        .storage
        .preference()
        .into_iter()
        .map(ToString::to_string)
        .collect();
    Ok(Storage::new(locations, preference)?)
}
