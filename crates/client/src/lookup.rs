//! From a name to addresses; a trait, so that tests own what names mean.

use std::io;
use std::net::IpAddr;

/// Finds the addresses of a host name.
#[async_trait::async_trait]
pub trait Lookup: Send + Sync {
    /// Every address of `host`. An error means that the name has none.
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

#[async_trait::async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}
