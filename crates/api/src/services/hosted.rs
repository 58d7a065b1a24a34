//! Services that somebody else hosts and the operator names in `config.yaml` (GitHub, GitLab, Bitbucket, Google): how their
//! REST APIs are called, and how OAuth gets a token for them. What they are asked for is the matter of
//! [`triggers`](super::triggers) and [`external_login`](super::external_login).
//!
//! The services are the operator's choice, so their hosts may be in the own network. Every call has a time and a size limit,
//! and so have all calls of one request together. Secrets and tokens are in headers and bodies, never in an address.

use std::net::IpAddr;

use pierhead_client::{AddressGuard, Client, Limits, Transport};
use pierhead_config::{AllowedHost, Config, HttpUrl};

pub(crate) mod connection;
mod error;
pub(crate) mod github_addresses;
pub(crate) mod json_path;
pub(crate) mod oauth1;
pub(crate) mod oauth2;

pub(crate) use error::HostError;

/// A result of a call.
pub(crate) type Result<T, E = HostError> = std::result::Result<T, E>;

/// A client that reaches public addresses, those that are exempt, and these endpoints wherever they are.
pub(crate) fn client<'u>(
    endpoints: impl IntoIterator<Item = &'u HttpUrl>,
    config: &Config,
    transport: &Transport,
    limits: Limits,
) -> Result<Client, pierhead_client::Error> {
    let named = endpoints.into_iter().filter_map(allowed);
    let exempt = config.mirroring.ssrf_allowed_hosts.iter().cloned();
    let allowed: Vec<AllowedHost> = exempt.chain(named).collect();
    Client::with_transport(AddressGuard::public_only(&allowed), limits, transport)
}

/// The host of an address.
fn allowed(endpoint: &HttpUrl) -> Option<AllowedHost> {
    let host = endpoint.as_url().host_str()?;
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    Some(match address {
        Ok(address) => AllowedHost::Network(address.into()),
        Err(_) => AllowedHost::Name(host.to_owned()),
    })
}
