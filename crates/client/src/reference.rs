//! References to a repository of another registry, as repository mirroring takes them:
//! `registry[:port]/path`, without a scheme. Only the registry decides where requests go.

use url::{Host, Url};

use crate::guard::AddressGuard;
use crate::refused::Refused;

/// The longest host name of DNS, in bytes.
const LONGEST_NAME: usize = 253;
/// The longest label of a host name, in bytes.
const LONGEST_LABEL: usize = 63;

impl AddressGuard {
    /// Checks a mirror's source without resolving its registry.
    ///
    /// # Errors
    /// [`Refused`] as its variants say.
    pub fn check_reference(&self, reference: &str) -> Result<(), Refused> {
        self.check_url(&registry_url(reference)?).map(drop)
    }

    /// Checks a mirror's source together with every address that its registry has now.
    ///
    /// # Errors
    /// [`Refused`] as its variants say.
    pub async fn resolve_reference(&self, reference: &str) -> Result<(), Refused> {
        self.resolve_url(&registry_url(reference)?).await.map(drop)
    }
}

/// The URL of the registry of a reference.
fn registry_url(reference: &str) -> Result<String, Refused> {
    if reference.trim().is_empty() {
        return Err(Refused::malformed(
            "External registry reference is required",
        ));
    }
    if reference.chars().any(char::is_whitespace) {
        return Err(Refused::malformed(
            "External registry reference must not include whitespace",
        ));
    }
    if reference.contains("://") {
        return Err(Refused::malformed(
            "External registry reference must not include a URL scheme",
        ));
    }
    if reference.contains(['?', '#', '\\', '%']) {
        return Err(Refused::malformed(
            "External registry reference contains an invalid character",
        ));
    }
    let registry = match reference.split_once('/') {
        Some((registry, path)) if !registry.is_empty() && !path.is_empty() => registry,
        _ => {
            return Err(Refused::malformed(
                "External registry reference must include a repository path",
            ));
        }
    };
    let wrong =
        || Refused::malformed("External registry reference must include a valid registry hostname");
    let wrong_authority =
        || Refused::malformed("External registry reference contains an invalid registry authority");
    let (host, port) = authority(registry).ok_or_else(wrong_authority)?;
    match port.map(|port| (port, port.parse::<u16>())) {
        None | Some((_, Ok(1..))) => {}
        Some(("", _) | (_, Ok(0))) => {
            return Err(Refused::malformed(
                "External registry reference contains an invalid registry port",
            ));
        }
        Some((_, Err(_))) => return Err(wrong_authority()),
    }
    let url = format!("https://{registry}");
    let parsed = Url::parse(&url).map_err(|_| wrong())?;
    match parsed.host() {
        Some(Host::Domain(_)) if is_host_name(host) => Ok(url),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => Ok(url),
        _ => Err(wrong()),
    }
}

/// Host and port, of which an address of IPv6 is in brackets.
fn authority(registry: &str) -> Option<(&str, Option<&str>)> {
    if registry.starts_with('[') {
        let (host, rest) = registry.split_once(']')?;
        return match rest {
            "" => Some((host, None)),
            rest => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    match registry.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((registry, None)),
    }
}

fn is_host_name(host: &str) -> bool {
    host.len() <= LONGEST_NAME
        && host.split('.').all(|label| {
            (1..=LONGEST_LABEL).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn check(reference: &str) -> Result<(), Refused> {
        AddressGuard::public_only(&[]).check_reference(reference)
    }

    #[test]
    fn a_registry_with_a_path_is_accepted() {
        for reference in [
            "quay.io/projectquay/quay",
            "quay.io/Team/Nested.Repository:Tag",
            "quay.io/team/repository@sha256:abc",
            "registry.example.com:5000/team/repository",
            "93.184.216.34/team/repository",
            "[2606:2800:220:1:248:1893:25c8:1946]:5000/team/repository",
        ] {
            assert_eq!(check(reference), Ok(()), "{reference}");
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for reference in [
            "",
            " ",
            "quay.io",
            "quay.io/",
            "/team/repository",
            " quay.io/team/repository",
            "quay.io/team/repo sitory",
            "https://quay.io/team/repository",
            "quay.io/team?x=y",
            "quay.io/team#x",
            "quay.io\\evil/team",
            "quay%2eio/team",
            "user@quay.io/team",
            "user:password@quay.io/team",
            "quay.io:/team",
            "quay.io:0/team",
            "quay.io:65536/team",
            "quay.io:80:80/team",
            "[2606:2800::1/team",
            "[2606:2800::1]x/team",
            "-quay.io/team",
            "quay..io/team",
            "quay.io./team",
            "qu_ay.io/team",
        ] {
            assert!(
                matches!(check(reference), Err(Refused::Malformed(_))),
                "{reference}"
            );
        }
    }

    #[test]
    fn it_is_refused_in_quays_words() {
        let begin = "External registry reference ";
        for (reference, end) in [
            ("", "is required"),
            ("quay.io/a b", "must not include whitespace"),
            ("https://quay.io/a", "must not include a URL scheme"),
            ("quay.io/a?b", "contains an invalid character"),
            ("quay.io", "must include a repository path"),
            ("quay.io:/a", "contains an invalid registry port"),
            ("quay.io:1:2/a", "contains an invalid registry authority"),
            ("quay..io/a", "must include a valid registry hostname"),
        ] {
            let refused = check(reference).unwrap_err();
            assert_eq!(refused.to_string(), format!("{begin}{end}"), "{reference}");
        }
    }

    #[test]
    fn the_registry_passes_the_address_guard() {
        for reference in [
            "localhost:5000/team/repository",
            "127.0.0.1:5000/team/repository",
            "[::1]:5000/team/repository",
            "10.0.0.1/team/repository",
            "registry.local/team/repository",
        ] {
            assert!(
                matches!(check(reference), Err(Refused::Blocked { .. })),
                "{reference}"
            );
        }
    }
}
