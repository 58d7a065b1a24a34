//! Networks and addresses of other servers.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;
use url::{Host, Url};

use crate::problem::{At, Found, Sink};
use crate::secret::REDACTED;
use crate::setting::Setting;

fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .ok()
}

impl Setting for IpNet {
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let found = value.as_str().and_then(network);
        if found.is_none() {
            sink.problem(
                at,
                Found::value(value),
                "an address or network such as 10.0.0.0/8",
            );
        }
        found
    }

    fn show(&self) -> Value {
        Value::from(self.to_string())
    }

    fn kind() -> String {
        "network (CIDR)".to_owned()
    }
}

/// Hosts that the guard against requests to private addresses lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedHost {
    /// Every address in a network.
    Network(IpNet),
    /// A host by its name, lower case.
    Name(String),
}

impl AllowedHost {
    /// The host of a URL, if it has one.
    pub fn of(url: &Url) -> Option<Self> {
        Some(match url.host()? {
            Host::Domain(name) => Self::Name(name.to_ascii_lowercase()),
            Host::Ipv4(address) => Self::Network(IpAddr::from(address).into()),
            Host::Ipv6(address) => Self::Network(IpAddr::from(address).into()),
        })
    }
}

impl Setting for AllowedHost {
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let text = String::read(value, at, sink)?;
        Some(network(&text).map_or_else(
            || Self::Name(text.trim().to_ascii_lowercase()),
            Self::Network,
        ))
    }

    fn show(&self) -> Value {
        match self {
            Self::Network(network) => Value::from(network.to_string()),
            Self::Name(name) => Value::from(name.as_str()),
        }
    }

    fn kind() -> String {
        "host name or network (CIDR)".to_owned()
    }
}

/// An `http://` or `https://` address. Credentials in it are not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl(Url);

impl HttpUrl {
    /// Parses an absolute http or https URL.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(Self(url))
    }

    /// A URL written in this crate.
    pub(crate) fn fixed(text: &'static str) -> Self {
        #[allow(clippy::expect_used)]
        Self::parse(text)
            .expect("a literal URL of a default parses; every default is built in tests")
    }

    /// The URL, with the credentials it may hold.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    fn shown(&self) -> String {
        if self.0.password().is_none() && self.0.username().is_empty() {
            return self.0.to_string();
        }
        let full = self.0.as_str();
        let authority = full.find("://").map_or(0, |at| at + 3);
        let host = full[authority..]
            .find('@')
            .map_or(authority, |at| authority + at);
        format!("{}{REDACTED}{}", &full[..authority], &full[host..])
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Setting for HttpUrl {
    const QUOTABLE: bool = false;

    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let url = value.as_str().and_then(Self::parse);
        if url.is_none() {
            // The text may hold credentials even if it is no URL.
            sink.problem(at, Found::kind(value), "an http:// or https:// URL");
        }
        url
    }

    fn show(&self) -> Value {
        Value::from(self.shown())
    }

    fn kind() -> String {
        "URL".to_owned()
    }
}
