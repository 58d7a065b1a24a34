//! What a span tells of its request, by OpenTelemetry's semantic conventions of HTTP servers: method, route, status, and for
//! `/v2` the path; the request's id is in it from its beginning. Never a query, a header or another path: those can hold secrets.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use pierhead_http::{ForwardedHost, Peer};
use regex::RegexSet;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// In the parent context of a span: its request is to be traced.
#[derive(Debug)]
pub(super) struct Traced;

/// Which requests are traced.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    excluded: RegexSet,
}

impl Requests {
    /// Leaves out requests whose URL matches one of `excluded`: as in Quay, regular expressions separated by commas that are
    /// searched in the whole URL.
    pub(super) fn new(excluded: &[String]) -> Result<Self, regex::Error> {
        let patterns = excluded
            .iter()
            .flat_map(|list| list.split(','))
            .map(str::trim)
            .filter(|pattern| !pattern.is_empty());
        Ok(Self {
            excluded: RegexSet::new(patterns)?,
        })
    }

    fn excludes(&self, request: &Request) -> bool {
        !self.excluded.is_empty() && self.excluded.is_match(&url(request))
    }
}

/// The URL that the client asked for.
fn url(request: &Request) -> String {
    let extensions = request.extensions();
    let secure = extensions.get::<Peer>().is_some_and(|peer| peer.secure);
    let scheme = if secure { "https" } else { "http" };
    let host = extensions
        .get::<ForwardedHost>()
        .map(|host| &host.0)
        .or_else(|| request.headers().get(header::HOST))
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().host())
        .unwrap_or_default();
    let target = request.uri().path_and_query();
    let target = target.map_or("/", |target| target.as_str());
    format!("{scheme}://{host}{target}")
}

/// Describes the span that the server opened for the request.
pub(super) async fn describe(
    State(requests): State<Requests>,
    request: Request,
    next: Next,
) -> Response {
    if requests.excludes(&request) {
        return next.run(request).await;
    }
    let span = Span::current();
    let parent = TraceContextPropagator::new()
        .extract_with_context(&Context::new(), &HeaderExtractor(request.headers()));
    // Refused only where the subscriber is not ours, and then there are no traces.
    if span.set_parent(parent.with_value(Traced)).is_err() {
        return next.run(request).await;
    }
    let context = span.context();
    let otel = context.span();
    if !otel.is_recording() {
        return next.run(request).await;
    }
    let method = known(request.method());
    otel.set_attribute(KeyValue::new("http.request.method", method));
    let path = request.uri().path();
    if path.starts_with("/v2/") {
        otel.set_attribute(KeyValue::new("url.path", path.to_owned()));
    }
    if let Some(route) = request.extensions().get::<MatchedPath>() {
        otel.update_name(format!("{method} {}", route.as_str()));
        otel.set_attribute(KeyValue::new("http.route", route.as_str().to_owned()));
    } else {
        otel.update_name(method);
    }
    let response = next.run(request).await;
    let status = response.status();
    otel.set_attribute(KeyValue::new(
        "http.response.status_code",
        i64::from(status.as_u16()),
    ));
    if status.is_server_error() {
        otel.set_status(Status::error(""));
    }
    response
}

/// The method, or `_OTHER` for what a client made up.
fn known(method: &Method) -> &'static str {
    const NAMES: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE",
    ];
    NAMES
        .into_iter()
        .find(|name| *name == method.as_str())
        .unwrap_or("_OTHER")
}
