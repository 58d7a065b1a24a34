//! Host, TLS and sessions.

use std::net::IpAddr;

use super::Rules;
use crate::cipher_suites::Selection;
use crate::problem::{At, Found};
use crate::sections::server::{Scheme, TlsVersion};
use crate::setting::OneOrMany;

pub(super) fn check(rules: &mut Rules<'_>) {
    required(rules);
    hostname(rules);
    tls(rules);
    let server = &rules.config.server;
    if server.testing {
        rules.warn(
            &At::key("TESTING"),
            "test mode: no mail is sent and global locks are skipped",
        );
    }
    rules.expect(
        server.v2_pagination_size > 0,
        &At::key("V2_PAGINATION_SIZE"),
        Found::text("0"),
        "a whole number from 1",
    );
    for (index, contact) in server.contact_info.iter().enumerate() {
        let schemes = ["mailto:", "irc:", "tel:", "http:", "https:"];
        if !schemes.iter().any(|scheme| contact.starts_with(scheme)) {
            let at = At::key("CONTACT_INFO").index(index);
            rules.warn(
                &at,
                format!("not a link; expected one of {}", schemes.join(" ")),
            );
        }
    }
}

fn required(rules: &mut Rules<'_>) {
    let server = &rules.config.server;
    rules.expect(
        rules.given("SERVER_HOSTNAME"),
        &At::key("SERVER_HOSTNAME"),
        Found::Missing,
        "required: the host name that clients use",
    );
    if server.database_secret_key.is_none() && !reported(rules, "DATABASE_SECRET_KEY") {
        rules.refuse(
            &At::key("DATABASE_SECRET_KEY"),
            Found::Missing,
            "required: the key that encrypts database columns",
        );
    }
    if server.secret_key.is_none() && !reported(rules, "SECRET_KEY") {
        rules.warn(
            &At::key("SECRET_KEY"),
            "not set: a random key is used, so sessions end with this process and several instances do not work together",
        );
    }
    if !server.setup_complete {
        rules.warn(
            &At::key("SETUP_COMPLETE"),
            "not true: Quay would not start with this file",
        );
    }
}

/// Whether reading already found a problem with this key.
fn reported(rules: &Rules<'_>, key: &str) -> bool {
    rules.sink.problems.iter().any(|problem| problem.key == key)
}

fn hostname(rules: &mut Rules<'_>) {
    let host = rules.config.server.server_hostname.host();
    let is_name = host.parse::<IpAddr>().is_err();
    if is_name && host != "localhost" && !host.contains('.') {
        rules.warn(
            &At::key("SERVER_HOSTNAME"),
            "not fully qualified: clients elsewhere may not find it",
        );
    }
}

fn tls(rules: &mut Rules<'_>) {
    let server = &rules.config.server;
    let at = At::key("PREFERRED_URL_SCHEME");
    let certificate = rules.has_file("ssl.cert");
    let key = rules.has_file("ssl.key");
    for (present, other, missing) in [
        (certificate, key, "ssl.key"),
        (key, certificate, "ssl.cert"),
    ] {
        if present && !other && !server.external_tls_termination {
            rules.expect(
                false,
                &at,
                Found::Missing,
                &format!("ssl.cert and ssl.key together in the configuration directory; {missing} is missing"),
            );
        }
    }
    if key && !server.external_tls_termination {
        let lists = [
            ("SSL_CIPHERS", &server.ssl_ciphers, TlsVersion::Tls12),
            (
                "SSL_CIPHERSUITES",
                &server.ssl_ciphersuites,
                TlsVersion::Tls13,
            ),
        ];
        for (name, list, version) in lists {
            if server.ssl_protocols.is_empty() || server.ssl_protocols.contains(&version) {
                cipher_suites(rules, &At::key(name), list, version);
            }
        }
    }
    match server.preferred_url_scheme {
        Scheme::Https if !server.external_tls_termination && !certificate && !key => rules.warn(
            &at,
            "https, but the configuration directory has no ssl.cert and ssl.key; set EXTERNAL_TLS_TERMINATION if a proxy does TLS",
        ),
        Scheme::Http if !server.external_tls_termination && !is_local(server.server_hostname.host()) => {
            rules.warn(&at, "http without TLS: passwords and tokens travel in the clear");
        }
        _ => {}
    }
}

/// A version of TLS that is spoken needs a suite.
fn cipher_suites(rules: &mut Rules<'_>, at: &At, list: &OneOrMany<String>, version: TlsVersion) {
    let selection = Selection::of(list, version);
    let allowed = Selection::allowed(version);
    if selection.suites.is_empty() {
        let found = Found::text(&list.0.join(":"));
        let version = version.as_str();
        let allowed = format!("at least one of {allowed}; or SSL_PROTOCOLS without {version}");
        rules.refuse(at, found, allowed);
    } else if !selection.unsupported.is_empty() {
        let unsupported = selection.unsupported.join(", ");
        let message = format!("not supported and left out: {unsupported}; supported are {allowed}");
        rules.warn(at, message);
    }
}

fn is_local(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
