//! A Redis server as it is configured.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pierhead_config::Secret;
use redis::RedisConnectionInfo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::commands::Commands;
use crate::error::{Error, SetupError};
use crate::subscriber::Subscriber;
use crate::tls::{self, RedisTls};
use crate::{Result, stream};

/// How to reach a server; each names its key in `…_REDIS`.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// `host`.
    pub host: String,
    /// `port`.
    pub port: u16,
    /// `username`.
    pub username: Option<String>,
    /// `password`.
    pub password: Option<Secret>,
    /// `db`.
    pub db: u32,
    /// `ssl` with what belongs to it.
    pub tls: Option<RedisTls>,
}

/// A Redis server. Cheap to clone; nothing is connected until something is asked for.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) address: String,
    pub(crate) info: RedisConnectionInfo,
    pub(crate) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redis").field(&self.0.address).finish()
    }
}

impl Redis {
    /// Reads the files that the settings name. Connects to nothing.
    ///
    /// # Errors
    /// When TLS is asked for and cannot be set up.
    pub fn new(settings: &RedisSettings) -> Result<Self, SetupError> {
        let mut info = RedisConnectionInfo::default()
            .set_db(settings.db.into())
            .set_lib_name("pierhead", env!("CARGO_PKG_VERSION"));
        if let Some(password) = settings.password.as_ref().filter(|one| !one.is_empty()) {
            info = info.set_password(password.expose());
            if let Some(username) = &settings.username {
                info = info.set_username(username);
            }
        }
        let tls = settings.tls.as_ref().map(|tls| {
            let name =
                ServerName::try_from(settings.host.clone()).map_err(|_| SetupError::Host {
                    host: settings.host.clone(),
                })?;
            Ok::<_, SetupError>((Arc::new(tls::client(tls)?), name))
        });
        Ok(Self(Arc::new(Inner {
            address: format!("{}:{}", settings.host, settings.port),
            host: settings.host.clone(),
            port: settings.port,
            info,
            tls: tls.transpose()?,
        })))
    }

    /// Host and port, for messages.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// A connection for commands. `limit` bounds making it, and then each answer.
    pub async fn commands(&self, limit: Duration) -> Result<Commands> {
        self.within(limit, async {
            let stream = stream::connect(&self.0).await?;
            Commands::over(self.clone(), stream, limit).await
        })
        .await
    }

    /// A connection that hears what is published. `limit` bounds making it, and then each answer.
    pub async fn subscriber(&self, limit: Duration) -> Result<Subscriber> {
        self.within(limit, async {
            let stream = stream::connect(&self.0).await?;
            Subscriber::over(self.clone(), stream, limit).await
        })
        .await
    }

    /// Whether the server answers, and whether a key can be written and read: Quay's check of build logs, with its key.
    /// `limit` bounds each step.
    pub async fn check(&self, limit: Duration) -> Result<()> {
        let mut commands = self.commands(limit).await?;
        commands.ping().await?;
        commands.write_and_read("_health").await
    }

    pub(crate) fn info(&self) -> &RedisConnectionInfo {
        &self.0.info
    }

    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        step: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::time::timeout(limit, step).await.unwrap_or_else(|_| {
            Err(Error::TooSlow {
                address: self.0.address.clone(),
                limit,
            })
        })
    }

    pub(crate) fn failed(&self, source: redis::RedisError) -> Error {
        Error::Redis {
            address: self.0.address.clone(),
            source,
        }
    }
}
