//! The client against a real server on the loopback interface.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Redirect;
use axum::routing::{get, post};
use pierhead_client::{AddressGuard, Client, Error, Limits, Lookup, Outgoing, Refused, Transport};
use pierhead_config::AllowedHost;

/// A name service that moves a name after the first question: what DNS rebinding does.
struct Rebinding {
    asked: AtomicUsize,
    first: IpAddr,
    then: IpAddr,
}

#[async_trait::async_trait]
impl Lookup for Rebinding {
    async fn lookup(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(vec![if asked == 0 { self.first } else { self.then }])
    }
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn loopback_allowed() -> AddressGuard {
    AddressGuard::public_only(&[AllowedHost::Network("127.0.0.1/32".parse().unwrap())])
}

fn client(guard: AddressGuard) -> Client {
    let limits = Limits {
        total: Duration::from_secs(5),
        body: 1000,
        redirects: 2,
        ..Limits::default()
    };
    Client::new(guard, limits).unwrap()
}

/// A server whose count of requests can be asked.
async fn server() -> (SocketAddr, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    let app = Router::new()
        .route("/document", get(async || r#"{"issuer": "here"}"#))
        .route("/text", get(async || "no json"))
        .route("/large", get(async || "x".repeat(1001)))
        .route("/broken", get(async || axum::http::StatusCode::BAD_GATEWAY))
        .route(
            "/to-document",
            get(async || Redirect::temporary("/document")),
        )
        .route("/loop", get(async || Redirect::temporary("/loop")))
        .route(
            "/away",
            get(async |State(port): State<u16>| {
                Redirect::temporary(&format!("http://127.0.0.2:{port}/document"))
            }),
        )
        .route("/never", get(async || std::future::pending::<&str>().await))
        .route(
            "/echo",
            post(async |headers: HeaderMap, body: String| {
                let kind = headers["content-type"].to_str().unwrap().to_owned();
                format!("{kind} {body}")
            }),
        )
        .layer(axum::middleware::from_fn(
            move |request, next: axum::middleware::Next| {
                counted.fetch_add(1, Ordering::SeqCst);
                next.run(request)
            },
        ));
    // Every loopback address, so that a request to 127.0.0.2 would arrive too.
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app.with_state(port)).await });
    (SocketAddr::new(LOOPBACK, port), requests)
}

#[tokio::test]
async fn a_document_is_fetched_from_an_allowed_host_only() {
    let (address, requests) = server().await;
    let url = format!("http://{address}/document");

    let refused = client(AddressGuard::public_only(&[]))
        .send(Outgoing::get(&url))
        .await;
    assert!(refused.unwrap_err().is_blocked());
    assert_eq!(requests.load(Ordering::SeqCst), 0);

    let found: serde_json::Value = client(loopback_allowed()).get_json(&url).await.unwrap();
    assert_eq!(found["issuer"], "here");
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_checked() {
    let (address, requests) = server().await;
    let names = Arc::new(Rebinding {
        asked: AtomicUsize::new(0),
        first: LOOPBACK,
        then: OTHER,
    });
    let client = client(loopback_allowed().with_lookup(names.clone()));
    let url = format!("http://name.example.com:{}/document", address.port());

    // The name is asked once for the call; what it means afterwards does not matter to it.
    client.get_json::<serde_json::Value>(&url).await.unwrap();
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);

    // A configured URL that has moved to a forbidden address is refused when it is called.
    let moved = Arc::new(Rebinding {
        asked: AtomicUsize::new(0),
        first: LOOPBACK,
        then: OTHER,
    });
    let client = self::client(loopback_allowed().with_lookup(moved));
    client.guard().resolve_url(&url).await.unwrap();
    let before = requests.load(Ordering::SeqCst);
    let refused = client.send(Outgoing::get(&url)).await.unwrap_err();
    assert!(
        matches!(refused, Error::Refused(Refused::Blocked { .. })),
        "{refused}"
    );
    assert_eq!(requests.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn redirects_are_counted_and_pass_the_guard() {
    let (address, requests) = server().await;
    let client = client(loopback_allowed());
    let url = |path: &str| format!("http://{address}/{path}");

    client
        .get_json::<serde_json::Value>(&url("to-document"))
        .await
        .unwrap();

    let before = requests.load(Ordering::SeqCst);
    let refused = client.send(Outgoing::get(url("away"))).await.unwrap_err();
    assert!(refused.is_blocked(), "{refused}");
    assert_eq!(requests.load(Ordering::SeqCst), before + 1);

    let before = requests.load(Ordering::SeqCst);
    let answer = client.send(Outgoing::get(url("loop"))).await.unwrap();
    assert_eq!(answer.status, 307);
    assert_eq!(requests.load(Ordering::SeqCst), before + 3);
}

#[tokio::test]
async fn an_answer_that_is_too_large_too_late_or_not_json_is_an_error_that_names_the_url() {
    let (address, _) = server().await;
    let url = |path: &str| format!("http://{address}/{path}?secret=hidden");
    let client = client(loopback_allowed());

    let error = client.send(Outgoing::get(url("large"))).await.unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { limit: 1000, .. }),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        format!("http://{address}/large answered with more than 1000 bytes")
    );

    let error = client
        .get_json::<serde_json::Value>(&url("text"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotJson { .. }), "{error}");

    let error = client
        .get_json::<serde_json::Value>(&url("broken"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Status { status: 502, .. }),
        "{error}"
    );

    let hasty = Limits {
        total: Duration::from_millis(50),
        ..Limits::default()
    };
    let hasty = Client::new(loopback_allowed(), hasty).unwrap();
    let error = hasty.send(Outgoing::get(url("never"))).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert!(!error.to_string().contains("hidden"), "{error}");
}

#[tokio::test]
async fn a_body_is_posted_with_its_media_type() {
    let (address, _) = server().await;
    let json = HeaderValue::from_static("application/json");
    let outgoing = Outgoing::post(format!("http://{address}/echo"), json, r#"{"a":1}"#);
    let answer = client(loopback_allowed()).send(outgoing).await.unwrap();
    assert_eq!(answer.body, r#"application/json {"a":1}"#);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_failure_without_credentials_in_its_text() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let guard =
        AddressGuard::webhooks(&[AllowedHost::Network("127.0.0.0/8".parse().unwrap())], &[]);
    let url = format!("http://ann:password@127.0.0.3:{port}/hook?token=hidden");
    let error = client(guard).send(Outgoing::get(url)).await.unwrap_err();
    assert!(matches!(error, Error::Failed { .. }), "{error}");
    let text = format!("{error} {error:?}");
    assert!(
        !text.contains("password") && !text.contains("hidden"),
        "{text}"
    );
}

/// A proxy that answers every request itself with the URL it was asked for.
async fn proxy() -> SocketAddr {
    let app = Router::new().fallback(async |uri: axum::http::Uri| format!("proxied {uri}"));
    let listener = tokio::net::TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn a_configured_proxy_is_used_for_what_it_is_configured_for() {
    let proxy = proxy().await;
    let (server, requests) = server().await;
    let transport = Transport {
        http_proxy: Some(format!("http://{proxy}")),
        no_proxy: Some("127.0.0.1".to_owned()),
        ..Transport::default()
    };
    let allowed = AddressGuard::public_only(&[
        AllowedHost::Network("127.0.0.1/32".parse().unwrap()),
        AllowedHost::Name("source.example.com".to_owned()),
    ])
    .with_lookup(Arc::new(Rebinding {
        asked: AtomicUsize::new(0),
        first: LOOPBACK,
        then: LOOPBACK,
    }));
    let client = Client::with_transport(allowed, Limits::default(), &transport).unwrap();
    let url = "http://source.example.com/document";
    let answer = client.send(Outgoing::get(url)).await.unwrap();
    assert_eq!(answer.body, format!("proxied {url}"));
    let direct = format!("http://{server}/text");
    let answer = client.send(Outgoing::get(direct)).await.unwrap();
    assert_eq!(answer.body, "no json");
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_proxy_passes_the_guard_and_so_does_what_is_behind_it() {
    let proxy = proxy().await;
    let transport = Transport {
        http_proxy: Some(format!("http://{proxy}")),
        ..Transport::default()
    };
    let public = AddressGuard::public_only(&[]);
    let error = Client::with_transport(public, Limits::default(), &transport).unwrap_err();
    assert!(error.is_blocked(), "{error}");
    let client = Client::with_transport(loopback_allowed(), Limits::default(), &transport).unwrap();
    let error = client.send(Outgoing::get("http://10.0.0.1/")).await;
    assert!(error.unwrap_err().is_blocked());
}

#[tokio::test]
async fn an_error_tells_whether_tls_was_the_reason() {
    let (address, _) = server().await;
    let client = client(loopback_allowed());
    // The server speaks no TLS.
    let wrong = client
        .send(Outgoing::get(format!("https://{address}/document")))
        .await;
    let tls = wrong.unwrap_err().tls();
    assert!(tls.is_some());
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = format!("http://{}/", closed.local_addr().unwrap());
    drop(closed);
    let refused = client.send(Outgoing::get(nowhere)).await.unwrap_err();
    assert!(matches!(refused, Error::Failed { .. }), "{refused}");
    assert_eq!(refused.tls(), None);
}
