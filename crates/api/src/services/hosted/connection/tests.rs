#![allow(clippy::unwrap_used)]

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pierhead_client::{AddressGuard, Limits, Lookup};
use pierhead_config::AllowedHost;

use super::*;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Nobody listens there.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

/// A service whose name leads nowhere for the first times.
struct Late {
    asked: AtomicUsize,
    nowhere: usize,
}

#[async_trait::async_trait]
impl Lookup for Late {
    async fn lookup(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(vec![if asked < self.nowhere { NOWHERE } else { HERE }])
    }
}

fn client(nowhere: usize) -> Client {
    let allowed = [AllowedHost::Network("127.0.0.0/8".parse().unwrap())];
    let asked = AtomicUsize::new(0);
    let guard = AddressGuard::public_only(&allowed).with_lookup(Arc::new(Late { asked, nowhere }));
    let limits = Limits {
        connect: Duration::from_hours(1),
        total: Duration::from_hours(1),
        ..Limits::default()
    };
    Client::new(guard, limits).unwrap()
}

/// A service that says this to each request, and how many it was sent.
fn service(says: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((HERE, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            if is_request(&mut connection) {
                counted.fetch_add(1, Ordering::SeqCst);
            }
            let _ = connection.write_all(says.as_bytes());
        }
    });
    (address, requests)
}

/// Reads a whole request: what is left unread would break the connection.
fn is_request(connection: &mut TcpStream) -> bool {
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let length = connection.read(&mut part).unwrap_or(0);
        request.extend_from_slice(&part[..length]);
        let end = if request.starts_with(b"POST") {
            &b"code=a"[..]
        } else {
            b"\r\n\r\n"
        };
        if length == 0 || request.ends_with(end) {
            return !request.is_empty();
        }
    }
}

async fn exchange(client: &Client, address: SocketAddr) -> Result<Answer> {
    let url = format!("http://service.example:{}/token", address.port());
    post_form(client, "GitHub", &url, &[("code", "a")], None).await
}

fn timed_out<T: std::fmt::Debug>(outcome: Result<T>) {
    let error = outcome.unwrap_err();
    let text = "Request to the GitHub API timed out";
    assert_eq!(error, HostError::Failed(text.to_owned()));
}

#[tokio::test]
async fn a_code_is_sent_when_there_is_a_connection_at_last() {
    let (address, requests) = service(ANSWER);
    let answer = exchange(&client(2), address).await.unwrap();
    assert_eq!(answer.body, "{}");
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_service_that_is_never_there_is_tried_three_times() {
    let (address, requests) = service(ANSWER);
    let client = client(3);
    exchange(&client, address).await.unwrap_err();
    assert_eq!(requests.load(Ordering::SeqCst), 0);
    // The fourth attempt would have come through.
    exchange(&client, address).await.unwrap();
}

#[tokio::test]
async fn a_code_that_may_have_been_sent_is_not_sent_again() {
    // The connection breaks after the request.
    let (address, requests) = service("");
    exchange(&client(0), address).await.unwrap_err();
    assert_eq!(requests.load(Ordering::SeqCst), 1);
    // Also where it was sent on to an address that nobody can reach.
    let redirect = "HTTP/1.1 307 Elsewhere\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (address, requests) = service(redirect);
    exchange(&client(0), address).await.unwrap_err();
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

/// Connections to a service that never answers, and to one that does.
fn connections() -> (TcpListener, Connection, Connection) {
    let silent = TcpListener::bind((HERE, 0)).unwrap();
    let to = |address: SocketAddr| {
        let base = format!("http://{address}");
        let credential = Credential::token("token", &Secret::new("a"));
        let hour = Duration::from_hours(1);
        Connection::new(&client(0), "GitHub", hour, &base, credential)
    };
    let stalled = to(silent.local_addr().unwrap());
    let (answering, _) = service(ANSWER);
    (silent, stalled, to(answering))
}

#[tokio::test]
async fn what_can_be_done_without_has_one_time_for_everything_together() {
    let (_silent, stalled, answering) = connections();
    // It would wait for a minute otherwise.
    let hurried = stalled.within(Duration::from_millis(20));
    timed_out(hurried.get("/a", &[]).await);
    let rest = Connection {
        base: answering.base.clone(),
        ..hurried
    };
    timed_out(rest.get("/b", &[]).await);
    answering.get("/b", &[]).await.unwrap();
}

#[tokio::test]
async fn undoing_has_time_of_its_own() {
    let (_silent, stalled, answering) = connections();
    let late = stalled.within(Duration::ZERO);
    timed_out(late.create("/hooks", &Value::Null, "id").await);
    let undoing = Connection {
        base: answering.base,
        ..late
    };
    timed_out(undoing.delete("/hooks/1").await);
    undoing.renewed().delete("/hooks/1").await.unwrap();
}

#[test]
fn a_segment_cannot_leave_its_place() {
    let joined = |segments: &[&str]| path(segments).unwrap_or_default();
    assert_eq!(
        joined(&["repos", "a b", "c?d#e%"]),
        "/repos/a%20b/c%3Fd%23e%25"
    );
    assert_eq!(
        joined(&["projects", "group/sub/app"]),
        "/projects/group%2Fsub%2Fapp"
    );
    for wrong in ["", ".", ".."] {
        assert_eq!(path(&["repos", wrong]), None);
    }
    assert_eq!(joined(&["hooks", "{1-2}"]), "/hooks/%7B1-2%7D");
}

#[test]
fn what_a_service_says_is_found_where_it_says_it() {
    let said = |body: &str| {
        let (told, first) = told(body.as_bytes());
        (told.unwrap_or_default(), first.unwrap_or_default())
    };
    let of = |told: &str, first: &str| (told.to_owned(), first.to_owned());
    assert_eq!(
        said(
            r#"{"message": "Validation Failed", "errors": [{"message": "key is already in use"}]}"#
        ),
        of("Validation Failed", "key is already in use")
    );
    assert_eq!(said(r#"{"message": "Not\nFound"}"#), of("NotFound", ""));
    assert_eq!(
        said(r#"{"type": "error", "error": {"message": "gone"}}"#),
        of("gone", "")
    );
    assert_eq!(said("<html>"), of("", ""));
    let long = format!(r#"{{"message": "{}"}}"#, "é".repeat(400));
    assert_eq!(said(&long).0.chars().count(), LONGEST_TOLD);
}

#[test]
fn a_credential_is_never_printed() {
    let Credential::Header(value) = Credential::token("token", &Secret::new("hidden")) else {
        unreachable!();
    };
    assert!(!format!("{value:?}").contains("hidden"));
    assert_eq!(value, "token hidden");
}
