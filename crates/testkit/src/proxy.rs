//! A TCP proxy that takes a service away from the server under test and gives it back.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{Error, Result};

/// Forwards connections on a loopback port to another one, until it is [cut](Proxy::cut).
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    open: Arc<watch::Sender<bool>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Forwards to `target` on 127.0.0.1.
    pub async fn start(target: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(Error::io("listen on", "127.0.0.1:0"))?;
        let port = listener
            .local_addr()
            .map_err(Error::io("listen on", "127.0.0.1:0"))?
            .port();
        let target = SocketAddr::from(([127, 0, 0, 1], target));
        let open = Arc::new(watch::Sender::new(true));
        let gate = Arc::clone(&open);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, target, gate.subscribe()));
            }
        });
        Ok(Self {
            port,
            open,
            accepting,
        })
    }

    /// Ends every connection and refuses new ones.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        self.open.send_replace(true);
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

/// Both sockets are closed when this returns, which is what a cut looks like from both sides.
async fn forward(mut client: TcpStream, target: SocketAddr, mut gate: watch::Receiver<bool>) {
    if !*gate.borrow_and_update() {
        return;
    }
    let Ok(mut server) = TcpStream::connect(target).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = gate.wait_for(|open| !open) => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::Redis;

    async fn pings(port: u16) -> bool {
        let mut connection = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut answer = [0; 7];
        connection.write_all(b"PING\r\n").await.is_ok()
            && connection.read_exact(&mut answer).await.is_ok()
    }

    #[tokio::test]
    async fn a_cut_ends_connections_until_it_is_restored() {
        let redis = Redis::start().await.unwrap();
        let proxy = Proxy::start(redis.port()).await.unwrap();
        assert!(pings(proxy.port()).await);
        let mut open = TcpStream::connect(("127.0.0.1", proxy.port()))
            .await
            .unwrap();
        open.write_all(b"PING\r\n").await.unwrap();
        open.read_exact(&mut [0; 7]).await.unwrap();
        proxy.cut();
        assert_eq!(open.read(&mut [0; 7]).await.unwrap_or(0), 0);
        assert!(!pings(proxy.port()).await);
        proxy.restore();
        assert!(pings(proxy.port()).await);
    }
}
