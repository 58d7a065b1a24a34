//! How a connection is made where somebody configures that: the registry trusts authorities of its own; mirrors may go through
//! a proxy, and may take a certificate that nobody vouches for.

use reqwest::{Certificate, ClientBuilder, NoProxy, Proxy};

use crate::error::Error;
use crate::guard::AddressGuard;

/// Exceptions for connections. The default has none.
#[derive(Clone, Debug, Default)]
pub struct Transport {
    /// Take any certificate of an https server.
    pub any_certificate: bool,
    /// The proxy for http URLs.
    pub http_proxy: Option<String>,
    /// The proxy for https URLs.
    pub https_proxy: Option<String>,
    /// Hosts that are called without a proxy, as in `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// Certificates in DER of authorities that are trusted besides those of the system.
    pub authorities: Vec<Vec<u8>>,
}

impl Transport {
    /// Whether calls may go through a proxy, which then resolves names on its own.
    pub(crate) fn has_proxy(&self) -> bool {
        self.http_proxy.is_some() || self.https_proxy.is_some()
    }

    /// Proxies pass the guard, as every server that is called: here if they are addresses, when they are resolved if
    /// they are names.
    pub(crate) fn apply(
        &self,
        guard: &AddressGuard,
        mut builder: ClientBuilder,
    ) -> Result<ClientBuilder, Error> {
        let exempt = self.no_proxy.as_deref().and_then(NoProxy::from_string);
        for (url, make) in [
            (
                &self.http_proxy,
                Proxy::http as fn(String) -> reqwest::Result<Proxy>,
            ),
            (&self.https_proxy, Proxy::https),
        ] {
            if let Some(url) = url {
                guard.admit(url)?;
                let proxy = make(url.clone()).map_err(Error::Setup)?;
                builder = builder.proxy(proxy.no_proxy(exempt.clone()));
            }
        }
        if !self.authorities.is_empty() {
            let authorities = self
                .authorities
                .iter()
                .map(|der| Certificate::from_der(der));
            let authorities = authorities.collect::<reqwest::Result<Vec<_>>>();
            builder = builder.tls_certs_merge(authorities.map_err(Error::Setup)?);
        }
        if self.any_certificate {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        Ok(builder)
    }
}
