//! Where log lines go and what they look like: standard error, as text or (`JSONLOG=true`) one JSON object a line.

use std::sync::Arc;

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
    std::env::var(name).is_ok_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
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

/// Starts logging. `RUST_LOG` wins; else `DEBUGLOG=true`, else `LOGGING_LEVEL` of the environment, else `info`.
/// `traces` get the spans of requests, whatever the level.
pub(crate) fn start(traces: Option<&Traces>) {
    let level = if is_true("DEBUGLOG") {
        "debug".to_owned()
    } else {
        match std::env::var("LOGGING_LEVEL")
            .unwrap_or_default()
            .to_lowercase()
            .as_str()
        {
            "debug" => "debug",
            "warning" | "warn" => "warn",
            "error" | "critical" => "error",
            _ => "info",
        }
        .to_owned()
    };
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("{level},sqlx=warn,hyper=warn,rustls=warn")));
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
