//! One line per request, formatted off the request's path.
//!
//! A request leaves a small record (reference-counted pieces of what it has anyway) in a bounded queue; one
//! thread takes the records in batches and writes them: as `tracing` events with target `access` to the
//! process's subscriber ([`AccessLog::start`]), or as lines of its own at a fraction of that cost
//! ([`AccessLog::start_writing`]). Nobody is woken per request: the thread sleeps for
//! [`BATCH_PAUSE`] between batches and parks when there is nothing.
//!
//! A line never holds the query (it may carry tokens), nor `Authorization`, `Cookie` or any other header than
//! a bounded `User-Agent`.

mod line;

use std::fmt;
use std::io::Write;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Version};
use tracing::dispatcher::{self, Dispatch};

pub use line::LineFormat;
use line::Value;

use crate::request_id::RequestId;

/// Pause between two batches: lines come this late at most, and cost one wake-up per pause.
const BATCH_PAUSE: Duration = Duration::from_millis(20);
/// Longest path and user agent that a line holds, in bytes.
const LONGEST_PATH: usize = 1024;
const LONGEST_AGENT: usize = 256;

/// How the access log behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessLogOptions {
    /// Records that may wait; a record takes about 200 bytes.
    pub capacity: usize,
    /// What happens to a record when that many wait.
    pub when_full: WhenFull,
}

impl Default for AccessLogOptions {
    fn default() -> Self {
        Self {
            capacity: 16 * 1024,
            when_full: WhenFull::Drop,
        }
    }
}

/// What happens when lines are written slower than requests come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// The line is dropped and counted ([`AccessLog::dropped`]).
    Drop,
    /// The line is written by the request itself, which is so slowed to the log's speed.
    Write,
}

/// The access log; clones share it. When the last is dropped, what waits is still written.
#[derive(Debug, Clone)]
pub struct AccessLog(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    options: AccessLogOptions,
    /// Whether anybody wanted the lines at the start.
    enabled: bool,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Shared {
    output: Mutex<Output>,
    queue: Mutex<Queue>,
    arrived: Condvar,
    drained: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    records: Vec<Record>,
    /// The writer waits for [`Shared::arrived`].
    parked: bool,
    /// The writer is emitting a batch that it took.
    writing: bool,
    /// The last handle is gone.
    closed: bool,
}

/// Where the lines go.
enum Output {
    Tracing(Dispatch),
    Lines {
        format: LineFormat,
        writer: Box<dyn Write + Send>,
        buffer: Vec<u8>,
    },
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tracing(_) => "Tracing",
            Self::Lines { .. } => "Lines",
        })
    }
}

/// What a line says.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: RequestId,
    pub(crate) method: Method,
    pub(crate) target: Option<PathAndQuery>,
    /// Instead of the path of the target, when that holds a secret.
    pub(crate) path: Option<&'static str>,
    pub(crate) version: Version,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) duration: Duration,
    pub(crate) ended: Instant,
    pub(crate) client: IpAddr,
    pub(crate) agent: Option<HeaderValue>,
    /// Whether the whole answer was handed to the connection.
    pub(crate) complete: bool,
}

impl AccessLog {
    /// Starts the writing thread. Lines go to the `tracing` subscriber that is current here; whether it wants
    /// them (target `access`, level `INFO`) is asked once, now.
    pub fn start(options: AccessLogOptions) -> std::io::Result<Self> {
        let enabled = tracing::enabled!(target: "access", tracing::Level::INFO);
        Self::start_with(
            options,
            enabled,
            Output::Tracing(dispatcher::get_default(Clone::clone)),
        )
    }

    /// Starts the writing thread. Lines go to `writer`, in one write and flush per batch.
    pub fn start_writing(
        options: AccessLogOptions,
        format: LineFormat,
        writer: impl Write + Send + 'static,
    ) -> std::io::Result<Self> {
        let writer = Box::new(writer);
        Self::start_with(
            options,
            true,
            Output::Lines {
                format,
                writer,
                buffer: Vec::new(),
            },
        )
    }

    fn start_with(
        options: AccessLogOptions,
        enabled: bool,
        output: Output,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            output: Mutex::new(output),
            queue: Mutex::default(),
            arrived: Condvar::new(),
            drained: Condvar::new(),
        });
        if enabled {
            let shared = shared.clone();
            std::thread::Builder::new()
                .name("access-log".into())
                .spawn(move || shared.work())?;
        }
        Ok(Self(Arc::new(Handle {
            shared,
            options,
            enabled,
            dropped: AtomicU64::new(0),
        })))
    }

    /// Lines dropped so far because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Waits until every record so far is written. Blocks.
    pub fn flush(&self) {
        let shared = &self.0.shared;
        let mut queue = shared.lock();
        while !queue.records.is_empty() || queue.writing {
            queue = shared
                .drained
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether anybody wants the lines.
    pub(crate) fn enabled(&self) -> bool {
        self.0.enabled
    }

    pub(crate) fn record(&self, record: Record) {
        let mut queue = self.0.shared.lock();
        if queue.records.len() < self.0.options.capacity {
            queue.records.push(record);
            if std::mem::take(&mut queue.parked) {
                drop(queue);
                self.0.shared.arrived.notify_one();
            }
            return;
        }
        drop(queue);
        match self.0.options.when_full {
            WhenFull::Drop => {
                self.0.dropped.fetch_add(1, Ordering::Relaxed);
            }
            WhenFull::Write => self.0.shared.write(&[record]),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.arrived.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic cannot leave a queue half-changed.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, records: &[Record]) {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        output.write(records);
    }

    /// The writing thread, until the last handle is gone and everything is written.
    fn work(&self) {
        let mut batch = Vec::new();
        loop {
            let mut queue = self.lock();
            while queue.records.is_empty() {
                if queue.closed {
                    return;
                }
                queue.parked = true;
                queue = self
                    .arrived
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            queue.parked = false;
            std::mem::swap(&mut queue.records, &mut batch);
            queue.writing = true;
            let closed = queue.closed;
            drop(queue);
            self.write(&batch);
            batch.clear();
            self.lock().writing = false;
            self.drained.notify_all();
            if !closed {
                std::thread::sleep(BATCH_PAUSE);
            }
        }
    }
}

impl Output {
    fn write(&mut self, records: &[Record]) {
        match self {
            Self::Tracing(dispatch) => {
                dispatcher::with_default(dispatch, || records.iter().for_each(Record::emit));
            }
            Self::Lines {
                format,
                writer,
                buffer,
            } => {
                for record in records {
                    format.write(buffer, record);
                }
                if let Err(error) = writer.write_all(buffer).and_then(|()| writer.flush()) {
                    tracing::error!(%error, lines = records.len(), "lines of the access log are lost");
                }
                buffer.clear();
            }
        }
    }
}

impl Record {
    fn path(&self) -> &str {
        let asked = self.target.as_ref().map_or("*", PathAndQuery::path);
        let path = self.path.unwrap_or(asked);
        &path[..path.floor_char_boundary(LONGEST_PATH)]
    }

    fn agent(&self) -> &str {
        let agent = self
            .agent
            .as_ref()
            .and_then(|agent| agent.to_str().ok())
            .unwrap_or_default();
        &agent[..agent.floor_char_boundary(LONGEST_AGENT)]
    }

    fn duration_ms(&self) -> f64 {
        self.duration.as_micros() as f64 / 1000.0
    }

    fn version(&self) -> &'static str {
        match self.version {
            Version::HTTP_2 => "HTTP/2.0",
            Version::HTTP_10 => "HTTP/1.0",
            _ => "HTTP/1.1",
        }
    }

    /// The fields of a line, in order.
    fn fields(&self, mut field: impl FnMut(&'static str, Value<'_>)) {
        field("method", Value::Text(self.method.as_str()));
        field("path", Value::Text(self.path()));
        field("status", Value::Number(self.status.into()));
        field("bytes", Value::Number(self.bytes));
        field("duration_ms", Value::Float(self.duration_ms()));
        field("client", Value::Text(&self.client.to_string()));
        field("version", Value::Text(self.version()));
        field("agent", Value::Text(self.agent()));
        field("request_id", Value::Text(self.id.as_str()));
        field("complete", Value::Bool(self.complete));
    }

    fn emit(&self) {
        tracing::info!(
            target: "access",
            method = self.method.as_str(),
            path = self.path(),
            status = self.status,
            bytes = self.bytes,
            duration_ms = self.duration_ms(),
            client = %self.client,
            version = self.version(),
            agent = self.agent(),
            request_id = self.id.as_str(),
            complete = self.complete,
        );
    }
}
