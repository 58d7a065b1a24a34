//! Families, forwarded addresses, and several listeners at once.

use axum::routing::get;
use axum::{Extension, Router};
use pierhead_http::{
    ForwardedHost, HttpError, IpFamilies, ListenAddress, Listener, ListenerKind, Peer, Server,
    ServerOptions, TrustedProxies,
};

use crate::running::{Client, Running};

fn router() -> Router {
    let who = |Extension(peer): Extension<Peer>, host: Option<Extension<ForwardedHost>>| async move {
        let host = host.map(|Extension(ForwardedHost(host))| host.to_str().unwrap().to_owned());
        format!(
            "{} {} {}",
            peer.address,
            peer.secure,
            host.unwrap_or_default()
        )
    };
    Router::new().route("/", get(who))
}

fn listen(families: IpFamilies) -> Result<Running, HttpError> {
    let address = ListenAddress::Any { families, port: 0 };
    let listeners = vec![Listener::new("http", address, ListenerKind::Plain)];
    Running::try_start(
        ServerOptions {
            listeners,
            ..ServerOptions::default()
        },
        router(),
    )
}

async fn reaches(server: &Running, host: &str) -> Option<String> {
    let address = format!("{host}:{}", server.address.port()).parse().unwrap();
    tokio::net::TcpStream::connect(address).await.ok()?;
    Some(
        Client::connect(address)
            .await
            .get("/")
            .await
            .text()
            .trim()
            .to_owned(),
    )
}

#[tokio::test]
async fn ipv4_listens_on_ipv4_only() {
    let server = listen(IpFamilies::V4).unwrap();
    assert_eq!(
        reaches(&server, "127.0.0.1").await.as_deref(),
        Some("127.0.0.1 false")
    );
    assert_eq!(reaches(&server, "[::1]").await, None);
}

/// A machine without IPv6 must get the message that names the field; one with IPv6 must be reachable.
#[tokio::test]
async fn ipv6_and_dual_stack_listen_where_they_say_or_name_the_field() {
    for (families, v4) in [
        (IpFamilies::V6, None),
        (IpFamilies::Dual, Some("127.0.0.1 false")),
    ] {
        match listen(families) {
            Ok(server) => {
                assert_eq!(
                    reaches(&server, "[::1]").await.as_deref(),
                    Some("::1 false")
                );
                assert_eq!(reaches(&server, "127.0.0.1").await.as_deref(), v4);
            }
            Err(error) => {
                assert!(
                    !std::path::Path::new("/proc/net/if_inet6").exists(),
                    "IPv6 is there, but: {error}"
                );
                assert!(
                    error.to_string().contains("FEATURE_LISTEN_IP_VERSION"),
                    "{error}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_port_in_use_is_reported_with_listener_and_address() {
    let server = Running::plain(router());
    let address = ListenAddress::Explicit(vec![server.address]);
    let listeners = vec![Listener::new("http", address, ListenerKind::Plain)];
    let error = Server::bind(
        ServerOptions {
            listeners,
            ..ServerOptions::default()
        },
        router(),
    )
    .err()
    .unwrap();
    let message = error.to_string();
    assert!(
        message.contains("listener http") && message.contains(&server.address.to_string()),
        "{message}"
    );
    assert!(
        message.contains("another process listens there"),
        "{message}"
    );
}

#[tokio::test]
async fn forwarded_headers_count_only_from_trusted_networks() {
    let headers = "X-Forwarded-For: 6.6.6.6, 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: quay.example\r\n";
    let ask = async |networks: &[&str]| {
        let networks = networks
            .iter()
            .map(|network| network.parse().unwrap())
            .collect();
        let trusted_proxies = TrustedProxies { networks, hops: 1 };
        let options = ServerOptions {
            trusted_proxies,
            ..ServerOptions::default()
        };
        let server = Running::start(ListenerKind::Plain, options, router());
        server
            .connect()
            .await
            .get_with("/", headers)
            .await
            .text()
            .to_owned()
    };
    assert_eq!(ask(&["127.0.0.0/8"]).await, "203.0.113.7 true quay.example");
    assert_eq!(ask(&[]).await, "127.0.0.1 false ");
}

#[tokio::test]
async fn a_listener_may_have_a_router_of_its_own() {
    let local: ListenAddress = "127.0.0.1:0".parse().unwrap();
    let metrics = Router::new().route("/metrics", get(|| async { "numbers" }));
    let listeners = vec![
        Listener::new("http", local.clone(), ListenerKind::Plain),
        Listener::new("metrics", local, ListenerKind::Plain).with_router(metrics),
    ];
    let server = Running::start_all(
        ServerOptions {
            listeners,
            ..ServerOptions::default()
        },
        router(),
    );
    assert_eq!(server.connect().await.get("/metrics").await.status, 404);
    let (name, address) = server.addresses[1];
    assert_eq!(name, "metrics");
    assert_eq!(
        Client::connect(address).await.get("/metrics").await.text(),
        "numbers"
    );
}
