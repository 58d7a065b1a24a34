//! What the server is told: plain structs, filled by whoever reads a configuration.

use std::sync::Arc;
use std::time::Duration;

use crate::access_log::AccessLog;
use crate::exchange::Observer;
use crate::listen::ListenAddress;
use crate::peer::TrustedProxies;
use crate::tls::TlsOptions;

/// Everything [`crate::Server::bind`] needs beside the router.
#[derive(Clone)]
pub struct ServerOptions {
    /// Where to listen, and how each listener speaks.
    pub listeners: Vec<Listener>,
    /// Certificate and versions; needed when a listener speaks TLS.
    pub tls: Option<TlsOptions>,
    /// Bounds of time, size and number.
    pub limits: Limits,
    /// Which peers may speak for a client.
    pub trusted_proxies: TrustedProxies,
    /// Headers added to each answer.
    pub security_headers: SecurityHeaders,
    /// One line per request; `None` writes none.
    pub access_log: Option<AccessLog>,
    /// Told of each answer, for metrics.
    pub observer: Option<Arc<dyn Observer>>,
    /// Whether each request runs inside a `tracing` span `request{id=…}`. Costs a span per request;
    /// [`crate::current_request_id`] gives the id to a log formatter without one.
    pub request_spans: bool,
}

impl Default for ServerOptions {
    /// No listener, no log, default limits, nobody trusted.
    fn default() -> Self {
        Self {
            listeners: Vec::new(),
            tls: None,
            limits: Limits::default(),
            trusted_proxies: TrustedProxies::default(),
            security_headers: SecurityHeaders::default(),
            access_log: None,
            observer: None,
            request_spans: true,
        }
    }
}

/// One place to listen.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Names the listener in messages: `http`, `https`, `metrics` …
    pub name: &'static str,
    /// Address families and port, or one explicit address.
    pub address: ListenAddress,
    /// How it speaks.
    pub kind: ListenerKind,
    /// A router of its own instead of the server's, and its own share of connections (metrics).
    pub router: Option<axum::Router>,
}

impl Listener {
    /// A listener for the server's router.
    pub fn new(name: &'static str, address: ListenAddress, kind: ListenerKind) -> Self {
        Self {
            name,
            address,
            kind,
            router: None,
        }
    }

    /// Serves `router` here instead of the server's.
    #[must_use]
    pub fn with_router(mut self, router: axum::Router) -> Self {
        self.router = Some(router);
        self
    }
}

/// How a listener speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenerKind {
    /// HTTP/1.1, and HTTP/2 with prior knowledge.
    Plain,
    /// As `Plain`, but each request is answered with 301 to the same path by https.
    RedirectToHttps {
        /// Host and port of the target (`SERVER_HOSTNAME`); without it the request's host, port dropped.
        authority: Option<String>,
    },
    /// TLS; HTTP/1.1 or HTTP/2 by ALPN.
    Tls,
    /// A PROXY protocol header (version 1 or 2), then TLS. A connection without the header is refused.
    ProxyTls,
    /// A PROXY protocol header, then HTTP without TLS: behind a balancer that ends TLS.
    ProxyPlain,
}

impl ListenerKind {
    pub(crate) fn tls(&self) -> bool {
        matches!(self, Self::Tls | Self::ProxyTls)
    }

    pub(crate) fn proxy_header(&self) -> bool {
        matches!(self, Self::ProxyTls | Self::ProxyPlain)
    }
}

/// Every bound of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte of a request (or from accepting) to the end of its head; 30 s.
    pub header_read: Duration,
    /// PROXY header and TLS handshake together; 10 s.
    pub handshake: Duration,
    /// Between two requests on a connection; 75 s, as nginx.
    pub keep_alive_idle: Duration,
    /// Without a byte of a request body; 60 s.
    pub request_body_idle: Duration,
    /// Without the client reading a byte of an answer that waits; 300 s.
    pub response_stall: Duration,
    /// Bytes of a request's head (line and headers); more is answered with 431; 64 KiB. HTTP/1 accepts at
    /// least 8 KiB, whatever is set.
    pub header_bytes: usize,
    /// Connections at a time over all listeners of the server's router. More wait in the kernel's queue.
    pub connections: usize,
    /// Connections at a time of each listener that has a router of its own; 64.
    pub extra_connections: usize,
    /// Requests at a time on one HTTP/2 connection; 128.
    pub http2_streams: u32,
    /// How long a stop waits for requests that are under way; 30 s. Then they are cut off.
    pub drain: Duration,
    /// How long a stop waits for clients to take the rest of answers that have no end of their own ([`crate::Endless`]); 5 s.
    /// It does not wait for one that has not taken what was written already.
    pub farewell: Duration,
    /// Connections that the kernel completes before they are accepted; 4096.
    pub backlog: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_read: Duration::from_secs(30),
            handshake: Duration::from_secs(10),
            keep_alive_idle: Duration::from_secs(75),
            request_body_idle: Duration::from_mins(1),
            response_stall: Duration::from_mins(5),
            header_bytes: 64 * 1024,
            connections: 10_000,
            extra_connections: 64,
            http2_streams: 128,
            drain: Duration::from_secs(30),
            farewell: Duration::from_secs(5),
            backlog: 4096,
        }
    }
}

/// Headers added to each answer that does not have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityHeaders {
    /// `X-Frame-Options: DENY`, as Quay's front proxy sends.
    pub deny_frames: bool,
    /// `X-Content-Type-Options: nosniff`.
    pub no_sniff: bool,
    /// `Strict-Transport-Security: max-age=63072000; preload` on TLS connections, as Quay's front proxy sends.
    pub strict_transport: bool,
}

impl Default for SecurityHeaders {
    fn default() -> Self {
        Self {
            deny_frames: true,
            no_sniff: true,
            strict_transport: true,
        }
    }
}
