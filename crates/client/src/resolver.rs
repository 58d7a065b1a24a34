//! The guard as the resolver of the HTTP client: a connection can only be made to an address that
//! the guard returned, so the address that was checked is the address that is called.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::guard::AddressGuard;

/// Resolves names for the HTTP client through an [`AddressGuard`].
pub(crate) struct GuardedResolver(pub(crate) AddressGuard);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let found = guard.addresses(name.as_str()).await?;
            // Port 0: the client puts the port of the URL.
            let found: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(found)
        })
    }
}
