//! A stop loses no request that is under way, and ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::routing::get;
use axum::{Extension, Router};
use futures_util::stream;
use pierhead_http::{Endless, Limits, ListenerKind, ServerOptions};
use tokio::sync::Notify;

use crate::running::Running;

/// `/wait` says that it began and answers when it is let go.
struct Waiting {
    began: Arc<Notify>,
    go: Arc<Notify>,
    router: Router,
}

impl Waiting {
    fn new() -> Self {
        let (began, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (begins, goes) = (began.clone(), go.clone());
        let wait = move || {
            let (begins, goes) = (begins.clone(), goes.clone());
            async move {
                begins.notify_one();
                goes.notified().await;
                "done"
            }
        };
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/wait", get(wait));
        Self { began, go, router }
    }
}

#[tokio::test]
async fn a_request_under_way_is_finished_and_its_connection_closed() {
    let waiting = Waiting::new();
    let server = Running::plain(waiting.router.clone());
    let address = server.address;
    let mut idle = server.connect().await;
    idle.get("/").await;
    let mut silent = server.connect().await;
    let mut busy = server.connect().await;
    busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await;
    waiting.began.notified().await;

    let mut served = server.stop();
    // Connections without a request end at once, while the busy one goes on.
    assert_eq!(idle.rest().await, b"");
    assert_eq!(silent.rest().await, b"");
    assert!(futures_util::poll!(&mut served).is_pending());

    waiting.go.notify_one();
    let answer = busy.answer().await;
    assert_eq!(
        (answer.text(), answer.header("connection")),
        ("done", Some("close"))
    );
    assert_eq!(busy.rest().await, b"");
    served.await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_http2_request_under_way_is_finished() {
    let waiting = Waiting::new();
    let server = Running::plain(waiting.router.clone());
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let answer = tokio::spawn(client.get(format!("http://{}/wait", server.address)).send());
    waiting.began.notified().await;
    let served = server.stop();
    waiting.go.notify_one();
    assert_eq!(answer.await.unwrap().unwrap().text().await.unwrap(), "done");
    served.await.unwrap();
}

#[tokio::test]
async fn the_drain_deadline_cuts_off_what_does_not_end() {
    let waiting = Waiting::new();
    let drain = Duration::from_millis(100);
    let options = ServerOptions {
        limits: Limits {
            drain,
            ..Limits::default()
        },
        ..ServerOptions::default()
    };
    let server = Running::start(ListenerKind::Plain, options, waiting.router.clone());
    let mut busy = server.connect().await;
    busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await;
    waiting.began.notified().await;
    let began = Instant::now();
    server.stop().await.unwrap();
    assert!(began.elapsed() >= drain && began.elapsed() < Limits::default().drain);
    assert_eq!(busy.rest().await, b"");
}

/// `/news` never ends, and says when its client has the head; `/quiet` says nothing more after its first words.
fn endless() -> Router {
    let words = Bytes::from(vec![b'n'; 64 * 1024]);
    let news = move || {
        let body = stream::repeat(Ok::<_, std::convert::Infallible>(words));
        std::future::ready((Extension(Endless), Body::from_stream(body)))
    };
    let quiet = async || {
        let body = stream::unfold(Some("hello"), async |words| match words {
            Some(words) => Some((Ok::<_, std::convert::Infallible>(words), None)),
            None => std::future::pending().await,
        });
        (Extension(Endless), Body::from_stream(body))
    };
    Router::new()
        .route("/news", get(news))
        .route("/quiet", get(quiet))
}

fn with_limits(limits: Limits) -> Running {
    let options = ServerOptions {
        limits,
        ..ServerOptions::default()
    };
    Running::start(ListenerKind::Plain, options, endless())
}

#[tokio::test]
async fn a_client_that_stopped_reading_an_endless_answer_does_not_hold_a_stop() {
    // Nothing else ends it: the stop would wait for the limit.
    let hour = Duration::from_hours(1);
    let server = with_limits(Limits {
        response_stall: hour,
        drain: hour,
        farewell: hour,
        ..Limits::default()
    });
    let mut listener = server.connect().await;
    listener.send("GET /news HTTP/1.1\r\nHost: a\r\n\r\n").await;
    listener.head().await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn an_endless_answer_that_does_not_end_is_cut_off_after_its_farewell() {
    let hour = Duration::from_hours(1);
    let server = with_limits(Limits {
        drain: hour,
        farewell: Duration::from_millis(50),
        ..Limits::default()
    });
    let mut listener = server.connect().await;
    listener
        .send("GET /quiet HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    listener.head().await;
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let quiet = format!("http://{}/quiet", server.address);
    let mut by_http2 = client.get(quiet).send().await.unwrap();
    assert_eq!(by_http2.chunk().await.unwrap().unwrap(), "hello");
    server.stop().await.unwrap();
    assert!(by_http2.chunk().await.is_err());
}
