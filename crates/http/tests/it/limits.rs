//! Slow, greedy and broken clients, and handlers that panic.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::routing::{get, post};
use http_body_util::BodyExt;
use pierhead_http::{BodyIdle, Limits, ListenerKind, ServerOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::running::Running;

const SHORT: Duration = Duration::from_millis(100);

fn router() -> Router {
    Router::new()
        .route("/", get(|| async { "here" }))
        .route("/echo", post(|body: Bytes| async { body }))
        .route("/read", post(read))
        .route("/large", get(|| async { vec![7_u8; 64 * 1024 * 1024] }))
        .route(
            "/panic",
            get(async || -> &'static str { panic!("on purpose") }),
        )
}

/// Reads the body and says how it ended.
async fn read(request: Request) -> String {
    match request.into_body().collect().await {
        Ok(body) => format!("{} bytes", body.to_bytes().len()),
        Err(error) => {
            let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
            while let Some(error) = cause {
                if error.is::<BodyIdle>() {
                    return error.to_string();
                }
                cause = error.source();
            }
            format!("other: {error}")
        }
    }
}

fn start(limits: Limits) -> Running {
    Running::start(
        ListenerKind::Plain,
        ServerOptions {
            limits,
            ..ServerOptions::default()
        },
        router(),
    )
}

#[tokio::test]
async fn a_client_that_says_nothing_is_let_go() {
    let server = start(Limits {
        header_read: SHORT,
        ..Limits::default()
    });
    let began = Instant::now();
    assert_eq!(server.connect().await.rest().await, b"");
    assert!(began.elapsed() >= SHORT && began.elapsed() < Limits::default().header_read);
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off_also_on_a_kept_connection() {
    let server = start(Limits {
        // The first head has to come within it, however slow the machine is.
        header_read: Duration::from_secs(3),
        ..Limits::default()
    });
    let mut client = server.connect().await;
    assert_eq!(client.get("/").await.text(), "here");
    client.send("GET / HTTP/1.1\r\n").await;
    let (read, mut write) = client.stream.into_inner().into_split();
    let drip = tokio::spawn(async move {
        let mut pause = tokio::time::interval(SHORT / 10);
        loop {
            pause.tick().await;
            if write.write_all(b"X: y\r\n").await.is_err() {
                return;
            }
        }
    });
    let began = Instant::now();
    let mut rest = Vec::new();
    let mut read = read;
    let _ = read.read_to_end(&mut rest).await;
    assert_eq!(rest, b"");
    assert!(began.elapsed() < Limits::default().header_read);
    drip.await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_is_closed_but_not_before_its_time() {
    let server = start(Limits {
        keep_alive_idle: SHORT,
        ..Limits::default()
    });
    let mut client = server.connect().await;
    let began = Instant::now();
    client.get("/").await;
    assert_eq!(client.rest().await, b"");
    assert!(began.elapsed() >= SHORT && began.elapsed() < Limits::default().keep_alive_idle);
}

#[tokio::test]
async fn a_body_that_falls_silent_ends_with_an_error_the_handler_sees() {
    let server = start(Limits {
        request_body_idle: SHORT,
        ..Limits::default()
    });
    let mut client = server.connect().await;
    client
        .send("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        .await;
    assert_eq!(
        client.answer().await.text(),
        "no byte of the request body came for 0.1 seconds"
    );
    let mut client = server.connect().await;
    client
        .send("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nfull")
        .await;
    assert_eq!(client.answer().await.text(), "4 bytes");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_let_go() {
    let server = start(Limits {
        response_stall: SHORT,
        drain: Duration::from_hours(1),
        ..Limits::default()
    });
    let mut client = server.connect().await;
    client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
    client.head().await;
    // Nothing is read any more. A stop waits for requests under way, so it ends when the server gave up.
    let began = Instant::now();
    server.stop().await.unwrap();
    assert!(began.elapsed() < Limits::default().response_stall);
}

#[tokio::test]
async fn a_head_over_the_limit_is_answered_with_431() {
    let server = start(Limits {
        header_bytes: 16 * 1024,
        ..Limits::default()
    });
    let mut client = server.connect().await;
    let large = format!("X-Large: {}\r\n", "x".repeat(12 * 1024));
    assert_eq!(client.get_with("/", &large).await.status, 200);
    client
        .send(&format!("GET / HTTP/1.1\r\nHost: a\r\n{large}{large}\r\n"))
        .await;
    assert_eq!(client.head().await.0, 431);
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_room() {
    let server = start(Limits {
        connections: 1,
        ..Limits::default()
    });
    let mut first = server.connect().await;
    first.get("/").await;
    let mut second = server.connect().await;
    second.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    tokio::select! {
        biased;
        _ = second.head() => panic!("served although another connection takes the only place"),
        answer = first.get("/") => assert_eq!(answer.status, 200),
    }
    drop(first);
    assert_eq!(second.answer().await.text(), "here");
}

#[tokio::test]
async fn a_panic_is_answered_with_500_and_the_connection_goes_on() {
    let server = start(Limits::default());
    let mut client = server.connect().await;
    let answer = client.get("/panic").await;
    assert_eq!(
        (answer.status, answer.text()),
        (500, "Internal server error\n")
    );
    assert_eq!(client.get("/").await.text(), "here");
}

#[tokio::test]
async fn a_large_upload_is_echoed_by_either_version_of_http() {
    let server = start(Limits::default());
    let sent = Bytes::from(vec![5_u8; 1_900_000]);
    for client in [
        reqwest::Client::builder().http1_only(),
        reqwest::Client::builder().http2_prior_knowledge(),
    ] {
        let client = client.build().unwrap();
        let url = format!("http://{}/echo", server.address);
        let answer = client.post(url).body(sent.clone()).send().await.unwrap();
        assert!(answer.bytes().await.unwrap() == sent);
    }
}
