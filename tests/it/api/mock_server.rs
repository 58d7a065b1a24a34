//! An HTTP server that answers as a test says, and remembers what it was asked. What it was not to be asked it refuses, and
//! the test that looks at it fails.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

/// Until a request must have come, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(2);

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// As it was sent, without the query.
    pub(crate) path: String,
    /// As it was sent.
    pub(crate) query: String,
    /// By their names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Request {
    /// A header.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// `METHOD /path?query`.
    pub(crate) fn line(&self) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{} {}{mark}{}", self.method, self.path, self.query)
    }

    /// The body as JSON, which it must say it is.
    pub(crate) fn json(&self) -> Result<Value, String> {
        if self.header("content-type") != "application/json" {
            return Err("a JSON body must say so".to_owned());
        }
        serde_json::from_str(&self.body).map_err(|error| error.to_string())
    }

    /// The body as a form, which it must say it is.
    pub(crate) fn form(&self) -> Result<HashMap<String, String>, String> {
        if self.header("content-type") != "application/x-www-form-urlencoded" {
            return Err("a form must say so".to_owned());
        }
        Ok(pairs(&self.body).collect())
    }
}

/// The pairs of a form or a query.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    let url = reqwest::Url::parse(&format!("http://form/?{text}")).unwrap();
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    pairs.into_iter()
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Reply {
    /// JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", &body.to_string())
    }

    /// Another body.
    pub(crate) fn text(status: u16, media_type: &str, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", media_type.to_owned())],
            body: body.to_owned(),
        }
    }

    /// Nothing.
    pub(crate) fn empty() -> Self {
        Self {
            status: 204,
            headers: Vec::new(),
            body: String::new(),
        }
    }
}

/// What a mock says to a request; an error says why nobody would have sent it.
pub(crate) type Answer = Result<Reply, String>;

/// A running mock.
pub(crate) struct MockServer {
    base: String,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    lines: Vec<String>,
    problems: Vec<String>,
    holds: Vec<Door>,
}

/// Where the next request of a line waits.
struct Door {
    line: String,
    knock: oneshot::Sender<()>,
    opened: mpsc::Receiver<()>,
}

/// Keeps a request waiting for its answer until this is dropped. The answer is made then.
pub(crate) struct Hold {
    knocked: oneshot::Receiver<()>,
    _open: mpsc::Sender<()>,
}

impl Hold {
    /// Once the request is there.
    pub(crate) async fn reached(&mut self) {
        let knocked = tokio::time::timeout(PATIENCE, &mut self.knocked).await;
        assert!(matches!(knocked, Ok(Ok(()))), "the request never came");
    }

    /// Makes a call, and leaves before it is answered, when this request of the registry waits.
    pub(crate) async fn leave<T>(mut self, call: impl Future<Output = T>) {
        tokio::select! {
            _ = call => panic!("answered before the service was asked"),
            () = self.reached() => {}
        }
    }
}

impl MockServer {
    /// Starts on a free port, for as long as the test runs.
    pub(crate) fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::<Mutex<Seen>>::default();
        let (answer, noted) = (Arc::new(answer), seen.clone());
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (answer, noted) = (answer.clone(), noted.clone());
                std::thread::spawn(move || serve(&connection, &*answer, &noted));
            }
        });
        Self { base, seen }
    }

    /// `http://<address>`.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Lets the next request `METHOD /path?query` wait.
    pub(crate) fn hold(&self, line: &str) -> Hold {
        let (knock, knocked) = oneshot::channel();
        let (open, opened) = mpsc::channel();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.holds.push(Door {
            line: line.to_owned(),
            knock,
            opened,
        });
        Hold {
            knocked,
            _open: open,
        }
    }

    /// What was asked since the last time.
    ///
    /// # Panics
    ///
    /// When something was asked that nobody would ask.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(seen.problems.is_empty(), "{:#?}", seen.problems);
        std::mem::take(&mut seen.lines)
    }
}

fn serve(connection: &TcpStream, answer: &dyn Fn(&Request) -> Answer, seen: &Mutex<Seen>) {
    let Some(request) = read(connection) else {
        return;
    };
    let line = request.line();
    let door = {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let place = seen.holds.iter().position(|door| door.line == line);
        place.map(|place| seen.holds.swap_remove(place))
    };
    if let Some(door) = door {
        let _ = door.knock.send(());
        // It is opened by being dropped.
        let _ = door.opened.recv();
    }
    let answered = answer(&request);
    let reply = {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.lines.push(line.clone());
        answered.unwrap_or_else(|problem| {
            seen.problems.push(format!("{line}: {problem}"));
            Reply::text(500, "text/plain", &problem)
        })
    };
    if reply.status == 0 {
        // The service is gone.
        return;
    }
    let headers: Vec<String> = reply
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let headers = headers.concat();
    // A client that has gone misses its answer.
    let mut connection = connection;
    let _ = write!(
        connection,
        "HTTP/1.1 {} Mock\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{}",
        reply.status,
        reply.body.len(),
        reply.body
    );
}

fn read(connection: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: String::from_utf8(body).ok()?,
    })
}

/// A page of a list of which each page has `per_page` items, at most 100, and a number.
pub(crate) fn numbered_page(request: &Request, items: Value) -> Answer {
    let number = |name: &str| {
        pairs(&request.query)
            .find(|(key, _)| key == name)
            .and_then(|(_, value)| value.parse::<usize>().ok())
            .ok_or_else(|| format!("{name} is missing"))
    };
    let (size, page) = (number("per_page")?, number("page")?);
    if size > 100 {
        return Err("pages have at most 100 items".to_owned());
    }
    let Value::Array(items) = items else {
        return Err("no list".to_owned());
    };
    let part = items.into_iter().skip((page - 1) * size).take(size);
    Ok(Reply::json(200, &part.collect::<Vec<_>>().into()))
}

/// A key as services list it.
pub(crate) fn without_comment(key: &Value) -> String {
    let words: Vec<&str> = key.as_str().unwrap_or_default().split(' ').collect();
    words[..2].join(" ")
}
