#![allow(clippy::unwrap_used)]
//! A registry of one route that is served as the real one, and a collector in the same process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::{any, get};
use opentelemetry_http::HttpClient as _;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind as Kind;
use pierhead_config::Sources;
use pierhead_http::{Listener, ListenerKind, Server, ServerOptions, TlsOptions};
use prost::Message as _;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::{Context as LayerContext, SubscriberExt as _};

use super::*;
use crate::trust::ExtraCas;

const MANIFEST: &str = "/v2/acme/app/manifests/latest";

/// The least that a configuration needs, and `yaml`.
fn configuration(yaml: &str) -> Config {
    let directory = TempDir::new().unwrap();
    let text = format!(
        "SECRET_KEY: one\nDATABASE_SECRET_KEY: two\nSETUP_COMPLETE: true\nSERVER_HOSTNAME: registry.example.com\n\
         DB_URI: postgresql://quay:pass@db.example.com/quay\n\
         DISTRIBUTED_STORAGE_CONFIG: {{default: [LocalStorage, {{storage_path: /datastorage/registry}}]}}\n\
         DISTRIBUTED_STORAGE_PREFERENCE: [default]\nBUILDLOGS_REDIS: {{host: redis}}\nUSER_EVENTS_REDIS: {{host: redis}}\n\
         FEATURE_MAILING: false\n{yaml}\n"
    );
    std::fs::write(directory.path().join("config.yaml"), text).unwrap();
    let sources = Sources::new(Some(directory.path().to_owned()), BTreeMap::new());
    Config::load(&sources).unwrap().config
}

/// Everything is traced and goes to `endpoint`.
fn everything(endpoint: &str) -> String {
    format!(
        "FEATURE_OTEL_TRACING: true\nOTEL_CONFIG: {{service_name: quay-east, endpoint: '{endpoint}', sample_rate: 1.0}}"
    )
}

fn options(kind: ListenerKind) -> ServerOptions {
    ServerOptions {
        listeners: vec![Listener::new("http", "127.0.0.1:0".parse().unwrap(), kind)],
        ..ServerOptions::default()
    }
}

/// A server and the address of each listener.
fn bind(options: ServerOptions, router: Router) -> (Server, Vec<String>) {
    let server = Server::bind(options, router).unwrap();
    let addresses = server.addresses();
    let addresses = addresses.map(|(_, address)| address.to_string()).collect();
    (server, addresses)
}

/// Serves until the runtime of the test ends; the address of each listener.
fn serve(options: ServerOptions, router: Router) -> Vec<String> {
    let (server, addresses) = bind(options, router);
    tokio::spawn(server.serve(std::future::pending()));
    addresses
}

/// What a collector was sent.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<(Uri, HeaderMap, ExportTraceServiceRequest)>>>);

impl Sent {
    fn spans(&self) -> Vec<Span> {
        let sent = self.0.lock().unwrap();
        let resources = sent.iter().flat_map(|(_, _, sent)| &sent.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }
}

fn collecting() -> (Sent, Router) {
    async fn take(State(sent): State<Sent>, uri: Uri, headers: HeaderMap, body: bytes::Bytes) {
        let spans = ExportTraceServiceRequest::decode(body).unwrap();
        sent.0.lock().unwrap().push((uri, headers, spans));
    }
    let sent = Sent::default();
    let router = Router::new().fallback(take).with_state(sent.clone());
    (sent, router)
}

/// A collector and its address.
fn collector() -> (Sent, String) {
    let (sent, router) = collecting();
    let address = &serve(options(ListenerKind::Plain), router)[0];
    (sent, format!("http://{address}"))
}

/// A served registry whose spans are taken up on this thread.
struct Site {
    traces: Option<Traces>,
    client: reqwest::Client,
    address: String,
    beside: String,
    serving: JoinHandle<()>,
    terminate: oneshot::Sender<()>,
    _subscriber: DefaultGuard,
}

impl Site {
    fn start(yaml: &str, authorities: &[CertificateDer<'static>]) -> Self {
        Self::with_timeout(yaml, authorities, TIMEOUT)
    }

    fn with_timeout(
        yaml: &str,
        authorities: &[CertificateDer<'static>],
        timeout: Duration,
    ) -> Self {
        let config = configuration(yaml);
        let traces = Traces::with_timeout(&config, authorities, timeout).unwrap();
        let subscriber = tracing_subscriber::registry().with(traces.as_ref().map(Traces::layer));
        let subscriber = tracing::subscriber::set_default(subscriber);
        let router = Router::new()
            .route("/v2/{*path}", any(async || "a manifest"))
            .route(
                "/broken/{token}",
                get(async || StatusCode::INTERNAL_SERVER_ERROR),
            );
        let beside = Listener::new(
            "metrics",
            "127.0.0.1:0".parse().unwrap(),
            ListenerKind::Plain,
        );
        let mut options = options(ListenerKind::Plain);
        options
            .listeners
            .push(beside.with_router(Router::new().route("/metrics", get(async || "metrics"))));
        options.request_spans = traces.is_some();
        let router = match &traces {
            Some(traces) => traces.describe(router),
            None => router,
        };
        let (server, addresses) = bind(options, router);
        let (terminate, terminated) = oneshot::channel();
        let serving = tokio::spawn(server.serve(async {
            let _ = terminated.await;
        }));
        Self {
            traces,
            serving,
            terminate,
            client: reqwest::Client::new(),
            address: addresses[0].clone(),
            beside: addresses[1].clone(),
            _subscriber: subscriber,
        }
    }

    async fn get(&self, target: &str) -> reqwest::Response {
        let url = format!("http://{}{target}", self.address);
        self.client.get(url).send().await.unwrap()
    }

    /// Stops as the real one does: after it everything that was traced has reached the collector, or never will.
    async fn stop(self) {
        self.terminate.send(()).unwrap();
        self.serving.await.unwrap();
        if let Some(traces) = self.traces {
            traces.stop(Duration::from_secs(30)).await;
        }
    }
}

fn attributes(pairs: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| match pair.value.as_ref().unwrap().value.as_ref().unwrap() {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    pairs
        .iter()
        .map(|pair| (pair.key.clone(), text(pair)))
        .collect()
}

#[tokio::test]
async fn a_request_is_one_span_of_a_server_at_the_collector() {
    let (sent, collector) = collector();
    let site = Site::start(&everything(&format!("{collector}/v1/traces")), &[]);
    let answer = site.get(&format!("{MANIFEST}?account=secret")).await;
    let id = answer.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(answer.text().await.unwrap(), "a manifest");
    site.stop().await;

    let [span] = sent.spans().try_into().unwrap();
    assert_eq!(span.name, "GET /v2/{*path}");
    assert_eq!(span.kind(), Kind::Server);
    assert_eq!(span.parent_span_id, Vec::<u8>::new());
    assert!(span.end_time_unix_nano > span.start_time_unix_nano);
    let expected = [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("http.route", "/v2/{*path}"),
        ("id", &id),
        ("url.path", MANIFEST),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(attributes(&span.attributes), expected.into());
    let (uri, _, request) = &sent.0.lock().unwrap()[0];
    assert_eq!(uri.path(), "/v1/traces");
    let resource = request.resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(
        attributes(&resource.attributes)["service.name"],
        "quay-east"
    );
}

#[tokio::test]
async fn a_failed_request_is_an_error_and_its_path_is_not_told() {
    let (sent, collector) = collector();
    let site = Site::start(&everything(&collector), &[]);
    site.get("/broken/secret").await;
    site.stop().await;
    let [span] = sent.spans().try_into().unwrap();
    assert_eq!(span.name, "GET /broken/{token}");
    assert_eq!(span.status.as_ref().unwrap().code, 2);
    assert!(!format!("{span:?}").contains("secret"));
}

#[tokio::test]
async fn the_span_continues_the_trace_of_the_client() {
    let (sent, collector) = collector();
    let site = Site::start(&everything(&collector), &[]);
    let url = format!("http://{}{MANIFEST}", site.address);
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = site.client.get(url).header("traceparent", parent);
    request.send().await.unwrap();
    site.stop().await;
    let [span] = sent.spans().try_into().unwrap();
    let number = |bytes: &[u8]| bytes.iter().fold(0, |n, byte| n << 8 | u128::from(*byte));
    assert_eq!(
        number(&span.trace_id),
        0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c
    );
    assert_eq!(number(&span.parent_span_id), 0xb7ad_6b71_6920_3331);
}

#[tokio::test]
async fn a_client_cannot_have_requests_traced_beyond_the_sample_rate() {
    let (sent, collector) = collector();
    let yaml = everything(&collector).replace("1.0", "0.0");
    let site = Site::start(&yaml, &[]);
    let url = format!("http://{}{MANIFEST}", site.address);
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = site.client.get(url).header("traceparent", parent);
    request.send().await.unwrap();
    site.stop().await;
    assert_eq!(sent.spans(), []);
}

#[tokio::test]
async fn nothing_is_traced_when_the_feature_is_off() {
    let (sent, collector) = collector();
    let yaml = everything(&collector).replace("true", "false");
    let site = Site::start(&yaml, &[]);
    assert!(site.traces.is_none());
    site.get(MANIFEST).await;
    site.stop().await;
    assert_eq!(sent.spans(), []);
}

#[tokio::test]
async fn excluded_urls_and_other_listeners_are_not_traced() {
    let (sent, collector) = collector();
    let yaml = format!(
        "{}\nOTEL_TRACING_EXCLUDED_URLS: 'v2/auth, v2/[^/]+/[^/]+/(tags|blobs)'",
        everything(&collector)
    );
    let site = Site::start(&yaml, &[]);
    for target in ["/v2/auth?service=x", "/v2/acme/app/tags/list", MANIFEST] {
        site.get(target).await;
    }
    let metrics = format!("http://{}/metrics", site.beside);
    let metrics = site.client.get(metrics).send().await.unwrap();
    assert_eq!(metrics.text().await.unwrap(), "metrics");
    site.stop().await;
    let paths: Vec<_> = sent
        .spans()
        .iter()
        .map(|span| attributes(&span.attributes)["url.path"].clone())
        .collect();
    assert_eq!(paths, [MANIFEST]);
}

#[tokio::test]
async fn a_pattern_that_is_no_regular_expression_names_its_key() {
    let yaml = format!(
        "{}\nOTEL_TRACING_EXCLUDED_URLS: 'v2/('",
        everything("http://127.0.0.1:9")
    );
    let error = Traces::start(&configuration(&yaml), &[]).unwrap_err();
    assert!(error.to_string().starts_with("OTEL_TRACING_EXCLUDED_URLS"));
}

#[tokio::test]
async fn dynatrace_gets_its_token_and_nobody_else_sees_it() {
    let (sent, collector) = collector();
    let site = Site::start(
        &format!(
            "FEATURE_OTEL_TRACING: true\nOTEL_CONFIG: {{dt_api_url: '{collector}/api/v2/otlp', dt_api_token: dt0c01.abc, sample_rate: 1}}"
        ),
        &[],
    );
    assert!(!format!("{:?}", site.traces).contains("dt0c01"));
    site.get(MANIFEST).await;
    site.stop().await;
    let (uri, headers, _) = &sent.0.lock().unwrap()[0];
    assert_eq!(uri.path(), "/api/v2/otlp/v1/traces");
    assert_eq!(headers["authorization"], "Api-Token dt0c01.abc");
}

#[tokio::test]
async fn a_collector_that_does_not_answer_slows_neither_requests_nor_the_stop() {
    // Connections are accepted by the kernel and nobody reads from them.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let site = Site::with_timeout(
        &everything(&format!("http://{}", silent.local_addr().unwrap())),
        &[],
        Duration::from_hours(1),
    );
    // More than a batch, so that one is being sent while requests go on.
    let requests = async {
        for _ in 0..600 {
            site.get(MANIFEST).await;
        }
    };
    requests.await;
    site.traces.unwrap().stop(Duration::from_millis(50)).await;
}

#[tokio::test]
async fn a_collector_behind_an_extra_authority_is_reached_and_no_other() {
    let bundle = TempDir::new().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (bundle.path().join("cert"), bundle.path().join("key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::write(bundle.path().join("extra_ca_cert_own"), made.cert.pem()).unwrap();

    let (sent, router) = collecting();
    let mut options = options(ListenerKind::Tls);
    options.tls = Some(TlsOptions::new(certificate, key));
    let address = serve(options, router)[0].replace("127.0.0.1", "localhost");
    let yaml = everything(&format!("https://{address}/v1/traces"));

    let authorities = ExtraCas::read(Some(bundle.path()));
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for (authority, arrived) in [
        (other.cert.der().clone(), 0),
        (authorities.certificates[0].clone(), 1),
    ] {
        let site = Site::start(&yaml, &[authority]);
        site.get(MANIFEST).await;
        site.stop().await;
        assert_eq!(sent.spans().len(), arrived);
    }
}

/// Counts warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &tracing::Event<'_>, _: LayerContext<'_, S>) {
        if event.metadata().target().starts_with("pierhead::traces") {
            let level = event.metadata().level().to_string();
            self.0.lock().unwrap().push(level);
        }
    }
}

#[tokio::test]
async fn a_failing_collector_is_told_of_once_until_it_works_again() {
    let warnings = Warnings::default();
    let subscriber = tracing_subscriber::registry().with(warnings.clone());
    let _subscriber = tracing::subscriber::set_default(subscriber);
    let router = Router::new()
        .route("/good", any(async || ""))
        .route("/bad", any(async || StatusCode::SERVICE_UNAVAILABLE));
    let address = &serve(options(ListenerKind::Plain), router)[0];
    let collector = Collector::new(None, &[], TIMEOUT).unwrap();
    for path in ["good", "bad", "bad", "good", "good", "bad"] {
        let request = http::Request::post(format!("http://{address}/{path}"));
        let request = request.body(bytes::Bytes::new()).unwrap();
        collector.send_bytes(request).await.unwrap();
    }
    assert_eq!(*warnings.0.lock().unwrap(), ["WARN", "INFO", "WARN"]);
}
