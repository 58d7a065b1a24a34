//! From what the configuration says to listening sockets.
//!
//! `FEATURE_LISTEN_IP_VERSION` (config.md §3) chooses the families for all listeners; `--listen` gives one
//! explicit address instead.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use rustix::net::sockopt::set_ipv6_v6only;
use tokio::net::{TcpListener, TcpSocket};

use crate::error::HttpError;

/// The values of `FEATURE_LISTEN_IP_VERSION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IpFamilies {
    /// `IPv4`: all IPv4 addresses of the machine.
    #[default]
    V4,
    /// `IPv6`: all IPv6 addresses and no IPv4.
    V6,
    /// `dual-stack`: both, by one socket.
    Dual,
}

/// Where one listener listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// All addresses of the families.
    Any {
        /// Which families.
        families: IpFamilies,
        /// The port; 0 lets the kernel choose.
        port: u16,
    },
    /// Exactly these addresses (a host name may have several; the first that works is taken).
    Explicit(Vec<SocketAddr>),
}

impl FromStr for ListenAddress {
    type Err = HttpError;

    /// Reads `host:port`: an IPv4 address, an IPv6 address in brackets, or a name that the machine resolves.
    fn from_str(text: &str) -> Result<Self, HttpError> {
        let wrong = |reason: String| HttpError::Address {
            address: text.to_owned(),
            reason,
        };
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| wrong("the port is missing".into()))?;
        port.parse::<u16>()
            .map_err(|error| wrong(format!("port {port:?}: {error}")))?;
        if host.is_empty() {
            return Err(wrong("the host is missing".into()));
        }
        if host.contains(':') && !host.starts_with('[') {
            return Err(wrong("an IPv6 address is written in brackets".into()));
        }
        let addresses: Vec<_> = text
            .to_socket_addrs()
            .map_err(|error| wrong(error.to_string()))?
            .collect();
        Ok(Self::Explicit(addresses))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any {
                families: IpFamilies::V4,
                port,
            } => write!(f, "0.0.0.0:{port}"),
            Self::Any {
                families: IpFamilies::V6 | IpFamilies::Dual,
                port,
            } => write!(f, "[::]:{port}"),
            Self::Explicit(addresses) => {
                let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
                f.write_str(&addresses.join(", "))
            }
        }
    }
}

impl ListenAddress {
    /// Opens the socket. Needs a Tokio runtime.
    pub(crate) fn bind(
        &self,
        listener: &'static str,
        backlog: u32,
    ) -> Result<TcpListener, HttpError> {
        match self {
            Self::Any { families, port } => {
                let (address, v6only) = match families {
                    IpFamilies::V4 => (IpAddr::V4(Ipv4Addr::UNSPECIFIED), true),
                    IpFamilies::V6 => (IpAddr::V6(Ipv6Addr::UNSPECIFIED), true),
                    IpFamilies::Dual => (IpAddr::V6(Ipv6Addr::UNSPECIFIED), false),
                };
                open(listener, SocketAddr::new(address, *port), v6only, backlog)
            }
            Self::Explicit(addresses) => {
                let mut failure = None;
                for address in addresses {
                    match open(listener, *address, true, backlog) {
                        Ok(socket) => return Ok(socket),
                        Err(error) => failure.get_or_insert(error),
                    };
                }
                Err(failure.unwrap_or_else(|| HttpError::Address {
                    address: self.to_string(),
                    reason: "the name has no address".into(),
                }))
            }
        }
    }
}

/// Where the kernel lists every IPv6 address of every interface, one a line.
const IPV6_ADDRESSES: &str = "/proc/net/if_inet6";

/// Whether any interface has an IPv6 address. Where IPv6 is switched off by `disable_ipv6`, listening on all of no addresses
/// succeeds, and nobody can connect. A list that cannot be read says nothing.
fn has_ipv6(list: &str) -> bool {
    std::fs::read_to_string(list).map_or(true, |addresses| !addresses.trim().is_empty())
}

fn open(
    listener: &'static str,
    address: SocketAddr,
    v6only: bool,
    backlog: u32,
) -> Result<TcpListener, HttpError> {
    let attempt = || -> io::Result<TcpListener> {
        let socket = if address.is_ipv6() {
            TcpSocket::new_v6()?
        } else {
            TcpSocket::new_v4()?
        };
        if address.is_ipv6() {
            set_ipv6_v6only(&socket, v6only)?;
        }
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        if address.is_ipv6() && address.ip().is_unspecified() && !has_ipv6(IPV6_ADDRESSES) {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        socket.listen(backlog)
    };
    attempt().map_err(|source| {
        let unsupported =
            source.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error());
        let nowhere =
            source.kind() == io::ErrorKind::AddrNotAvailable && address.ip().is_unspecified();
        if address.is_ipv6() && (unsupported || nowhere) {
            HttpError::NoIpv6 {
                listener,
                address,
                source,
            }
        } else {
            HttpError::Bind {
                listener,
                address,
                source,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_listen_address_is_host_and_port() {
        let v4: ListenAddress = "127.0.0.1:8080".parse().unwrap();
        assert_eq!(
            v4,
            ListenAddress::Explicit(vec!["127.0.0.1:8080".parse().unwrap()])
        );
        let v6: ListenAddress = "[::1]:0".parse().unwrap();
        assert_eq!(
            v6,
            ListenAddress::Explicit(vec!["[::1]:0".parse().unwrap()])
        );
    }

    #[test]
    fn a_machine_whose_list_of_ipv6_addresses_is_empty_has_no_ipv6() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("if_inet6");
        let list = path.to_str().unwrap();
        assert!(has_ipv6(list), "a list that is not there");
        std::fs::write(&path, "").unwrap();
        assert!(!has_ipv6(list));
        std::fs::write(
            &path,
            "00000000000000000000000000000001 01 80 10 80       lo\n",
        )
        .unwrap();
        assert!(has_ipv6(list));
    }

    #[test]
    fn a_wrong_listen_address_says_what_to_write() {
        for text in [
            "8080",
            ":8080",
            "::1:8080",
            "127.0.0.1:http",
            "127.0.0.1:99999",
        ] {
            let message = text.parse::<ListenAddress>().unwrap_err().to_string();
            assert!(message.contains("write host:port"), "{text}: {message}");
        }
    }
}
