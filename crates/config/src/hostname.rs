//! The public host name of the registry.

use std::fmt;

use serde_json::Value;

use crate::problem::{At, Found, Sink};
use crate::setting::Setting;

/// `SERVER_HOSTNAME`: a host name or address, with a port if it is not the scheme's own. IPv6
/// addresses stand in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHostname(String);

impl ServerHostname {
    /// Checks the form `host[:port]`.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']')?;
                address.parse::<std::net::Ipv6Addr>().ok()?;
                match rest {
                    "" => (address, None),
                    rest => (address, Some(rest.strip_prefix(':')?)),
                }
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let valid_host = text.starts_with('[')
            || (!host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-')));
        let valid_port = port.is_none_or(|port| {
            port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
        });
        (valid_host && valid_port).then(|| Self(text.to_owned()))
    }

    /// Host and port as configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host without the port and without brackets.
    pub fn host(&self) -> &str {
        match self.0.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => self.0.split(':').next().unwrap_or(&self.0),
        }
    }

    /// The port, if one is written.
    pub fn port(&self) -> Option<u16> {
        let after_host = self.0.rsplit(']').next()?;
        after_host.rsplit_once(':')?.1.parse().ok()
    }
}

impl Default for ServerHostname {
    fn default() -> Self {
        Self("localhost:5000".to_owned())
    }
}

impl fmt::Display for ServerHostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Setting for ServerHostname {
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let hostname = value.as_str().and_then(Self::parse);
        if hostname.is_none() {
            sink.problem(
                at,
                Found::value(value),
                "a host name with an optional port, without scheme: registry.example.com or registry.example.com:8443",
            );
        }
        hostname
    }

    fn show(&self) -> Value {
        Value::from(self.0.as_str())
    }

    fn kind() -> String {
        "host name".to_owned()
    }
}
