//! Where log lines go and what they look like: standard error, as text or (`JSONLOG=true`) one JSON object a line.

use tracing_subscriber::EnvFilter;

/// Starts logging. `RUST_LOG` wins; else `DEBUGLOG=true`, else `LOGGING_LEVEL` of the environment, else `info`.
pub(crate) fn start() {
    let is_true = |name: &str| {
        std::env::var(name).is_ok_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
    };
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
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second start, as in tests, changes nothing.
    let _ = if is_true("JSONLOG") {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.with_ansi(false).try_init()
    };
}
