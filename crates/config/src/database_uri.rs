//! `DB_URI`, read by the grammar of the library that Quay uses: `engine://user:password@host:port/name?parameters`,
//! where user and password are percent-encoded and the password may hold anything but `@`.

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::problem::{At, Found, Sink};
use crate::secret::{REDACTED, Secret};
use crate::setting::Setting;

const POSTGRESQL_PORT: u16 = 5432;

const ALLOWED: &str = "postgresql://user:password@host:port/name, sqlite:///relative/path or sqlite:////absolute/path";

/// The address of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUri {
    /// A PostgreSQL server.
    Postgresql(PostgresqlUri),
    /// A SQLite file; relative paths are relative to the working directory.
    Sqlite(PathBuf),
}

/// A PostgreSQL address, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresqlUri {
    /// Host name, address, or the folder of a Unix socket.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User name.
    pub user: String,
    /// Password, if one is written.
    pub password: Option<Secret>,
    /// Name of the database.
    pub database: String,
    /// Parameters after `?`, in order: driver arguments such as `sslmode`.
    pub parameters: Vec<(String, Secret)>,
}

/// Why an address is refused. Says nothing of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUriError {
    /// `mysql://` and its variants.
    #[error("MySQL is not supported: move the database to PostgreSQL first")]
    Mysql,
    /// Anything else.
    #[error("{ALLOWED}")]
    Malformed,
}

impl DatabaseUri {
    /// A SQLite file.
    pub fn sqlite(path: impl AsRef<Path>) -> Self {
        Self::Sqlite(path.as_ref().to_path_buf())
    }

    /// Parses an address.
    pub fn parse(text: &str) -> Result<Self, DatabaseUriError> {
        let (scheme, rest) = text
            .trim()
            .split_once("://")
            .ok_or(DatabaseUriError::Malformed)?;
        match scheme {
            "postgresql" | "postgresql+psycopg2" | "postgres" => postgresql(rest)
                .map(Self::Postgresql)
                .ok_or(DatabaseUriError::Malformed),
            "sqlite" => {
                let path = rest.split('?').next().unwrap_or_default();
                match path.strip_prefix('/') {
                    Some(path) if !path.is_empty() => Ok(Self::sqlite(path)),
                    _ => Err(DatabaseUriError::Malformed),
                }
            }
            mysql if mysql.starts_with("mysql") || mysql.starts_with("mariadb") => {
                Err(DatabaseUriError::Mysql)
            }
            _ => Err(DatabaseUriError::Malformed),
        }
    }

    /// The address as it may be shown.
    fn shown(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:///{}", path.display()),
            Self::Postgresql(uri) => {
                let password = if uri.password.is_some() {
                    format!(":{REDACTED}")
                } else {
                    String::new()
                };
                let parameters: Vec<String> = uri
                    .parameters
                    .iter()
                    .map(|(key, _)| format!("{key}={REDACTED}"))
                    .collect();
                let question = if parameters.is_empty() { "" } else { "?" };
                let host = if uri.host.contains(':') {
                    format!("[{}]", uri.host)
                } else {
                    uri.host.clone()
                };
                format!(
                    "postgresql://{}{password}@{host}:{}/{}{question}{}",
                    uri.user,
                    uri.port,
                    uri.database,
                    parameters.join("&")
                )
            }
        }
    }
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

fn postgresql(rest: &str) -> Option<PostgresqlUri> {
    let (user, password, rest) = match rest.split_once('@') {
        // An `@` after the path began belongs to the path or the parameters, unless a password
        // with a raw slash stands before it.
        Some((credentials, rest)) if credentials.contains(':') || !credentials.contains('/') => {
            let (user, password) = match credentials.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (credentials, None),
            };
            (decode(user)?, password.map(decode), rest)
        }
        _ => (String::new(), None, rest),
    };
    let password = match password {
        None => None,
        Some(decoded) => Some(Secret::new(decoded?)),
    };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, query),
        None => (rest, ""),
    };
    let (address, database) = rest.split_once('/')?;
    if database.is_empty() {
        return None;
    }
    let (host, port) = match address.strip_prefix('[') {
        Some(bracketed) => {
            let (host, port) = bracketed.split_once(']')?;
            (host, port.strip_prefix(':').unwrap_or_default())
        }
        None => address.split_once(':').unwrap_or((address, "")),
    };
    let port = match port {
        "" => POSTGRESQL_PORT,
        port => port.parse().ok()?,
    };
    let mut host = host.to_owned();
    let mut parameters = Vec::new();
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if key == "host" && host.is_empty() {
            host = value.into_owned();
        } else {
            parameters.push((key.into_owned(), Secret::new(value)));
        }
    }
    if host.is_empty() {
        "localhost".clone_into(&mut host);
    }
    Some(PostgresqlUri {
        host,
        port,
        user,
        password,
        database: decode(database)?,
        parameters,
    })
}

impl fmt::Display for DatabaseUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Setting for DatabaseUri {
    const QUOTABLE: bool = false;

    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let parsed = value
            .as_str()
            .ok_or(DatabaseUriError::Malformed)
            .and_then(Self::parse);
        match parsed {
            Ok(uri) => Some(uri),
            Err(error) => {
                sink.problem(at, Found::Redacted, error.to_string());
                None
            }
        }
    }

    fn show(&self) -> Value {
        Value::from(self.shown())
    }

    fn kind() -> String {
        "database address".to_owned()
    }
}
