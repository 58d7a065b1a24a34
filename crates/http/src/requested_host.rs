//! The host that a client believes to talk to.

use http::{HeaderMap, header};

/// Longest host that is looked at: a DNS name and a port.
const MAX_LENGTH: usize = 253 + 6;

/// The `Host` of a request if it is made of what hosts and ports are made of, so that it may be put into a header or a page.
/// It is still whatever the client wrote.
pub fn requested_host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let is_host = (1..=MAX_LENGTH).contains(&host.len())
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
    is_host.then_some(host)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(host: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        requested_host(&headers).map(str::to_owned)
    }

    #[test]
    fn a_name_or_an_address_with_a_port_is_a_host() {
        for host in [
            "localhost:8080",
            "registry.example",
            "[::1]:8080",
            "10.0.0.1",
        ] {
            assert_eq!(of(host).as_deref(), Some(host));
        }
    }

    #[test]
    fn what_would_change_the_meaning_of_a_header_or_a_page_is_no_host() {
        for host in ["", "a\"b", "a/b", "a b", "user@host", "<b>", "a,b"] {
            assert_eq!(of(host), None, "{host}");
        }
    }
}
