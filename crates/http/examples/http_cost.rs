//! What the server costs: CPU time per request beside a bare `axum::serve`, and per 100 MiB file beside a bare
//! `sendfile` loop. Servers run as child processes, so that only their own CPU time counts.
//!
//! `cargo run --release -p pierhead-http --example http_cost`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::FileExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use pierhead_http::{
    AccessLog, AccessLogOptions, FileSlice, LineFormat, Listener, ListenerKind, Server,
    ServerOptions,
};

const REQUESTS: usize = 100_000;
const ROUNDS: usize = 5;
const CONNECTIONS: usize = 32;
const LARGE: u64 = 100 * 1024 * 1024;
const LARGE_GETS: usize = 30;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [mode, file] => serve(mode, file),
        _ => measure(),
    }
}

fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("blob");
    let file = File::create(&path).unwrap();
    for at in 0..LARGE / (1024 * 1024) {
        file.write_all_at(&vec![at as u8; 1024 * 1024], at * 1024 * 1024)
            .unwrap();
    }
    let file = path.to_str().unwrap();
    println!(
        "keep-alive GET of a constant, {REQUESTS} requests on {CONNECTIONS} connections, least of {ROUNDS} rounds"
    );
    least_of_rounds(
        &[
            "axum",
            "pierhead",
            "spans",
            "log-text",
            "log-json",
            "lines-json",
        ],
        file,
        REQUESTS,
        load,
        "µs",
        1e6,
    );
    println!(
        "GET of a 100 MiB file, {LARGE_GETS} times on one connection, least of {ROUNDS} rounds"
    );
    least_of_rounds(&["floor", "pierhead"], file, LARGE_GETS, fetch, "ms", 1e3);
}

/// The modes take turns, so that what else the machine does meets all of them alike; the least is nearest to
/// what the work itself costs.
fn least_of_rounds(
    modes: &[&str],
    file: &str,
    count: usize,
    run: fn(SocketAddr, usize),
    unit: &str,
    per_second: f64,
) {
    let servers: Vec<_> = modes.iter().map(|mode| Spawned::new(mode, file)).collect();
    let mut least = vec![(f64::MAX, 0.0); modes.len()];
    for server in &servers {
        run(server.address, count / 10);
    }
    for _ in 0..ROUNDS {
        for (server, least) in servers.iter().zip(&mut least) {
            let (cpu, began) = (server.cpu(), Instant::now());
            run(server.address, count);
            // Lines of the access log come a moment later.
            std::thread::sleep(Duration::from_millis(100));
            let each = server.cpu().saturating_sub(cpu).as_secs_f64() * per_second / count as f64;
            if each < least.0 {
                *least = (each, count as f64 / began.elapsed().as_secs_f64());
            }
        }
    }
    for (mode, (each, rate)) in modes.iter().zip(&least) {
        println!(
            "{mode:>10}: {each:6.2} {unit} CPU, ratio {:.2}, {rate:7.0}/s",
            each / least[0].0
        );
    }
}

struct Spawned {
    child: Child,
    address: SocketAddr,
}

impl Spawned {
    fn new(mode: &str, file: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command
            .args([mode, file])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            address: line.trim().parse().unwrap(),
        }
    }

    /// User and system time of the process so far; the kernel counts in 10 ms.
    fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn load(address: SocketAddr, requests: usize) {
    let run = |connections: usize| {
        let mut streams: Vec<_> = (0..connections)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        let mut buffer = [0; 4096];
        for _ in 0..requests / CONNECTIONS {
            for stream in &mut streams {
                stream
                    .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: cost/1\r\n\r\n")
                    .unwrap();
            }
            for stream in &mut streams {
                let read = stream.read(&mut buffer).unwrap();
                assert!(buffer[..read].ends_with(b"hello"));
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| run(CONNECTIONS / 2));
        scope.spawn(|| run(CONNECTIONS / 2));
    });
}

fn fetch(address: SocketAddr, times: usize) {
    let mut stream = BufReader::with_capacity(256 * 1024, TcpStream::connect(address).unwrap());
    for _ in 0..times {
        stream
            .get_mut()
            .write_all(b"GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).unwrap();
        }
        let mut left = LARGE as usize;
        while left > 0 {
            let taken = stream.fill_buf().unwrap().len().min(left);
            assert_ne!(taken, 0);
            stream.consume(taken);
            left -= taken;
        }
    }
}

fn serve(mode: &str, file: &str) {
    if mode == "floor" {
        return floor(file);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let file = Arc::new(File::open(file).unwrap());
        let router = Router::new().route("/", get(|| async { "hello" })).route(
            "/file",
            get(move || async move { FileSlice::new(file, 0, LARGE) }),
        );
        if mode == "axum" {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            println!("{}", listener.local_addr().unwrap());
            axum::serve(listener, router).await.unwrap();
            return;
        }
        let null = Arc::new(File::options().write(true).open("/dev/null").unwrap());
        match mode {
            "log-text" => tracing_subscriber::fmt()
                .with_writer(null)
                .with_ansi(false)
                .init(),
            "log-json" => tracing_subscriber::fmt().json().with_writer(null).init(),
            "spans" => tracing_subscriber::fmt().with_writer(null).init(),
            _ => {}
        }
        let listeners = vec![Listener::new(
            "http",
            "127.0.0.1:0".parse().unwrap(),
            ListenerKind::Plain,
        )];
        let access_log = match mode {
            "log-text" | "log-json" => Some(AccessLog::start(AccessLogOptions::default()).unwrap()),
            "lines-json" => {
                let null = File::options().write(true).open("/dev/null").unwrap();
                Some(
                    AccessLog::start_writing(AccessLogOptions::default(), LineFormat::Json, null)
                        .unwrap(),
                )
            }
            _ => None,
        };
        let request_spans = mode == "spans";
        let options = ServerOptions {
            listeners,
            access_log,
            request_spans,
            ..ServerOptions::default()
        };
        let server = Server::bind(options, router).unwrap();
        println!("{}", server.addresses().next().unwrap().1);
        server.serve(std::future::pending()).await;
    });
}

/// Only what must be done: the head, then the file from the page cache to the socket.
fn floor(file: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    let file = File::open(file).unwrap();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut request = [0; 4096];
        while stream.read(&mut request).unwrap_or(0) > 0 {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n").unwrap();
            let mut offset = 0;
            while offset < LARGE {
                let left = (LARGE - offset) as usize;
                rustix::fs::sendfile(&stream, &file, Some(&mut offset), left).unwrap();
            }
        }
    }
}
