//! Request ids and the access log.

use std::io;
use std::sync::{Arc, Mutex};

use axum::routing::get;
use axum::{Extension, Router};
use pierhead_http::{
    AccessLog, AccessLogOptions, Answered, LineFormat, ListenerKind, LoggedPath, Observer,
    RequestId, ServerOptions, TrustedProxies, WhenFull, current_request_id,
};
use tracing_subscriber::fmt::MakeWriter;

use crate::running::Running;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// An access log whose JSON lines can be read back.
fn log(options: AccessLogOptions) -> (AccessLog, Lines) {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_writer(lines.clone())
        .finish();
    let log = tracing::subscriber::with_default(subscriber, || AccessLog::start(options)).unwrap();
    (log, lines)
}

fn router() -> Router {
    let id = |Extension(id): Extension<RequestId>| async move {
        assert_eq!(current_request_id().as_ref(), Some(&id));
        id.to_string()
    };
    Router::new().route("/id", get(id)).route(
        "/panic",
        get(async || -> &'static str { panic!("on purpose") }),
    )
}

fn trusting() -> ServerOptions {
    let networks = vec!["127.0.0.0/8".parse().unwrap()];
    ServerOptions {
        trusted_proxies: TrustedProxies { networks, hops: 1 },
        ..ServerOptions::default()
    }
}

#[tokio::test]
async fn each_request_has_an_id_that_handler_and_client_see() {
    let server = Running::plain(router());
    let mut client = server.connect().await;
    let first = client.get("/id").await;
    assert_eq!(first.header("x-request-id"), Some(first.text()));
    assert_ne!(client.get("/id").await.text(), first.text());
    let missing = client.get("/nowhere").await;
    assert_eq!(missing.header("x-request-id").map(str::len), Some(32));
}

#[tokio::test]
async fn only_a_trusted_proxy_may_choose_the_id() {
    let server = Running::start(ListenerKind::Plain, trusting(), router());
    let mut client = server.connect().await;
    assert_eq!(
        client
            .get_with("/id", "X-Request-Id: from-the-proxy\r\n")
            .await
            .text(),
        "from-the-proxy"
    );
    assert_ne!(
        client
            .get_with("/id", "X-Request-Id: with space\r\n")
            .await
            .text(),
        "with space"
    );
    let server = Running::plain(router());
    let answer = server
        .connect()
        .await
        .get_with("/id", "X-Request-Id: from-anybody\r\n")
        .await;
    assert_ne!(answer.text(), "from-anybody");
}

#[tokio::test]
async fn a_path_that_holds_a_secret_is_logged_as_its_handler_says() {
    let (log, lines) = log(AccessLogOptions::default());
    let options = ServerOptions {
        access_log: Some(log),
        ..ServerOptions::default()
    };
    let secret = get(async || (Extension(LoggedPath("/open/<redacted>")), "open"));
    let router = router().route("/open/{secret}", secret);
    let server = Running::start(ListenerKind::Plain, options, router);
    let mut client = server.connect().await;
    assert_eq!(client.get("/open/sesame?sesame").await.text(), "open");
    drop(client);
    server.stop().await.unwrap();
    let text = lines.text();
    assert!(text.contains(r#""path":"/open/<redacted>""#), "{text}");
    assert!(!text.contains("sesame"), "{text}");
}

#[tokio::test]
async fn a_line_says_what_happened_and_holds_no_secret() {
    let (log, lines) = log(AccessLogOptions::default());
    let server = Running::start(
        ListenerKind::Plain,
        ServerOptions {
            access_log: Some(log),
            ..trusting()
        },
        router(),
    );
    let mut client = server.connect().await;
    let secrets =
        "Authorization: Bearer hidden1\r\nCookie: session=hidden2\r\nX-Request-Id: one\r\n";
    let agent = format!(
        "User-Agent: {}\r\nX-Forwarded-For: 203.0.113.7\r\n",
        "agent".repeat(100)
    );
    client
        .get_with("/id?token=hidden3", &format!("{secrets}{agent}"))
        .await;
    client.get_with("/panic", "X-Request-Id: two\r\n").await;
    drop(client);
    server.stop().await.unwrap();

    let text = lines.text();
    let [first, second] = text.lines().collect::<Vec<_>>()[..] else {
        panic!("not two lines: {text}")
    };
    for part in [
        r#""method":"GET""#,
        r#""path":"/id""#,
        r#""status":200"#,
        r#""bytes":3"#,
        r#""client":"203.0.113.7""#,
        r#""request_id":"one""#,
        r#""version":"HTTP/1.1""#,
        r#""complete":true"#,
        r#""duration_ms":"#,
    ] {
        assert!(first.contains(part), "{part} is missing in {first}");
    }
    assert!(first.contains(&"agent".repeat(51)) && !first.contains(&"agent".repeat(52)));
    assert!(
        second.contains(r#""status":500"#) && second.contains(r#""request_id":"two""#),
        "{second}"
    );
    assert!(!text.contains("hidden"), "{text}");
}

/// The fields of the only line, by whichever way it was written.
async fn only_line(log: AccessLog, lines: Lines) -> serde_json::Value {
    let options = ServerOptions {
        access_log: Some(log),
        ..trusting()
    };
    let server = Running::start(ListenerKind::Plain, options, router());
    let headers = "X-Request-Id: one\r\nUser-Agent: a \"quoted\\ agent\r\nX-Forwarded-For: ::1\r\n";
    server.connect().await.get_with("/id", headers).await;
    server.stop().await.unwrap();
    let mut line: serde_json::Value = serde_json::from_str(&lines.text()).unwrap();
    // What differs from run to run is only looked at.
    let time = line["timestamp"].take();
    assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
    assert!(line["fields"]["duration_ms"].take().is_f64());
    line
}

#[tokio::test]
async fn lines_written_directly_are_those_of_the_subscriber() {
    let (log, lines) = log(AccessLogOptions::default());
    let by_subscriber = only_line(log, lines).await;
    let lines = Lines::default();
    let log =
        AccessLog::start_writing(AccessLogOptions::default(), LineFormat::Json, lines.clone());
    assert_eq!(only_line(log.unwrap(), lines).await, by_subscriber);
    assert_eq!(by_subscriber["fields"]["agent"], "a \"quoted\\ agent");
}

#[tokio::test]
async fn a_text_line_quotes_what_a_client_sends() {
    let lines = Lines::default();
    let log =
        AccessLog::start_writing(AccessLogOptions::default(), LineFormat::Text, lines.clone());
    let options = ServerOptions {
        access_log: Some(log.unwrap()),
        ..ServerOptions::default()
    };
    let server = Running::start(ListenerKind::Plain, options, router());
    let forged = "User-Agent: x\" status=200\r\n";
    server.connect().await.get_with("/nowhere", forged).await;
    server.stop().await.unwrap();
    let text = lines.text();
    assert!(
        text.contains(r#"INFO access: method="GET" path="/nowhere" status=404 bytes=0"#),
        "{text}"
    );
    assert!(
        text.contains(r#"agent="x\" status=200" request_id="#) && text.ends_with("complete=true\n"),
        "{text}"
    );
}

#[tokio::test]
async fn a_client_that_leaves_before_its_answer_is_logged_as_499() {
    let (log, lines) = log(AccessLogOptions::default());
    let (began, begins) = tokio::sync::oneshot::channel();
    let began = Arc::new(Mutex::new(Some(began)));
    let wait = async move || {
        let sender = began.lock().unwrap().take();
        sender.unwrap().send(()).unwrap();
        std::future::pending::<&str>().await
    };
    let router = Router::new().route("/wait", get(|| async move { wait().await }));
    let options = ServerOptions {
        access_log: Some(log.clone()),
        ..ServerOptions::default()
    };
    let server = Running::start(ListenerKind::Plain, options, router);
    let mut client = server.connect().await;
    client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await;
    begins.await.unwrap();
    drop(client);
    server.stop().await.unwrap();
    assert!(lines.text().contains(r#""status":499"#), "{}", lines.text());
}

#[tokio::test]
async fn lines_that_find_no_room_are_counted_or_written_at_once() {
    let (full, lines) = log(AccessLogOptions {
        capacity: 0,
        when_full: WhenFull::Drop,
    });
    let options = ServerOptions {
        access_log: Some(full.clone()),
        ..ServerOptions::default()
    };
    let server = Running::start(ListenerKind::Plain, options, router());
    server.connect().await.get("/id").await;
    server.stop().await.unwrap();
    assert_eq!((full.dropped(), lines.text().as_str()), (1, ""));

    let (full, lines) = log(AccessLogOptions {
        capacity: 0,
        when_full: WhenFull::Write,
    });
    let options = ServerOptions {
        access_log: Some(full.clone()),
        ..ServerOptions::default()
    };
    let server = Running::start(ListenerKind::Plain, options, router());
    server.connect().await.get("/id").await;
    server.stop().await.unwrap();
    assert_eq!((full.dropped(), lines.text().lines().count()), (0, 1));
}

#[derive(Default)]
struct Seen(Mutex<Vec<(String, u16)>>);

impl Observer for Seen {
    fn answered(&self, answered: &Answered<'_>) {
        let mut seen = self.0.lock().unwrap();
        seen.push((
            answered.method.to_string(),
            answered.response.status().as_u16(),
        ));
    }
}

#[tokio::test]
async fn the_observer_is_told_of_each_answer() {
    let seen = Arc::new(Seen::default());
    let options = ServerOptions {
        observer: Some(seen.clone()),
        ..ServerOptions::default()
    };
    let server = Running::start(ListenerKind::Plain, options, router());
    let mut client = server.connect().await;
    for path in ["/id", "/nowhere", "/panic"] {
        client.get(path).await;
    }
    let expected = [200, 404, 500].map(|status| ("GET".to_owned(), status));
    assert_eq!(*seen.0.lock().unwrap(), expected);
}
