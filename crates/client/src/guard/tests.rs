#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use pierhead_config::AllowedHost;

use crate::{AddressGuard, Lookup, Refused};

/// A name service with a few names.
struct Names(HashMap<&'static str, Vec<IpAddr>>);

#[async_trait::async_trait]
impl Lookup for Names {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.0
            .get(host)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn names() -> Arc<dyn Lookup> {
    let addresses = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
    Arc::new(Names(HashMap::from([
        ("registry.example.com", addresses(&["93.184.216.34"])),
        ("rebound.example.com", addresses(&["127.0.0.1"])),
        ("metadata.example.com", addresses(&["169.254.169.254"])),
        (
            "both.example.com",
            addresses(&["93.184.216.34", "10.0.0.1"]),
        ),
        ("inner.example.com", addresses(&["10.0.0.1"])),
        ("quay.internal", addresses(&["10.0.0.2"])),
        ("localhost", addresses(&["93.184.216.34"])),
        ("empty.example.com", addresses(&[])),
    ])))
}

fn network(text: &str) -> AllowedHost {
    AllowedHost::Network(text.parse().unwrap())
}

fn name(text: &str) -> AllowedHost {
    AllowedHost::Name(text.to_owned())
}

fn public(allowed: &[AllowedHost]) -> AddressGuard {
    AddressGuard::public_only(allowed).with_lookup(names())
}

fn webhooks(allowed: &[AllowedHost], blacklist: &[&str]) -> AddressGuard {
    let blacklist: Vec<String> = blacklist.iter().map(|name| (*name).to_owned()).collect();
    AddressGuard::webhooks(allowed, &blacklist).with_lookup(names())
}

fn is_blocked<T: std::fmt::Debug>(result: &Result<T, Refused>) -> bool {
    matches!(result, Err(Refused::Blocked { .. }))
}

fn is_malformed<T: std::fmt::Debug>(result: &Result<T, Refused>) -> bool {
    matches!(result, Err(Refused::Malformed(_)))
}

#[tokio::test]
async fn a_public_host_passes_by_name_and_by_address() {
    let guard = public(&[]);
    for url in [
        "https://registry.example.com",
        "http://registry.example.com:5000/v2/",
        "https://93.184.216.34",
        "https://[2606:2800:220:1:248:1893:25c8:1946]:8443/",
    ] {
        guard.check_url(url).unwrap();
        guard.resolve_url(url).await.unwrap();
    }
}

#[test]
fn what_is_no_http_url_is_malformed() {
    let guard = public(&[]);
    let long = format!("https://registry.example.com/{}", "a".repeat(9000));
    for url in [
        "",
        "   ",
        "registry.example.com",
        "ftp://registry.example.com",
        "file:///etc/passwd",
        "gopher://registry.example.com",
        "javascript:alert(1)",
        "https://",
        "https://user@registry.example.com",
        "https://user:password@registry.example.com",
        "https://registry example",
        &long,
    ] {
        assert!(is_malformed(&guard.check_url(url)), "{url}");
    }
}

#[test]
fn a_private_address_is_blocked_in_every_notation() {
    let guard = public(&[]);
    for url in [
        "https://127.0.0.1",
        "http://10.1.2.3:8080/x",
        "http://169.254.169.254/latest/meta-data",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::a00:1]/",
        "http://[::]/",
    ] {
        assert!(is_blocked(&guard.check_url(url)), "{url}");
    }
}

#[tokio::test]
async fn an_internal_name_is_blocked_even_if_it_resolves_to_a_public_address() {
    let guard = public(&[]);
    for url in [
        "https://localhost",
        "https://LOCALHOST",
        "https://localhost.",
        "https://metadata",
        "https://kubernetes.default.svc",
        "https://quay.internal",
        "https://printer.local",
    ] {
        assert!(is_blocked(&guard.check_url(url)), "{url}");
    }
    assert!(is_blocked(&guard.resolve_url("https://localhost").await));
}

#[tokio::test]
async fn a_name_is_blocked_if_one_of_its_addresses_is() {
    let guard = public(&[]);
    for url in [
        "https://rebound.example.com",
        "https://metadata.example.com",
        "https://both.example.com",
        "https://inner.example.com",
    ] {
        assert!(guard.check_url(url).is_ok(), "{url}");
        assert!(is_blocked(&guard.resolve_url(url).await), "{url}");
    }
}

#[tokio::test]
async fn a_name_without_an_address_is_unresolvable() {
    let guard = public(&[]);
    for url in ["https://nowhere.example.com", "https://empty.example.com"] {
        let refused = guard.resolve_url(url).await.unwrap_err();
        assert!(matches!(refused, Refused::Unresolvable(_)), "{url}");
    }
}

#[tokio::test]
async fn an_allowed_name_or_network_is_exempt() {
    let by_name = public(&[name("inner.example.com"), name("localhost")]);
    by_name
        .resolve_url("https://Inner.Example.com")
        .await
        .unwrap();
    by_name.check_url("https://localhost").unwrap();
    assert!(is_blocked(
        &by_name.resolve_url("https://both.example.com").await
    ));

    let by_network = public(&[network("10.0.0.0/8")]);
    by_network
        .resolve_url("https://inner.example.com")
        .await
        .unwrap();
    by_network
        .resolve_url("https://both.example.com")
        .await
        .unwrap();
    by_network.check_url("http://10.9.9.9").unwrap();
    assert!(is_blocked(
        &by_network.resolve_url("https://rebound.example.com").await
    ));
    // The name is internal, but its network is allowed: known only once it is resolved.
    by_network
        .resolve_url("https://quay.internal")
        .await
        .unwrap();
    assert!(is_blocked(&by_network.check_url("https://quay.internal")));
    // Format rules have no exemption.
    assert!(is_malformed(&by_network.check_url("ftp://10.9.9.9")));
}

#[tokio::test]
async fn a_webhook_may_go_to_a_private_network_but_not_to_this_machine() {
    let guard = webhooks(&[], &["Bad.example.com"]);
    guard
        .resolve_url("http://inner.example.com/hook")
        .await
        .unwrap();
    guard.check_url("http://10.0.0.1/hook").unwrap();
    guard
        .check_url("https://user:password@registry.example.com/")
        .unwrap();
    for url in [
        "http://localhost/",
        "http://127.0.0.1/",
        "http://127.0.0.2/",
        "http://169.254.169.254/",
        "http://[::1]/",
        "http://bad.example.com/",
        "http://BAD.example.com./",
    ] {
        assert!(is_blocked(&guard.check_url(url)), "{url}");
    }
    assert!(is_blocked(
        &guard.resolve_url("http://rebound.example.com/").await
    ));
}

#[test]
fn an_exemption_opens_a_loopback_address_to_webhooks_but_no_refused_name() {
    let guard = webhooks(&[network("127.0.0.0/8"), name("localhost")], &[]);
    guard.check_url("http://127.0.0.2:8080/").unwrap();
    assert!(is_blocked(&guard.check_url("http://localhost/")));
    assert!(is_blocked(&guard.check_url("http://127.0.0.1/")));
}

#[test]
fn a_refusal_by_a_rule_is_told_from_a_wrong_text() {
    let guard = public(&[]);
    assert!(
        guard
            .check_url("https://127.0.0.1")
            .unwrap_err()
            .is_blocked()
    );
    assert!(!guard.check_url("nothing").unwrap_err().is_blocked());
}

#[test]
fn only_a_host_that_is_named_is_vouched_for() {
    let guard = public(&[network("127.0.0.0/8"), name("issuer.example.com")]);
    assert!(guard.exempts("http://127.0.0.1:8080/x"));
    assert!(guard.exempts("http://Issuer.example.com/"));
    for url in [
        "http://93.184.216.34/",
        "http://example.com/",
        "http://[::1]/",
        "nothing",
    ] {
        assert!(!guard.exempts(url), "{url}");
    }
}
