//! Traces by OpenTelemetry, when `FEATURE_OTEL_TRACING` is on: one server span per request, exported by OTLP over HTTP in
//! protobuf, as Quay's `util/metrics/otel.py` does.
//!
//! The span is `request{id=…}` of the server, open from the head of a request to the end of its answer's body;
//! [`requests`] describes it. Only what passes the described router is traced, and only the share `sample_rate`.
//! As in Quay the trace id decides about the share, and a `traceparent` of the client gives the trace id and the
//! parent: its sampled flag does not decide, so a stranger cannot have each of his requests traced.
//!
//! Ended spans wait in a bounded queue (2048, `OTEL_BSP_MAX_QUEUE_SIZE`) for a thread that sends them in batches (512, every
//! 5 s); what does not fit is dropped. So an absent collector costs a request nothing: [`collector`].

mod collector;
mod requests;
#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::{Router, middleware};
use opentelemetry::trace::{SpanBuilder, SpanKind, TraceId, Tracer, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    Sampler, SamplingResult, SdkTracer, SdkTracerProvider, ShouldSample,
};
use pierhead_config::Config;
use rustls::pki_types::CertificateDer;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use self::collector::Collector;
use self::requests::{Requests, Traced};

/// For one attempt to send a batch; what OTLP takes for its exporters.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why there can be no traces.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TracesError {
    /// A pattern is none.
    #[error(
        "OTEL_TRACING_EXCLUDED_URLS: each URL is a regular expression, without look-around: {0}"
    )]
    Excluded(#[from] regex::Error),
    /// The token cannot be sent.
    #[error("OTEL_CONFIG.dt_api_token: holds a character that no HTTP header may have")]
    Token,
    /// TLS cannot be used.
    #[error("OTEL_CONFIG: the client of the collector cannot be made: {0:?}")]
    Client(#[from] reqwest::Error),
    /// The endpoint cannot be used.
    #[error("OTEL_CONFIG: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// The way of spans from requests to the collector.
#[derive(Debug)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    requests: Requests,
}

impl Traces {
    /// Starts exporting, if the configuration asks for it. `authorities` are trusted beside those of the system.
    ///
    /// Must be called inside a Tokio runtime.
    pub(crate) fn start(
        config: &Config,
        authorities: &[CertificateDer<'static>],
    ) -> Result<Option<Self>, TracesError> {
        Self::with_timeout(config, authorities, TIMEOUT)
    }

    fn with_timeout(
        config: &Config,
        authorities: &[CertificateDer<'static>],
        timeout: Duration,
    ) -> Result<Option<Self>, TracesError> {
        let health = &config.health;
        let Some(otel) = health
            .otel_config
            .as_ref()
            .filter(|_| health.feature_otel_tracing)
        else {
            return Ok(None);
        };
        let excluded = health.otel_tracing_excluded_urls.as_ref();
        let requests = Requests::new(excluded.map_or(&[][..], |urls| &urls.0))?;
        // Dynatrace is used when both of its fields are set.
        let dynatrace = otel.dt_api_url.as_ref().zip(otel.dt_api_token.as_ref());
        let (endpoint, token) = match dynatrace {
            Some((url, token)) => {
                let url = url.as_url().as_str().trim_end_matches('/');
                (format!("{url}/v1/traces"), Some(token))
            }
            None => (otel.endpoint.as_url().to_string(), None),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(token, authorities, timeout)?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .build()?;
        let resource = Resource::builder()
            .with_service_name(otel.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(OfRequests(Sampler::TraceIdRatioBased(otel.sample_rate)))
            .with_batch_exporter(exporter)
            .build();
        Ok(Some(Self { provider, requests }))
    }

    /// Takes up the spans of requests, whatever the level of the log is.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let of_requests = filter_fn(|metadata| {
            metadata.is_span()
                && metadata.name() == "request"
                && metadata.target().starts_with("pierhead_http")
        });
        tracing_opentelemetry::layer()
            .with_tracer(ServerTracer(self.provider.tracer("pierhead")))
            // The span begins when its request is described, because before that its parent is not known.
            .with_context_activation(false)
            .with_tracked_inactivity(false)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_filter(of_requests.with_max_level_hint(LevelFilter::INFO))
    }

    /// The router, its requests traced. The server must open their spans.
    pub(crate) fn describe(&self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(
            self.requests.clone(),
            requests::describe,
        ))
    }

    /// Sends what waits, for at most `deadline`; what is left then is lost.
    pub(crate) async fn stop(self, deadline: Duration) {
        let provider = self.provider;
        let flushed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(deadline));
        if let Ok(Err(error)) = flushed.await {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Makes each span one of a server.
struct ServerTracer(SdkTracer);

impl Tracer for ServerTracer {
    type Span = <SdkTracer as Tracer>::Span;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Self::Span {
        self.0
            .build_with_context(builder.with_kind(SpanKind::Server), parent)
    }
}

/// The share of requests that were described. Others are those of excluded URLs and of listeners beside the registry.
#[derive(Clone, Debug)]
struct OfRequests(Sampler);

impl ShouldSample for OfRequests {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[opentelemetry::trace::Link],
    ) -> SamplingResult {
        let described = parent.is_some_and(|context| context.get::<Traced>().is_some());
        let sampler = if described {
            &self.0
        } else {
            &Sampler::AlwaysOff
        };
        sampler.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}
