//! A server on a free port, and a plain HTTP/1 client that shows every byte.

use std::net::SocketAddr;

use axum::Router;
use pierhead_http::{HttpError, Listener, ListenerKind, Server, ServerOptions};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) addresses: Vec<(&'static str, SocketAddr)>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Running {
    /// One listener of `kind` on 127.0.0.1.
    pub(crate) fn start(kind: ListenerKind, options: ServerOptions, router: Router) -> Self {
        let listener = Listener::new("test", "127.0.0.1:0".parse().unwrap(), kind);
        Self::start_all(
            ServerOptions {
                listeners: vec![listener],
                ..options
            },
            router,
        )
    }

    pub(crate) fn plain(router: Router) -> Self {
        Self::start(ListenerKind::Plain, ServerOptions::default(), router)
    }

    pub(crate) fn start_all(options: ServerOptions, router: Router) -> Self {
        Self::try_start(options, router).unwrap()
    }

    pub(crate) fn try_start(options: ServerOptions, router: Router) -> Result<Self, HttpError> {
        let server = Server::bind(options, router)?;
        let addresses: Vec<_> = server.addresses().collect();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(server.serve(async {
            let _ = stopped.await;
        }));
        Ok(Self {
            address: addresses[0].1,
            addresses,
            stop,
            served,
        })
    }

    /// Tells the server to stop; the handle ends when it has.
    pub(crate) fn stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.served
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }
}

pub(crate) struct Client {
    pub(crate) stream: BufReader<TcpStream>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self {
            stream: BufReader::new(TcpStream::connect(address).await.unwrap()),
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.get_with(path, "").await
    }

    /// `headers`: whole lines.
    pub(crate) async fn get_with(&mut self, path: &str, headers: &str) -> Answer {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"
        ))
        .await;
        self.answer().await
    }

    pub(crate) async fn head(&mut self) -> (u16, String) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(
                self.stream.read_line(&mut head).await.unwrap(),
                0,
                "closed after {head:?}"
            );
        }
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head)
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        let (status, head) = self.head().await;
        let mut answer = Answer {
            status,
            head,
            body: Vec::new(),
        };
        let length = answer
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        answer.body.resize(length, 0);
        self.stream.read_exact(&mut answer.body).await.unwrap();
        answer
    }

    /// What the server still sends, until it closes. A reset counts as closed.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest).await;
        rest
    }
}
