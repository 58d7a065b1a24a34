//! The Redis servers that the configuration names, and what goes through them.

use std::path::PathBuf;
use std::sync::Arc;

use pierhead_config::{Config, RedisConnection};
use pierhead_events::UserEvents;
use pierhead_jobs::{CancellationToken, TaskTracker};
use pierhead_metrics::Metrics;
use pierhead_redis::{Redis, RedisSettings, RedisTls, Verify};

use crate::context::StartError;
use crate::trust::ExtraCas;

/// The field of user events.
const USER_EVENTS: &str = "USER_EVENTS_REDIS";

/// The servers that `/health/endtoend` asks for: the one of build logs, which Quay asks, and the one of user events.
pub(crate) fn servers(config: &Config, authorities: &ExtraCas) -> Result<Vec<Redis>, StartError> {
    let buildlogs = config.redis.buildlogs();
    let events = config
        .redis
        .user_events()
        .filter(|events| config.redis.feature_user_events && buildlogs.as_ref() != Some(events));
    [("BUILDLOGS_REDIS", buildlogs), (USER_EVENTS, events)]
        .into_iter()
        .filter_map(|(key, connection)| Some(server(key, &connection?, authorities)))
        .collect()
}

/// User events, with `FEATURE_USER_EVENTS`: through Redis if the configuration names one, else in this process. The workers
/// end after `stop` is cancelled.
pub(crate) fn user_events(
    config: &Config,
    authorities: &ExtraCas,
    metrics: &Arc<Metrics>,
    stop: &CancellationToken,
) -> Result<(Option<UserEvents>, TaskTracker), StartError> {
    let no_workers = TaskTracker::new();
    no_workers.close();
    if !config.redis.feature_user_events {
        return Ok((None, no_workers));
    }
    let (events, workers) = match config.redis.user_events() {
        Some(connection) => {
            let redis = server(USER_EVENTS, &connection, authorities)?;
            UserEvents::over(redis, stop)
        }
        None => (UserEvents::in_process(), no_workers),
    };
    let counted = events.clone();
    metrics.on_exposition(move |metrics| {
        let dropped = &metrics.user_events_dropped;
        dropped.inc_by(counted.dropped().saturating_sub(dropped.get()));
        let streams = i64::try_from(counted.subscriptions()).unwrap_or(i64::MAX);
        metrics.user_event_streams.set(streams);
    });
    Ok((Some(events), workers))
}

fn server(
    key: &'static str,
    connection: &RedisConnection,
    authorities: &ExtraCas,
) -> Result<Redis, StartError> {
    let settings = RedisSettings {
        host: connection.host.clone(),
        port: connection.port,
        username: connection.username.clone(),
        password: connection.password.clone(),
        db: connection.db,
        tls: connection.ssl.then(|| tls(connection, authorities)),
    };
    Redis::new(&settings).map_err(|source| StartError::Redis { key, source })
}

fn tls(connection: &RedisConnection, authorities: &ExtraCas) -> RedisTls {
    let nothing = |wanted: &str| {
        let wanted = wanted.to_ascii_lowercase();
        matches!(wanted.as_str(), "none" | "cert_none")
    };
    let verify = if connection.ssl_cert_reqs.as_deref().is_some_and(nothing) {
        Verify::Nothing
    } else if connection.ssl_check_hostname == Some(false) {
        Verify::Authority
    } else {
        Verify::Name
    };
    let path = |path: &Option<String>| path.as_ref().map(PathBuf::from);
    RedisTls {
        verify,
        ca_file: path(&connection.ssl_ca_certs),
        ca_folder: path(&connection.ssl_ca_path),
        ca_data: connection.ssl_ca_data.clone(),
        certificate_file: path(&connection.ssl_certfile),
        key_file: path(&connection.ssl_keyfile),
        extra_authorities: authorities
            .certificates
            .iter()
            .map(|certificate| certificate.to_vec())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_checked_unless_the_configuration_says_otherwise() {
        let verify = |reqs: Option<&str>, hostname| {
            let connection = RedisConnection {
                ssl: true,
                ssl_cert_reqs: reqs.map(str::to_owned),
                ssl_check_hostname: hostname,
                ..RedisConnection::default()
            };
            tls(&connection, &ExtraCas::default()).verify
        };
        assert_eq!(verify(None, None), Verify::Name);
        assert_eq!(verify(Some("required"), Some(true)), Verify::Name);
        assert_eq!(verify(Some("optional"), Some(false)), Verify::Authority);
        assert_eq!(verify(Some("none"), Some(true)), Verify::Nothing);
    }
}
