//! One request and its answer: what the server adds around the router.
//!
//! Per request: the client's address and the request id as extensions, the idle bound on the body, a guard
//! against panics, the security headers, the observer and the access log. The answer's body is polled with the
//! connection visible to file bodies, so that they can `sendfile`. Everything here is on the path of each
//! request: no allocation that can be avoided, no lock but the access log's.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::future::RouteFuture;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower_service::Service as _;
use tracing::Span;

use crate::access_log::{AccessLog, Record};
use crate::activity::Activity;
use crate::body_timeout::IdleBody;
use crate::file_body::SendfileRanges;
use crate::options::{Limits, SecurityHeaders};
use crate::peer::{Peer, TrustedProxies, forwarded_host};
use crate::request_id::{self, RequestId};

/// Status in the log of a request whose client went away before the answer, as nginx writes it.
const CLIENT_CLOSED: u16 = 499;

/// Told of each answer when its head is ready.
pub trait Observer: Send + Sync + 'static {
    /// Called on the request's path: must not block, and should cost less than 100 ns.
    fn answered(&self, answered: &Answered<'_>);
}

/// What an [`Observer`] is told.
#[derive(Debug)]
pub struct Answered<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The answer with its extensions, in which handlers can leave what the observer needs (a route).
    pub response: &'a Response<Body>,
    /// From the request's head to the answer's head.
    pub elapsed: Duration,
}

/// Left by a handler in the extensions of its response: what the access log calls the path, when the path itself holds a
/// secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggedPath(pub &'static str);

/// Left by a handler in the extensions of its response: the answer has no end of its own, so a stop does not wait for a client
/// that does not take the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endless;

/// What all connections share.
pub(crate) struct Environment {
    pub(crate) limits: Limits,
    pub(crate) trusted: TrustedProxies,
    pub(crate) headers: SecurityHeaders,
    pub(crate) log: Option<AccessLog>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) spans: bool,
}

/// The hyper service of one connection.
pub(crate) struct Exchanges {
    pub(crate) router: Router,
    pub(crate) environment: Arc<Environment>,
    pub(crate) activity: Arc<Activity>,
    /// Address and encryption of the connection itself.
    pub(crate) connection: Peer,
    /// Whether that address may speak for clients.
    pub(crate) trusted: bool,
    /// Set on connections whose HTTP/1 answers can leave by `sendfile`.
    pub(crate) ranges: Option<Arc<SendfileRanges>>,
}

impl hyper::service::Service<Request<Incoming>> for Exchanges {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        let http2 = request.version() == Version::HTTP_2;
        self.activity.request_began(http2);
        let mut peer = self.connection;
        let mut given = None;
        let mut host = None;
        if self.trusted {
            peer = self.environment.trusted.client(peer, request.headers());
            given = RequestId::given(request.headers());
            host = forwarded_host(request.headers());
        }
        let id = given.unwrap_or_else(RequestId::generate);
        let log = self.environment.log.as_ref().filter(|log| log.enabled());
        let exchange = Exchange {
            started: Instant::now(),
            environment: self.environment.clone(),
            activity: self.activity.clone(),
            method: request.method().clone(),
            line: log.map(|_| Line {
                target: request.uri().path_and_query().cloned(),
                path: None,
                version: request.version(),
                client: peer,
                agent: request.headers().get(header::USER_AGENT).cloned(),
            }),
            id: id.clone(),
            status: CLIENT_CLOSED,
            bytes: 0,
            complete: false,
            endless: false,
        };
        let span = if self.environment.spans {
            tracing::info_span!("request", id = id.as_str())
        } else {
            Span::none()
        };

        let limit = self.environment.limits.request_body_idle;
        let mut request = request.map(|body| {
            if body.is_end_stream() {
                Body::empty()
            } else {
                Body::new(IdleBody::new(body, limit))
            }
        });
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(id.clone());
        if let Some(host) = host {
            request.extensions_mut().insert(host);
        }
        let mut id = Some(id);
        let routed = RequestId::enter(&mut id, || {
            let _entered = span.enter();
            catch_unwind(AssertUnwindSafe(|| self.router.clone().call(request)))
        });
        let (future, panic) = match routed {
            Ok(future) => (Some(future), None),
            Err(panic) => (None, Some(panic)),
        };
        Answering {
            future,
            panic,
            exchange: Some(exchange),
            span,
            id,
            ranges: if http2 { None } else { self.ranges.clone() },
            strict_transport: self.connection.secure && self.environment.headers.strict_transport,
        }
    }
}

pin_project! {
    /// The router's future inside the guard against panics.
    pub(crate) struct Answering {
        #[pin]
        future: Option<RouteFuture<Infallible>>,
        panic: Option<Box<dyn Any + Send>>,
        exchange: Option<Exchange>,
        span: Span,
        id: Option<RequestId>,
        ranges: Option<Arc<SendfileRanges>>,
        strict_transport: bool,
    }
}

impl Future for Answering {
    type Output = Result<Response<AnswerBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let future = this.future.as_pin_mut();
        let polled = match (this.panic.take(), future) {
            (None, Some(future)) => RequestId::enter(this.id, || {
                let _entered = this.span.enter();
                catch_unwind(AssertUnwindSafe(|| future.poll(cx)))
            }),
            (panic, _) => Err(panic.unwrap_or_else(|| Box::new("polled after its end"))),
        };
        let mut response = match polled {
            Ok(polled) => {
                let Ok(response) = ready!(polled);
                response
            }
            Err(panic) => {
                let _entered = this.span.enter();
                log_panic(this.id.as_ref(), panic.as_ref());
                let mut response = Response::new(Body::from("Internal server error\n"));
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                response
            }
        };
        let Some(mut exchange) = this.exchange.take() else {
            return Poll::Pending;
        };
        exchange.status = response.status().as_u16();
        if let Some(line) = &mut exchange.line
            && let Some(LoggedPath(path)) = response.extensions_mut().remove()
        {
            line.path = Some(path);
        }
        if let Some(Endless) = response.extensions_mut().remove() {
            exchange.endless = true;
            exchange.activity.endless_began();
        }
        if let Some(observer) = &exchange.environment.observer {
            let elapsed = exchange.started.elapsed();
            observer.answered(&Answered {
                method: &exchange.method,
                response: &response,
                elapsed,
            });
        }
        let headers = response.headers_mut();
        let security = &exchange.environment.headers;
        if security.deny_frames {
            headers
                .entry(header::X_FRAME_OPTIONS)
                .or_insert(HeaderValue::from_static("DENY"));
        }
        if security.no_sniff {
            headers
                .entry(header::X_CONTENT_TYPE_OPTIONS)
                .or_insert(HeaderValue::from_static("nosniff"));
        }
        if *this.strict_transport {
            let value = HeaderValue::from_static("max-age=63072000; preload");
            headers
                .entry(header::STRICT_TRANSPORT_SECURITY)
                .or_insert(value);
        }
        headers.insert(request_id::HEADER, exchange.id.header());
        let (span, id, ranges) = (
            std::mem::replace(this.span, Span::none()),
            this.id.take(),
            this.ranges.take(),
        );
        Poll::Ready(Ok(response.map(|inner| {
            exchange.complete = inner.is_end_stream();
            AnswerBody {
                inner,
                exchange,
                span,
                id,
                ranges,
            }
        })))
    }
}

/// The answer's body: counted, guarded, and seen off by the access log when it is dropped.
pub(crate) struct AnswerBody {
    inner: Body,
    exchange: Exchange,
    span: Span,
    id: Option<RequestId>,
    ranges: Option<Arc<SendfileRanges>>,
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = self.get_mut();
        let (inner, span) = (&mut this.inner, &this.span);
        let polled = RequestId::enter(&mut this.id, || {
            SendfileRanges::enter(&mut this.ranges, || {
                let _entered = span.enter();
                catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(cx)))
            })
        });
        let frame = match polled {
            Ok(polled) => ready!(polled),
            Err(panic) => {
                log_panic(this.id.as_ref(), panic.as_ref());
                return Poll::Ready(Some(Err("a panic ended the answer".into())));
            }
        };
        match &frame {
            Some(Ok(frame)) => {
                this.exchange.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                this.exchange.complete = this.inner.is_end_stream();
            }
            Some(Err(error)) => {
                let id = this.exchange.id.as_str();
                tracing::warn!(
                    request_id = id,
                    error = error as &dyn std::error::Error,
                    "an answer broke off"
                );
            }
            None => this.exchange.complete = true,
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// What is known of a request until its answer is over; its end writes the log line.
struct Exchange {
    started: Instant,
    environment: Arc<Environment>,
    activity: Arc<Activity>,
    method: Method,
    id: RequestId,
    line: Option<Line>,
    status: u16,
    bytes: u64,
    complete: bool,
    endless: bool,
}

/// What only the access log needs.
struct Line {
    target: Option<PathAndQuery>,
    /// Instead of the path of the target.
    path: Option<&'static str>,
    version: Version,
    client: Peer,
    agent: Option<HeaderValue>,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.endless {
            self.activity.endless_ended();
        }
        self.activity.request_ended();
        if let (Some(line), Some(log)) = (self.line.take(), &self.environment.log) {
            let ended = Instant::now();
            log.record(Record {
                id: self.id.clone(),
                method: self.method.clone(),
                target: line.target,
                path: line.path,
                version: line.version,
                status: self.status,
                bytes: self.bytes,
                duration: ended - self.started,
                ended,
                client: line.client.address,
                agent: line.agent,
                // A HEAD answer is complete although its body was never asked for.
                complete: self.complete || self.method == Method::HEAD,
            });
        }
    }
}

fn log_panic(id: Option<&RequestId>, panic: &(dyn Any + Send)) {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let id = id.map(RequestId::as_str);
    tracing::error!(
        request_id = id,
        panic = message,
        "a handler panicked; the request was answered with 500"
    );
}
