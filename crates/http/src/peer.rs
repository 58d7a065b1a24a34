//! Who is at the other end, also behind proxies.
//!
//! `X-Forwarded-For`, `-Proto` and `-Host` are believed only when the connection comes from a trusted network
//! (`TRUSTED_PROXY_CIDR`), and only as many entries from the right as there are proxies (`PROXY_COUNT`), each
//! of which must have been added by a trusted address. Anything else is what a client may have invented.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The client of a request; a request extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Address of the client, as far as it can be trusted. IPv4 is never written as mapped IPv6.
    pub address: IpAddr,
    /// Whether the client's own connection is encrypted.
    pub secure: bool,
}

/// The host the client asked a trusted proxy for; a request extension that is there only then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardedHost(pub HeaderValue);

/// Which peers may speak for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxies {
    /// Networks of the proxies (`TRUSTED_PROXY_CIDR`); empty trusts nobody.
    pub networks: Vec<IpNet>,
    /// Proxies in a row (`PROXY_COUNT`).
    pub hops: usize,
}

impl Default for TrustedProxies {
    fn default() -> Self {
        Self {
            networks: Vec::new(),
            hops: 1,
        }
    }
}

impl TrustedProxies {
    /// Whether `address` belongs to a proxy.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }

    /// The client behind a connection that [`trusts`](Self::trusts) has accepted.
    pub(crate) fn client(&self, connection: Peer, headers: &HeaderMap) -> Peer {
        let mut peer = connection;
        let mut entries = from_the_right(headers, &FORWARDED_FOR);
        for _ in 0..self.hops {
            if !self.trusts(peer.address) {
                break;
            }
            let Some(address) = entries.next().and_then(parse_address) else {
                break;
            };
            peer.address = address;
        }
        if let Some(scheme) = from_the_right(headers, &FORWARDED_PROTO).next() {
            peer.secure = scheme.eq_ignore_ascii_case("https");
        }
        peer
    }
}

pub(crate) fn forwarded_host(headers: &HeaderMap) -> Option<ForwardedHost> {
    headers.get(FORWARDED_HOST).cloned().map(ForwardedHost)
}

/// The comma-separated entries of all lines of a header, the last first.
fn from_the_right<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let lines: Vec<_> = headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .collect();
    lines
        .into_iter()
        .rev()
        .flat_map(|line| line.rsplit(','))
        .map(str::trim)
}

/// An address, also with a port, as some balancers write it.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare
        .parse()
        .ok()
        .or_else(|| Some(text.parse::<std::net::SocketAddr>().ok()?.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn client(
        networks: &[&str],
        hops: usize,
        connection: &str,
        forwarded: &[&'static str],
    ) -> String {
        let trusted = TrustedProxies {
            networks: networks
                .iter()
                .map(|network| network.parse().unwrap())
                .collect(),
            hops,
        };
        let headers = forwarded
            .iter()
            .map(|line| (FORWARDED_FOR, HeaderValue::from_static(line)))
            .collect::<HeaderMap>();
        let connection = Peer {
            address: connection.parse().unwrap(),
            secure: false,
        };
        trusted.client(connection, &headers).address.to_string()
    }

    #[test]
    fn one_trusted_proxy_is_believed_for_its_own_entry_only() {
        assert_eq!(
            client(&["10.0.0.0/8"], 1, "10.1.1.1", &["6.6.6.6, 203.0.113.7"]),
            "203.0.113.7"
        );
        assert_eq!(
            client(&["10.0.0.0/8"], 1, "10.1.1.1", &["6.6.6.6", "203.0.113.7"]),
            "203.0.113.7"
        );
    }

    #[test]
    fn a_stranger_cannot_forge_its_address() {
        assert_eq!(
            client(&["10.0.0.0/8"], 1, "192.0.2.1", &["6.6.6.6"]),
            "192.0.2.1"
        );
        assert_eq!(client(&[], 1, "10.1.1.1", &["6.6.6.6"]), "10.1.1.1");
        // The inner proxy is trusted, but what it reports came from a stranger, whose entry is not.
        assert_eq!(
            client(&["10.0.0.0/8"], 2, "10.1.1.1", &["6.6.6.6, 192.0.2.1"]),
            "192.0.2.1"
        );
    }

    #[test]
    fn two_proxies_in_a_row_reach_the_client() {
        assert_eq!(
            client(&["10.0.0.0/8"], 2, "10.1.1.1", &["203.0.113.7, 10.2.2.2"]),
            "203.0.113.7"
        );
        assert_eq!(
            client(&["10.0.0.0/8"], 1, "10.1.1.1", &["203.0.113.7, 10.2.2.2"]),
            "10.2.2.2"
        );
    }

    #[test]
    fn an_unreadable_entry_leaves_the_proxy_as_the_client() {
        assert_eq!(
            client(&["10.0.0.0/8"], 1, "10.1.1.1", &["unknown"]),
            "10.1.1.1"
        );
        assert_eq!(
            client(&["fd00::/8"], 1, "fd00::1", &["[2001:db8::7]:4711"]),
            "2001:db8::7"
        );
        assert_eq!(
            client(&["10.0.0.0/8"], 1, "10.1.1.1", &["::ffff:203.0.113.7"]),
            "203.0.113.7"
        );
    }

    #[test]
    fn the_scheme_comes_from_the_nearest_proxy() {
        let trusted = TrustedProxies {
            networks: vec!["10.0.0.0/8".parse().unwrap()],
            hops: 1,
        };
        let headers =
            HeaderMap::from_iter([(FORWARDED_PROTO, HeaderValue::from_static("http, HTTPS"))]);
        let connection = Peer {
            address: "10.1.1.1".parse().unwrap(),
            secure: false,
        };
        assert!(trusted.client(connection, &headers).secure);
    }
}
