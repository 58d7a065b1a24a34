//! Where a browser may be sent with a token or code: which redirect URIs belong to an application, and what is added to them.
//!
//! As in Quay, a URI belongs if scheme and authority are exactly those that the owner configured and its path begins with
//! the configured one. What could make a browser read it differently (`..`, `@`, percent-encoding behind the prefix,
//! backslashes, white space, a fragment) is refused. URIs are compared as text: custom schemes of apps have no other form.

use pierhead_db::queries::oauth_applications::Application;

/// The parts of a URI that decide where it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parts<'u> {
    scheme: &'u str,
    authority: &'u str,
    path: &'u str,
}

impl<'u> Parts<'u> {
    fn of(uri: &'u str) -> Self {
        let (scheme, rest) = uri.split_once(':').unwrap_or(("", uri));
        let (authority, rest) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len())),
            None => ("", rest),
        };
        let path = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
        Self {
            scheme,
            authority,
            path,
        }
    }
}

/// Whether `uri` is one of the application's, or the registry's own page that shows a token (`local`).
pub fn belongs_to_application(uri: &str, application: &Application, local: &str) -> bool {
    uri == local || belongs(uri, &application.redirect_uri)
}

fn belongs(given: &str, configured: &str) -> bool {
    let strange =
        |c: char| c.is_whitespace() || c.is_control() || c == '\\' || c == '#' || !c.is_ascii();
    if configured.is_empty() || given.is_empty() || given.contains(strange) {
        return false;
    }
    let (given, configured) = (Parts::of(given), Parts::of(configured));
    let Some(behind) = given.path.strip_prefix(configured.path) else {
        return false;
    };
    given.scheme.eq_ignore_ascii_case(configured.scheme)
        && given.authority == configured.authority
        && !given.authority.contains('@')
        && !decoded(given.path).contains("..")
        && !given.path.contains('@')
        && !behind.contains('%')
}

/// A path with its percent-encoded dots and slashes decoded.
fn decoded(path: &str) -> String {
    path.replace("%2e", ".").replace("%2E", ".")
}

/// A redirect URI with parameters added to its query. One that it has already is replaced.
pub fn with_parameters(uri: &str, parameters: &[(&str, &str)]) -> String {
    let (base, fragment) = match uri.split_once('#') {
        Some((base, fragment)) => (base, format!("#{fragment}")),
        None => (uri, String::new()),
    };
    let (base, query) = base.split_once('?').unwrap_or((base, ""));
    let mut pairs: Vec<(String, String)> = Vec::new();
    let given = url::form_urlencoded::parse(query.as_bytes()).into_owned();
    let added = parameters
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    for (key, value) in given.chain(added) {
        match pairs.iter_mut().find(|(known, _)| *known == key) {
            Some((_, last)) => *last = value,
            None => pairs.push((key, value)),
        }
    }
    if pairs.is_empty() {
        return format!("{base}{fragment}");
    }
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&pairs)
        .finish();
    format!("{base}?{query}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIGURED: &str = "https://ci.example.com/oauth/callback";

    #[test]
    fn a_uri_below_the_configured_one_belongs() {
        for uri in [
            CONFIGURED,
            "https://ci.example.com/oauth/callback/next",
            "https://ci.example.com/oauth/callback?next=%2Fbuilds",
            "HTTPS://ci.example.com/oauth/callback",
        ] {
            assert!(belongs(uri, CONFIGURED), "{uri}");
        }
        assert!(belongs("myapp://callback", "myapp://callback"));
        assert!(belongs(
            "http://localhost:8080/x/y",
            "http://localhost:8080/x"
        ));
        assert!(belongs("https://ci.example.com/", "https://ci.example.com"));
    }

    #[test]
    fn a_uri_that_leads_elsewhere_or_might_does_not() {
        for uri in [
            "",
            "http://ci.example.com/oauth/callback",
            "https://ci.example.com.evil.example/oauth/callback",
            "https://evil.example/oauth/callback",
            "https://ci.example.com:8443/oauth/callback",
            "https://ci.example.com/oauth",
            "https://ci.example.com@evil.example/oauth/callback",
            "https://user@ci.example.com/oauth/callback",
            "https://ci.example.com/oauth/callback/../../evil",
            "https://ci.example.com/oauth/callback/%2e%2e/evil",
            "https://ci.example.com/oauth/callback/.%2E/evil",
            "https://ci.example.com/oauth/callback/%252e",
            "https://ci.example.com/oauth/callback/@evil",
            "https://ci.example.com\\@evil.example/oauth/callback",
            "https://ci.example.com/oauth/callback#fragment",
            "https://ci.example.com/oauth/callback\r\nSet-Cookie: a=b",
            " https://ci.example.com/oauth/callback",
            "javascript:alert(1)",
        ] {
            assert!(!belongs(uri, CONFIGURED), "{uri:?}");
        }
        assert!(!belongs("https://ci.example.com", ""));
    }

    #[test]
    fn parameters_are_added_or_replaced() {
        assert_eq!(
            with_parameters(
                "https://ci.example.com/cb?a=1&state=old",
                &[("state", "a b&c"), ("code", "X")]
            ),
            "https://ci.example.com/cb?a=1&state=a+b%26c&code=X"
        );
        assert_eq!(with_parameters("myapp://cb", &[]), "myapp://cb");
        assert_eq!(
            with_parameters("myapp://cb", &[("error", "invalid_scope")]),
            "myapp://cb?error=invalid_scope"
        );
    }
}
