//! Search, health, metrics, tracing, diagnostics.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::field::{Mark, object, options, section};
use crate::named::Named;
use crate::network::HttpUrl;
use crate::problem::{At, Found, Sink};
use crate::secret::Secret;
use crate::sections::texts;
use crate::setting::{OneOrMany, Setting};

options! {
    /// The arguments of `HEALTH_CHECKER`.
    HealthCheckerArgs {
        /// AWS access key, to ask for the state of the RDS instance.
        access_key => access_key: Option<Secret> = None;
        /// AWS secret key.
        secret_key => secret_key: Option<Secret> = None;
        /// Name of the RDS instance.
        db_instance => db_instance: Option<String> = None;
        /// AWS region of the RDS instance.
        region => region: String = "us-east-1".into();
        /// Services that the instance check leaves out.
        instance_skips => instance_skips: Vec<String> = texts(&["redis", "storage"]);
    }
}

object! {
    /// `OTEL_CONFIG`: where traces go.
    OtelConfig {
        /// Name of this service in traces.
        service_name => service_name: String = "quay".into();
        /// OTLP endpoint over HTTP.
        endpoint => endpoint: HttpUrl = HttpUrl::fixed("http://jaeger:4318/v1/traces");
        /// Share of requests that are traced, 0 to 1.
        sample_rate => sample_rate: f64 = 0.001;
        /// Dynatrace endpoint, used instead.
        dt_api_url => dt_api_url: Option<HttpUrl> = None;
        /// Dynatrace token.
        dt_api_token => dt_api_token: Option<Secret> = None;
    }
}

/// Namespaces that have their own metric label, with that label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackedNamespaces(pub BTreeMap<String, String>);

impl Setting for TrackedNamespaces {
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        match value {
            Value::Array(_) => Vec::<String>::read(value, at, sink)
                .map(|names| Self(names.into_iter().map(|name| (name.clone(), name)).collect())),
            Value::Object(_) => BTreeMap::read(value, at, sink).map(Self),
            _ => {
                sink.problem(at, Found::value(value), Self::kind());
                None
            }
        }
    }

    fn show(&self) -> Value {
        if self.0.iter().all(|(name, label)| name == label) {
            return self.0.keys().map(String::as_str).collect();
        }
        self.0.show()
    }

    fn kind() -> String {
        "list of text or map to text".to_owned()
    }
}

section! {
    /// Search, health, metrics, tracing and diagnostics.
    Health {
        /// Results on one page of a search.
        SEARCH_RESULTS_PER_PAGE => search_results_per_page: u32 = 10;
        /// Most pages of a search.
        SEARCH_MAX_RESULT_PAGE_COUNT => search_max_result_page_count: u32 = 10;
        /// Health checker and its arguments: `LocalHealthCheck`, `RDSAwareHealthCheck` or `ProductionHealthCheck`.
        HEALTH_CHECKER => health_checker: Named<HealthCheckerArgs> = Named {
            name: "LocalHealthCheck".into(),
            args: HealthCheckerArgs::default(),
        };
        /// A caller that knows it sees more details of the health checks.
        ENABLE_HEALTH_DEBUG_SECRET => enable_health_debug_secret: Option<Secret> = None;
        /// The instance check also checks the preferred storage.
        HEALTH_CHECKER_INSTANCE_CHECK_PREFERRED_STORAGE => health_checker_instance_check_preferred_storage: Option<bool> = None, Mark::Undocumented;
        /// Share of free disk space below which health warns.
        DISKSPACE_HEALTH_WARNING_THRESHOLD => diskspace_health_warning_threshold: f64 = 0.1, Mark::Undocumented;
        /// Share of free disk space below which health fails.
        DISKSPACE_HEALTH_THRESHOLD => diskspace_health_threshold: f64 = 0.01, Mark::Undocumented;
        /// Prefix of metric names.
        PROMETHEUS_NAMESPACE => prometheus_namespace: String = "quay".into();
        /// Push gateway of Quay's processes.
        PROMETHEUS_PUSHGATEWAY_URL => prometheus_pushgateway_url: Option<HttpUrl> = Some(HttpUrl::fixed("http://localhost:9091")), Mark::Ignored("one process needs no push gateway");
        /// Seconds between two counts of the registry-wide metrics.
        GLOBAL_PROMETHEUS_STATS_FREQUENCY => global_prometheus_stats_frequency: u32 = 3600;
        /// Namespaces with their own metric label.
        TRACKED_NAMESPACES => tracked_namespaces: TrackedNamespaces = TrackedNamespaces::default(), Mark::Since("3.18");
        /// Send traces.
        FEATURE_OTEL_TRACING => feature_otel_tracing: bool = false;
        /// Where traces go.
        OTEL_CONFIG => otel_config: Option<OtelConfig> = None;
        /// Paths that are not traced.
        OTEL_TRACING_EXCLUDED_URLS => otel_tracing_excluded_urls: Option<OneOrMany<String>> = None;
        /// `Sentry` sends errors to Sentry.
        EXCEPTION_LOG_TYPE => exception_log_type: String = "FakeSentry".into();
        /// Sentry address of the server.
        SENTRY_DSN => sentry_dsn: Option<Secret> = None;
        /// Sentry address of the console.
        SENTRY_PUBLIC_DSN => sentry_public_dsn: Option<String> = None;
        /// Environment name in Sentry.
        SENTRY_ENVIRONMENT => sentry_environment: String = "production".into();
        /// Share of errors that are sent.
        SENTRY_SAMPLE_RATE => sentry_sample_rate: f64 = 0.1;
        /// Share of traces that are sent.
        SENTRY_TRACES_SAMPLE_RATE => sentry_traces_sample_rate: f64 = 0.1;
        /// Share of profiles that are sent.
        SENTRY_PROFILES_SAMPLE_RATE => sentry_profiles_sample_rate: f64 = 0.1;
        /// `Pyroscope` sends profiles.
        PROFILING_TYPE => profiling_type: String = String::new();
        /// Pyroscope server.
        PYROSCOPE_SERVER_ADDRESS => pyroscope_server_address: Option<HttpUrl> = None;
        /// Name of this service in Pyroscope.
        PYROSCOPE_APPLICATION_NAME => pyroscope_application_name: String = "quay".into();
        /// Trace Quay's green threads.
        GREENLET_TRACING => greenlet_tracing: bool = true, Mark::Ignored("there are no green threads");
    }
}
