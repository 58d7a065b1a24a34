//! The connection below the protocol.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Result;
use crate::error::Error;
use crate::server::Inner;

/// TCP, or TLS over it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub(crate) async fn connect(server: &Inner) -> Result<Box<dyn Stream>> {
    let refused = |source| Error::Connect {
        address: server.address.clone(),
        source,
    };
    let tcp = TcpStream::connect((server.host.as_str(), server.port))
        .await
        .map_err(refused)?;
    // Commands are short, and each is waited for.
    tcp.set_nodelay(true).map_err(refused)?;
    let Some((config, name)) = &server.tls else {
        return Ok(Box::new(tcp));
    };
    let tls = TlsConnector::from(config.clone())
        .connect(name.clone(), tcp)
        .await
        .map_err(|source| Error::Tls {
            address: server.address.clone(),
            source,
        })?;
    Ok(Box::new(tls))
}
