//! The bytes of a file arrive intact whatever the way, and nothing of it stays behind.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use pierhead_http::{FileSlice, ListenerKind, ServerOptions};
use tokio::io::AsyncReadExt;

use crate::running::{Client, Running};
use crate::tls;

/// Bytes that differ at each position and do not repeat with any power of two.
fn content(length: usize) -> Vec<u8> {
    let mut state = 0x1234_5678_u32;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

struct Stored {
    folder: tempfile::TempDir,
    file: Arc<File>,
    bytes: Vec<u8>,
}

impl Stored {
    fn new(length: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bytes = content(length);
        let path = folder.path().join("blob");
        File::create(&path).unwrap().write_all(&bytes).unwrap();
        Self {
            file: Arc::new(File::open(path).unwrap()),
            folder,
            bytes,
        }
    }

    /// `GET /<offset>/<length>` sends that slice.
    fn router(&self) -> Router {
        let file = self.file.clone();
        let slice = move |Path((offset, length)): Path<(u64, u64)>| {
            let file = file.clone();
            async move { FileSlice::new(file, offset, length) }
        };
        Router::new().route("/{offset}/{length}", get(slice))
    }

    fn slice(&self, offset: usize, length: usize) -> &[u8] {
        &self.bytes[offset..offset + length]
    }

    /// How often this process has the file mapped, and how often open beside our own handle.
    fn held(&self) -> (usize, usize) {
        let path = self.folder.path().to_str().unwrap();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        (
            maps.lines().filter(|line| line.contains(path)).count(),
            Arc::strong_count(&self.file),
        )
    }
}

const SLICES: &[(usize, usize)] = &[
    (0, 0),
    (0, 1),
    (5, 65_535),
    (5, 65_536),
    (5, 65_537),
    (0, 262_144),
    (4095, 262_145),
    (4096, 4 * 1024 * 1024),
    (65_537, 4 * 1024 * 1024 + 1),
    (1, 9_999_998),
    (0, 10_000_000),
];

#[tokio::test]
async fn odd_slices_arrive_intact_on_one_plain_connection() {
    let stored = Stored::new(10_000_000);
    let server = Running::plain(stored.router());
    let mut client = server.connect().await;
    for &(offset, length) in SLICES {
        let answer = client.get(&format!("/{offset}/{length}")).await;
        assert_eq!(answer.header("content-length"), Some(&*length.to_string()));
        assert!(
            answer.body == stored.slice(offset, length),
            "{length} bytes from {offset}"
        );
    }
}

#[tokio::test]
async fn pipelined_requests_get_their_files_in_order() {
    let stored = Stored::new(10_000_000);
    let server = Running::plain(stored.router());
    let mut client = server.connect().await;
    let requests = SLICES
        .iter()
        .map(|(offset, length)| format!("GET /{offset}/{length} HTTP/1.1\r\nHost: a\r\n\r\n"));
    client.send(&requests.collect::<Vec<_>>().concat()).await;
    for &(offset, length) in SLICES {
        assert!(
            client.answer().await.body == stored.slice(offset, length),
            "{length} bytes from {offset}"
        );
    }
}

#[tokio::test]
async fn an_http_1_0_client_gets_the_file_and_the_end() {
    let stored = Stored::new(3_000_001);
    let server = Running::plain(stored.router());
    let mut client = server.connect().await;
    client.send("GET /0/3000001 HTTP/1.0\r\n\r\n").await;
    let (status, _) = client.head().await;
    assert_eq!(status, 200);
    assert!(client.rest().await == stored.bytes);
}

#[tokio::test]
async fn a_head_request_has_the_length_and_no_body() {
    let stored = Stored::new(3_000_001);
    let server = Running::plain(stored.router());
    let mut client = server.connect().await;
    client
        .send("HEAD /0/3000001 HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    let (_, head) = client.head().await;
    assert!(head.contains("content-length: 3000001"), "{head}");
    assert_eq!(client.get("/0/3").await.body, stored.slice(0, 3));
}

#[tokio::test]
async fn a_slow_reader_gets_every_byte() {
    let stored = Stored::new(10_000_000);
    let server = Running::plain(stored.router());
    // A small window, so that the server is blocked most of the time.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream =
        tokio::io::BufReader::with_capacity(1000, socket.connect(server.address).await.unwrap());
    let mut client = Client { stream };
    client
        .send("GET /0/10000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    client.head().await;
    let mut body = Vec::new();
    let mut piece = [0; 7001];
    while body.len() < stored.bytes.len() {
        let read = client.stream.read(&mut piece).await.unwrap();
        assert_ne!(read, 0);
        body.extend_from_slice(&piece[..read]);
        tokio::task::yield_now().await;
    }
    assert!(body == stored.bytes);
}

#[tokio::test]
async fn a_file_is_mapped_while_it_is_sent_and_let_go_when_the_client_leaves() {
    let stored = Stored::new(64 * 1024 * 1024);
    let server = Running::plain(stored.router());
    let before = stored.held();
    assert_eq!(before.0, 0);
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = server.connect().await;
        client
            .send("GET /0/67108864 HTTP/1.1\r\nHost: a\r\n\r\n")
            .await;
        client.head().await;
        clients.push(client);
    }
    // Proof that the answers are on their way by sendfile: nothing else maps the file.
    assert_eq!(stored.held().0, 8);
    drop(clients);
    while stored.held() != before {
        tokio::task::yield_now().await;
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_sent_file_is_let_go_although_the_connection_stays() {
    let stored = Stored::new(1_000_000);
    let server = Running::plain(stored.router());
    let before = stored.held();
    let mut client = server.connect().await;
    for _ in 0..3 {
        client.get("/0/1000000").await;
        // The next answer on the connection comes after the last file is done with.
        client.get("/0/1").await;
        assert_eq!(stored.held(), before);
    }
}

#[tokio::test]
async fn a_file_that_has_to_come_from_the_disk_arrives_intact() {
    let stored = Stored::new(10_000_000);
    let server = Running::plain(stored.router());
    let forget = || {
        stored.file.sync_all().unwrap();
        rustix::fs::fadvise(&stored.file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    };
    forget();
    let answer = server.connect().await.get("/3/9999997").await;
    assert!(answer.body == stored.slice(3, 9_999_997));
    forget();
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let url = format!("http://{}/3/9999997", server.address);
    let body = client.get(url).send().await.unwrap().bytes().await.unwrap();
    assert!(body == stored.slice(3, 9_999_997));
}

#[tokio::test]
async fn a_file_shorter_than_promised_breaks_the_answer_off() {
    let stored = Stored::new(200_000);
    let server = Running::plain(stored.router());
    for length in [300_000, 200_001] {
        let mut client = server.connect().await;
        client
            .send(&format!("GET /0/{length} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await;
        client.head().await;
        assert!(client.rest().await == stored.bytes);
    }
    let mut client = server.connect().await;
    client
        .send("GET /199999/2 HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    // The error comes before anything was written, or after the byte there is.
    let rest = client.rest().await;
    assert!(
        rest.is_empty() || rest.ends_with(stored.slice(199_999, 1)),
        "{rest:?}"
    );
}

#[tokio::test]
async fn http2_without_tls_carries_files_unmapped() {
    let stored = Stored::new(10_000_000);
    let server = Running::plain(stored.router());
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let gets = SLICES.iter().map(|(offset, length)| {
        let request = client
            .get(format!("http://{}/{offset}/{length}", server.address))
            .send();
        async { request.await.unwrap().bytes().await.unwrap() }
    });
    for (body, &(offset, length)) in futures_util::future::join_all(gets)
        .await
        .iter()
        .zip(SLICES)
    {
        assert!(
            body == stored.slice(offset, length),
            "{length} bytes from {offset}"
        );
    }
    assert_eq!(stored.held().0, 0);
}

#[tokio::test]
async fn tls_carries_files_by_either_version_of_http() {
    let stored = Stored::new(10_000_000);
    let certificate = tls::Certificate::new("localhost");
    let options = ServerOptions {
        tls: Some(certificate.options()),
        ..ServerOptions::default()
    };
    let server = Running::start(ListenerKind::Tls, options, stored.router());
    for (client, version) in [
        (certificate.client().http1_only(), http::Version::HTTP_11),
        (certificate.client(), http::Version::HTTP_2),
    ] {
        let client = client.build().unwrap();
        for &(offset, length) in SLICES {
            let url = format!(
                "https://localhost:{}/{offset}/{length}",
                server.address.port()
            );
            let response = client.get(url).send().await.unwrap();
            assert_eq!(response.version(), version);
            assert!(
                response.bytes().await.unwrap() == stored.slice(offset, length),
                "{length} from {offset}"
            );
        }
    }
}
