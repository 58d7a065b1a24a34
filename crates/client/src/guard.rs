//! Which hosts this server may be made to call.
//!
//! Two policies, as Quay has two. *Public only* is for sources of mirrors, upstreams of proxy caches,
//! callbacks of exported logs and issuers of robot federation: private and special addresses, and the
//! names of metadata services and cluster APIs, are refused unless `SSRF_ALLOWED_HOSTS` names the host
//! or its network. *Webhooks* is for notifications, which are meant for servers of the own network:
//! `WEBHOOK_HOSTNAME_BLACKLIST`, `localhost` and `127.0.0.1` are refused by name as in Quay, and this
//! machine and its link (metadata services) by address.
//!
//! A name counts only with what it resolves to: if one of its addresses is refused, the name is.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use pierhead_config::AllowedHost;
use url::{Host, Url};

use crate::addresses::{is_own_machine_or_link, is_public};
use crate::lookup::{Lookup, SystemLookup};
use crate::refused::Refused;

/// Names that mean a metadata service or the API of the cluster, whatever they resolve to.
const INTERNAL_NAMES: [&str; 8] = [
    "localhost",
    "metadata",
    "metadata.google.internal",
    "metadata.azure.internal",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

/// Suffixes of names that exist only inside a network.
const INTERNAL_SUFFIXES: [&str; 2] = [".internal", ".local"];

/// Names that no webhook goes to, besides those of the configuration.
const NO_WEBHOOKS: [&str; 2] = ["localhost", "127.0.0.1"];

/// What Quay says of a URL without a host. The texts of this guard are Quay's, as its console shows them.
const NO_HOST: &str = "URL must include a hostname";

/// The longest URL that is accepted, in bytes.
const LONGEST_URL: usize = 8192;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    PublicOnly,
    Webhooks,
}

/// Decides which hosts may be called. Cheap to clone.
#[derive(Clone)]
pub struct AddressGuard {
    policy: Policy,
    allowed: Arc<[AllowedHost]>,
    refused_names: Arc<[String]>,
    lookup: Arc<dyn Lookup>,
}

impl fmt::Debug for AddressGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressGuard")
            .field("policy", &self.policy)
            .field("allowed", &self.allowed)
            .field("refused_names", &self.refused_names)
            .finish_non_exhaustive()
    }
}

impl AddressGuard {
    /// Public hosts, and those of `SSRF_ALLOWED_HOSTS`.
    pub fn public_only(allowed: &[AllowedHost]) -> Self {
        Self {
            policy: Policy::PublicOnly,
            allowed: allowed.into(),
            refused_names: Arc::default(),
            lookup: Arc::new(SystemLookup),
        }
    }

    /// Every host but this machine, its link and those of `WEBHOOK_HOSTNAME_BLACKLIST`. Addresses of
    /// this machine can be exempted by `SSRF_ALLOWED_HOSTS`, refused names cannot.
    pub fn webhooks(allowed: &[AllowedHost], blacklist: &[String]) -> Self {
        let refused_names = NO_WEBHOOKS
            .iter()
            .map(|name| (*name).to_owned())
            .chain(blacklist.iter().map(|name| plain(name)))
            .collect();
        Self {
            policy: Policy::Webhooks,
            allowed: allowed.into(),
            refused_names,
            lookup: Arc::new(SystemLookup),
        }
    }

    /// The same guard with another way to resolve names.
    #[must_use]
    pub fn with_lookup(mut self, lookup: Arc<dyn Lookup>) -> Self {
        self.lookup = lookup;
        self
    }

    /// Checks what can be known without resolving the name: for code that validates a configuration
    /// and cannot wait. An internal name is refused here even if its network is allowed.
    ///
    /// # Errors
    /// [`Refused`] as its variants say.
    pub fn check_url(&self, text: &str) -> Result<Url, Refused> {
        let url = self.admit(text)?;
        if let Some(Host::Domain(name)) = url.host()
            && let Some(reason) = self.refused_by_name(name)
        {
            return Err(Refused::blocked(name, reason));
        }
        Ok(url)
    }

    /// Checks a URL together with every address that its host has now: for the moment when somebody
    /// configures it.
    ///
    /// # Errors
    /// [`Refused`] as its variants say.
    pub async fn resolve_url(&self, text: &str) -> Result<Url, Refused> {
        let url = self.admit(text)?;
        if let Some(Host::Domain(name)) = url.host() {
            self.addresses(name).await?;
        }
        Ok(url)
    }

    /// Whether an exemption names the host of this URL as it is written, so that the administrator vouches for it.
    pub fn exempts(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url.trim()) else {
            return false;
        };
        match url.host() {
            Some(Host::Domain(name)) => self.allows_name(name),
            Some(Host::Ipv4(address)) => self.allows_address(address.into()),
            Some(Host::Ipv6(address)) => self.allows_address(address.into()),
            None => false,
        }
    }

    /// A URL whose form is good and whose host, if it is an address, may be called. A name is left
    /// to [`Self::addresses`].
    pub(crate) fn admit(&self, text: &str) -> Result<Url, Refused> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Refused::malformed("External registry URL is required"));
        }
        if text.len() > LONGEST_URL {
            return Err(Refused::malformed(format!(
                "The URL is longer than {LONGEST_URL} bytes"
            )));
        }
        let url = Url::parse(text).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => wrong_scheme(""),
            url::ParseError::EmptyHost => Refused::malformed(NO_HOST),
            _ => Refused::malformed("Invalid URL format"),
        })?;
        self.admit_url(&url)?;
        Ok(url)
    }

    /// As [`Self::admit`], for a URL that is parsed already: a redirect.
    pub(crate) fn admit_url(&self, url: &Url) -> Result<(), Refused> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong_scheme(url.scheme()));
        }
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        if has_credentials && self.policy == Policy::PublicOnly {
            return Err(Refused::malformed(
                "URLs with embedded credentials are not allowed",
            ));
        }
        match url.host() {
            None => Err(Refused::malformed(NO_HOST)),
            Some(Host::Domain(_)) => Ok(()),
            Some(Host::Ipv4(address)) => self.admit_address(&address.to_string(), address.into()),
            Some(Host::Ipv6(address)) => self.admit_address(&address.to_string(), address.into()),
        }
    }

    /// An address that is written in the URL itself.
    fn admit_address(&self, written: &str, address: IpAddr) -> Result<(), Refused> {
        if let Some(reason) = self.refused_by_name(written) {
            return Err(Refused::blocked(written, reason));
        }
        match self.refused_address(address) {
            Some(reason) if !self.allows_address(address) => Err(Refused::blocked(written, reason)),
            _ => Ok(()),
        }
    }

    /// The addresses of `host` now, all of which may be called.
    ///
    /// # Errors
    /// [`Refused::Unresolvable`], or [`Refused::Blocked`] if one of them may not be called.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Refused> {
        let reason = self.refused_by_name(host);
        if let Some(reason) = reason
            && self.policy == Policy::Webhooks
        {
            return Err(Refused::blocked(host, reason));
        }
        let found = self.lookup.lookup(host).await.unwrap_or_else(|error| {
            tracing::debug!(host, %error, "a host name could not be resolved");
            Vec::new()
        });
        if found.is_empty() {
            return Err(Refused::Unresolvable(host.to_owned()));
        }
        // An internal name is let through if its network is allowed.
        if let Some(reason) = reason
            && !found.iter().any(|address| self.allows_address(*address))
        {
            return Err(Refused::blocked(host, reason));
        }
        if !self.allows_name(host) {
            for address in &found {
                if let Some(reason) = self.refused_address(*address)
                    && !self.allows_address(*address)
                {
                    return Err(Refused::blocked(host, reason));
                }
            }
        }
        Ok(found)
    }

    fn refused_by_name(&self, host: &str) -> Option<&'static str> {
        let name = plain(host);
        match self.policy {
            Policy::Webhooks => self
                .refused_names
                .contains(&name)
                .then_some("WEBHOOK_HOSTNAME_BLACKLIST refuses the name"),
            Policy::PublicOnly => {
                let internal = INTERNAL_NAMES.contains(&name.as_str())
                    || INTERNAL_SUFFIXES
                        .iter()
                        .any(|suffix| name.ends_with(suffix));
                (internal && !self.allows_name(host)).then_some("the name is an internal one")
            }
        }
    }

    fn refused_address(&self, address: IpAddr) -> Option<&'static str> {
        let refused = match self.policy {
            Policy::PublicOnly => !is_public(address),
            Policy::Webhooks => is_own_machine_or_link(address),
        };
        refused.then_some("the address is private or reserved")
    }

    fn allows_name(&self, host: &str) -> bool {
        let host = plain(host);
        self.allowed
            .iter()
            .any(|entry| matches!(entry, AllowedHost::Name(name) if plain(name) == host))
    }

    fn allows_address(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(
            |entry| matches!(entry, AllowedHost::Network(network) if network.contains(&address)),
        )
    }
}

fn wrong_scheme(scheme: &str) -> Refused {
    Refused::malformed(format!(
        "Invalid URL scheme '{scheme}': only HTTP and HTTPS are allowed"
    ))
}

/// A host name as names are compared: lower case, without the dot of the root.
fn plain(host: &str) -> String {
    let host = host.trim().to_ascii_lowercase();
    host.strip_suffix('.').map(str::to_owned).unwrap_or(host)
}

#[cfg(test)]
mod tests;
