//! One connection from its acceptance to its end.
//!
//! PROXY header, TLS handshake, the choice between HTTP/1.1 and HTTP/2, and the timeouts. All of it is one
//! task, which also obeys the server's stop: a connection that is idle ends at once, one with requests under
//! way finishes them, and what is left at the drain deadline is cut off. Answers without an end of their own are not waited
//! for that long.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bytes::{Bytes, BytesMut};
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::activity::{Activity, Expired};
use crate::exchange::{Environment, Exchanges};
use crate::options::{Limits, ListenerKind};
use crate::peer::Peer;
use crate::proxy_protocol;
use crate::socket::Socket;
use crate::tls::Certificates;

/// What a client sends first when it speaks HTTP/2 without TLS (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes a client may have under way per HTTP/2 stream and connection: enough for a fast upload.
const HTTP2_STREAM_WINDOW: u32 = 1024 * 1024;
const HTTP2_CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;
/// The least that hyper lets its buffer be bounded to.
const LEAST_HEADER_BYTES: usize = 8192;
/// How often a stop looks whether the client of an endless answer still reads.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How a listener's connections are served.
#[derive(Clone)]
pub(crate) struct Serving {
    pub(crate) kind: ListenerKind,
    pub(crate) router: Router,
    pub(crate) environment: Arc<Environment>,
    pub(crate) certificates: Option<Arc<Certificates>>,
    pub(crate) stop: CancellationToken,
}

/// Why a connection ended before it spoke HTTP.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Proxy(#[from] proxy_protocol::Invalid),
    #[error("handshake or first request took longer than {} seconds", .0.as_secs_f32())]
    Slow(Duration),
}

enum Protocol {
    Http1,
    Http2,
}

impl Serving {
    /// Serves `tcp` until it ends.
    pub(crate) async fn run(self, tcp: TcpStream, remote: SocketAddr) {
        let stop = self.stop.clone();
        if let Err(error) = self.serve(tcp, remote, &stop).await {
            tracing::debug!(client = %remote.ip().to_canonical(), %error, "a connection was refused");
        }
    }

    async fn serve(
        self,
        mut tcp: TcpStream,
        remote: SocketAddr,
        stop: &CancellationToken,
    ) -> Result<(), Refused> {
        // Answers are written in as few pieces as they have; waiting to coalesce would only delay the last.
        tcp.set_nodelay(true)?;
        let limits = &self.environment.limits;
        let activity = Arc::new(Activity::new());
        let mut address = remote.ip().to_canonical();
        let mut read_ahead = Bytes::new();

        if self.kind.proxy_header() {
            let header = before(stop, limits.handshake, read_proxy_header(&mut tcp)).await?;
            let Some((client, rest)) = header else {
                return Ok(());
            };
            address = client.unwrap_or(address);
            read_ahead = rest;
        }
        match &self.certificates {
            Some(certificates) if self.kind.tls() => {
                let socket = Socket::new(tcp, read_ahead, activity.clone());
                let handshake = TlsAcceptor::from(certificates.current()).accept(socket);
                let Some(stream) =
                    before(stop, limits.handshake, async { Ok(handshake.await?) }).await?
                else {
                    return Ok(());
                };
                let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let protocol = if http2 {
                    Protocol::Http2
                } else {
                    Protocol::Http1
                };
                let exchanges = self.exchanges(
                    Peer {
                        address,
                        secure: true,
                    },
                    activity.clone(),
                    None,
                );
                speak(
                    protocol,
                    TokioIo::new(stream),
                    exchanges,
                    &activity,
                    limits,
                    stop,
                )
                .await;
            }
            _ => {
                let first =
                    before(stop, limits.header_read, read_start(&mut tcp, read_ahead)).await?;
                let Some(read_ahead) = first else {
                    return Ok(());
                };
                let http2 = read_ahead.starts_with(HTTP2_PREFACE);
                let protocol = if http2 {
                    Protocol::Http2
                } else {
                    Protocol::Http1
                };
                let socket = Socket::new(tcp, read_ahead, activity.clone());
                let ranges = Some(socket.ranges());
                let exchanges = self.exchanges(
                    Peer {
                        address,
                        secure: false,
                    },
                    activity.clone(),
                    ranges,
                );
                speak(
                    protocol,
                    TokioIo::new(socket),
                    exchanges,
                    &activity,
                    limits,
                    stop,
                )
                .await;
            }
        }
        Ok(())
    }

    fn exchanges(
        &self,
        connection: Peer,
        activity: Arc<Activity>,
        ranges: Option<Arc<crate::file_body::SendfileRanges>>,
    ) -> Exchanges {
        Exchanges {
            router: self.router.clone(),
            environment: self.environment.clone(),
            activity,
            connection,
            trusted: self.environment.trusted.trusts(connection.address),
            ranges,
        }
    }
}

/// Runs a step that comes before HTTP, bounded by `limit`; `None` when the server stops meanwhile.
async fn before<T>(
    stop: &CancellationToken,
    limit: Duration,
    step: impl Future<Output = Result<T, Refused>>,
) -> Result<Option<T>, Refused> {
    tokio::select! {
        done = timeout(limit, step) => done.map_err(|_| Refused::Slow(limit))?.map(Some),
        () = stop.cancelled() => Ok(None),
    }
}

/// The client that the balancer tells, and what was read behind the header.
async fn read_proxy_header(
    tcp: &mut TcpStream,
) -> Result<(Option<std::net::IpAddr>, Bytes), Refused> {
    let mut bytes = BytesMut::with_capacity(512);
    loop {
        if let Some(header) = proxy_protocol::parse(&bytes)? {
            return Ok((header.client, bytes.split_off(header.length).freeze()));
        }
        // `parse` refuses what is longer than its bound, so this grows to that bound at most.
        if tcp.read_buf(&mut bytes).await? == 0 {
            return Err(proxy_protocol::Invalid::Missing.into());
        }
    }
}

/// Reads until it is certain whether the client starts with the HTTP/2 preface.
async fn read_start(tcp: &mut TcpStream, read_ahead: Bytes) -> Result<Bytes, Refused> {
    let mut bytes = BytesMut::from(&read_ahead[..]);
    bytes.reserve(1024);
    while bytes.len() < HTTP2_PREFACE.len() && HTTP2_PREFACE.starts_with(&bytes) {
        if tcp.read_buf(&mut bytes).await? == 0 {
            break;
        }
    }
    Ok(bytes.freeze())
}

async fn speak<I>(
    protocol: Protocol,
    io: I,
    exchanges: Exchanges,
    activity: &Activity,
    limits: &Limits,
    stop: &CancellationToken,
) where
    I: Read + Write + Unpin + Send + 'static,
{
    match protocol {
        Protocol::Http1 => {
            let connection = http1::Builder::new()
                .header_read_timeout(None)
                .max_header_size(limits.header_bytes.max(LEAST_HEADER_BYTES))
                .serve_connection(io, exchanges);
            watch(
                connection,
                http1::Connection::graceful_shutdown,
                activity,
                limits,
                stop,
            )
            .await;
        }
        Protocol::Http2 => {
            let connection = http2::Builder::new(TokioExecutor::new())
                .max_concurrent_streams(limits.http2_streams)
                .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
                .initial_stream_window_size(HTTP2_STREAM_WINDOW)
                .initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
                .serve_connection(io, exchanges);
            watch(
                connection,
                http2::Connection::graceful_shutdown,
                activity,
                limits,
                stop,
            )
            .await;
        }
    }
}

/// Drives a connection, and ends it when it stops being useful or the server stops.
async fn watch<C>(
    connection: C,
    shut_down: impl Fn(Pin<&mut C>),
    activity: &Activity,
    limits: &Limits,
    stop: &CancellationToken,
) where
    C: Future<Output = Result<(), hyper::Error>>,
{
    let mut connection = pin!(connection);
    let mut stopped = pin!(stop.cancelled());
    let soon = || Instant::now() + activity.check(limits).unwrap_or(Duration::ZERO);
    let mut check = pin!(sleep_until(soon()));
    let mut deadline: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error = &error as &dyn std::error::Error, "a connection broke off");
                }
                return;
            }
            () = &mut stopped, if deadline.is_none() => {
                shut_down(connection.as_mut());
                let now = Instant::now();
                if activity.is_endless() {
                    deadline = Some(now + limits.farewell.min(limits.drain));
                    check.as_mut().reset(now);
                } else {
                    let end = now + limits.drain;
                    deadline = Some(end);
                    check.as_mut().reset(end.min(soon()));
                }
            }
            () = check.as_mut() => {
                let is_farewell = deadline.is_some() && activity.is_endless();
                if is_farewell && activity.is_blocked() {
                    tracing::debug!("a client that does not read an endless answer was disconnected");
                    return;
                }
                if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                    if is_farewell {
                        tracing::debug!("an endless answer was cut off");
                    } else {
                        tracing::warn!("a connection was cut off at the drain deadline");
                    }
                    return;
                }
                let next = match activity.check(limits) {
                    Ok(wait) => wait,
                    Err(Expired::Idle) if deadline.is_none() => {
                        // HTTP/2 says goodbye; HTTP/1 just closes. Either has a moment for it.
                        shut_down(connection.as_mut());
                        deadline = Some(Instant::now() + limits.handshake);
                        limits.handshake
                    }
                    Err(expired) => {
                        tracing::debug!(?expired, "a slow client was disconnected");
                        return;
                    }
                };
                let next = if is_farewell { next.min(LOOK_AGAIN) } else { next };
                let next = Instant::now() + next;
                check.as_mut().reset(deadline.map_or(next, |deadline| deadline.min(next)));
            }
        }
    }
}
