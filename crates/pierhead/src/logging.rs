//! Where log lines go and what they look like: standard error, as text or (`JSONLOG=true`) one JSON object a line.

use std::sync::Arc;

use pierhead_config::{Config, LogLevel};
use pierhead_http::{AccessLog, AccessLogOptions, LineFormat};
use pierhead_metrics::{Build, Metrics};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::traces::Traces;

/// What is running.
pub(crate) const BUILD: Build = Build {
    version: env!("CARGO_PKG_VERSION"),
    revision: "",
};

fn is_true(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| means_true(&value))
}

fn means_true(value: &str) -> bool {
    value.eq_ignore_ascii_case("true") || value == "1"
}

/// Starts the access log: one line per request on standard error, unless `ACCESS_LOG=false`.
pub(crate) fn access_log(metrics: &Arc<Metrics>) -> std::io::Result<Option<AccessLog>> {
    if std::env::var("ACCESS_LOG").is_ok_and(|value| value.eq_ignore_ascii_case("false")) {
        return Ok(None);
    }
    let format = if is_true("JSONLOG") {
        LineFormat::Json
    } else {
        LineFormat::Text
    };
    let log = AccessLog::start_writing(AccessLogOptions::default(), format, std::io::stderr())?;
    let dropped = log.clone();
    metrics.on_exposition(move |metrics| {
        let counter = &metrics.access_log_dropped;
        counter.inc_by(dropped.dropped().saturating_sub(counter.get()));
    });
    Ok(Some(log))
}

/// The level of a configuration: `DEBUGLOG=true`, else `LOGGING_LEVEL` of the environment, else of `config.yaml`.
pub(crate) fn level(config: &Config) -> LogLevel {
    let environment = &config.environment;
    if environment.debuglog.as_deref().is_some_and(means_true) {
        LogLevel::Debug
    } else {
        environment
            .logging_level
            .unwrap_or(config.server.logging_level)
    }
}

/// What is logged at a level, unless `RUST_LOG` says so: libraries only warn.
fn filter(level: LogLevel) -> EnvFilter {
    let level = match level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warning => "warn",
        LogLevel::Error => return EnvFilter::new("error"),
    };
    EnvFilter::new(format!("{level},sqlx=warn,hyper=warn,rustls=warn"))
}

/// Starts logging at this level; `RUST_LOG` wins over it. `traces` get the spans of requests, whatever the level.
pub(crate) fn start(level: LogLevel, traces: Option<&Traces>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| filter(level));
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = if is_true("JSONLOG") {
        lines.json().flatten_event(true).boxed()
    } else {
        lines.with_ansi(false).boxed()
    };
    // A second start, as in tests, changes nothing.
    let _ = tracing_subscriber::registry()
        .with(traces.map(Traces::layer))
        .with(lines.with_filter(filter))
        .try_init();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use pierhead_config::Sources;

    use super::*;

    /// The level of a `config.yaml` and an environment.
    fn level_of(yaml: &str, environment: &[(&str, &str)]) -> LogLevel {
        let directory = tempfile::tempdir().unwrap();
        let least = "DATABASE_SECRET_KEY: two\nSERVER_HOSTNAME: registry.example.com\nDB_URI: sqlite:////data/quay.db\nDISTRIBUTED_STORAGE_CONFIG: {default: [LocalStorage, {storage_path: /datastorage/registry}]}\nDISTRIBUTED_STORAGE_PREFERENCE: [default]\nBUILDLOGS_REDIS: {host: redis}\nUSER_EVENTS_REDIS: {host: redis}\nFEATURE_MAILING: false\n";
        std::fs::write(
            directory.path().join("config.yaml"),
            format!("{least}{yaml}"),
        )
        .unwrap();
        let variables = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let sources = Sources::new(Some(directory.path().to_owned()), variables);
        level(&Config::load(&sources).unwrap().config)
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_default_is_info() {
        assert_eq!(level_of("", &[]), LogLevel::Info);
        assert_eq!(level_of("LOGGING_LEVEL: ERROR", &[]), LogLevel::Error);
        let environment = [("LOGGING_LEVEL", "warning")];
        assert_eq!(
            level_of("LOGGING_LEVEL: ERROR", &environment),
            LogLevel::Warning
        );
        let environment = [("LOGGING_LEVEL", "warning"), ("DEBUGLOG", "true")];
        assert_eq!(
            level_of("LOGGING_LEVEL: ERROR", &environment),
            LogLevel::Debug
        );
        let environment = [("DEBUGLOG", "false")];
        assert_eq!(
            level_of("LOGGING_LEVEL: ERROR", &environment),
            LogLevel::Error
        );
    }

    #[test]
    fn libraries_say_no_more_than_they_must() {
        assert_eq!(
            filter(LogLevel::Debug).to_string(),
            "rustls=warn,hyper=warn,sqlx=warn,debug"
        );
        assert_eq!(filter(LogLevel::Error).to_string(), "error");
    }
}
