//! The pages of the OAuth provider: what a person is asked before an application gets a token, and the token that was made for
//! themselves.
//!
//! Everything that comes from a request or an application is escaped. The pages load nothing; the only script is that which
//! takes the token from the address, allowed by its hash; no other site may show them in a frame.

use std::fmt::Write as _;

use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pierhead_auth::accounts::OAuthApplication;
use sha2::{Digest as _, Sha256};

use crate::controllers::NO_CACHE;
use crate::landing::escape;
use crate::services::oauth_provider::Request;
use crate::views::oauth::ScopeView;

const STYLE: &str = include_str!("oauth_pages/style.css");
const SCRIPT: &str = include_str!("oauth_pages/token.js");

/// What a person is asked.
pub(crate) struct Consent<'a> {
    /// Who asks.
    pub(crate) application: &'a OAuthApplication,
    /// For what.
    pub(crate) request: &'a Request,
    /// The scopes.
    pub(crate) scopes: &'a [ScopeView],
    /// Who is asked.
    pub(crate) username: &'a str,
    /// Goes with the answer.
    pub(crate) csrf_token: &'a str,
}

/// The page that asks.
pub(crate) fn consent(consent: &Consent<'_>) -> Response {
    let application = consent.application;
    let mut content = format!(
        "<h1>{}</h1>\n<p>An application of <b>{}</b></p>\n",
        escape(&application.name),
        escape(&application.owner)
    );
    if !application.description.is_empty() {
        let _ = writeln!(content, "<p>{}</p>", escape(&application.description));
    }
    let _ = writeln!(
        content,
        "<p>It asks you, <b>{}</b>, for permission to:</p>\n<ul>",
        escape(consent.username)
    );
    for scope in consent.scopes {
        let class = if scope.dangerous {
            " class=\"dangerous\""
        } else {
            ""
        };
        let _ = writeln!(
            content,
            "<li{class}><b>{}</b> <code>{}</code><br>{}</li>",
            escape(scope.title),
            escape(scope.scope),
            escape(scope.description)
        );
    }
    let _ = writeln!(
        content,
        "</ul>\n<p>Afterwards you are sent to <code>{}</code>.</p>",
        escape(&consent.request.redirect_uri)
    );
    let fields = fields(consent);
    let _ = write!(
        content,
        "<form method=\"post\" action=\"/oauth/authorizeapp\">{fields}<button>Authorize Application</button></form>\n\
         <form method=\"post\" action=\"/oauth/denyapp\">{fields}<button class=\"quiet\">Cancel</button></form>"
    );
    let title = format!("Authorize {}", application.name);
    let target = form_target(&consent.request.redirect_uri);
    let policy = Policy {
        form_action: &format!("'self'{target}"),
        ..Policy::default()
    };
    html(&title, &content, &policy)
}

fn fields(consent: &Consent<'_>) -> String {
    let request = consent.request;
    let given = [
        ("response_type", Some(request.response_type.as_str())),
        ("client_id", Some(request.client_id.as_str())),
        ("redirect_uri", Some(request.redirect_uri.as_str())),
        ("scope", Some(request.scope.as_str())),
        ("state", request.state.as_deref()),
        ("assignment_uuid", request.assignment.as_deref()),
        ("_csrf_token", Some(consent.csrf_token)),
    ];
    let mut fields = String::new();
    for (name, value) in given {
        if let Some(value) = value {
            let value = escape(value);
            let _ = write!(
                fields,
                "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"
            );
        }
    }
    fields
}

/// Browsers hold the redirect that answers a form to the policy of its page too.
pub(crate) fn form_target(redirect_uri: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-.:/[]".contains(c);
    let end = redirect_uri
        .find("://")
        .map(|scheme| scheme + 3)
        .map_or(0, |start| {
            let rest = &redirect_uri[start..];
            start + rest.find(['/', '?', '#']).unwrap_or(rest.len())
        });
    let origin = &redirect_uri[..end];
    match origin.split_once("://") {
        Some(("http" | "https", _)) if origin.chars().all(plain) => format!(" {origin}"),
        // Applications on the person's own device have schemes of their own.
        Some((scheme, _)) if scheme.chars().all(plain) => format!(" {scheme}:"),
        _ => String::new(),
    }
}

/// A page that says one thing.
pub(crate) fn message(text: &str) -> Response {
    let content = format!("<h1>{}</h1>", escape(text));
    html(text, &content, &Policy::default())
}

/// The page that shows the token in its own address, which is not sent to any server.
pub(crate) fn generated_token() -> Response {
    let content = format!(
        "<h1>Access Token</h1>\n<p>This is the only time that it is shown:</p>\n<pre id=\"token\"></pre>\n<script>{SCRIPT}</script>"
    );
    let script = format!("'sha256-{}'", STANDARD.encode(Sha256::digest(SCRIPT)));
    let policy = Policy {
        script: &script,
        ..Policy::default()
    };
    html("OAuth Access Token", &content, &policy)
}

/// What a page may do besides being shown with its style: sources of the directives of the same name.
pub(crate) struct Policy<'a> {
    pub(crate) script: &'a str,
    pub(crate) frame: &'a str,
    pub(crate) form_action: &'a str,
}

impl Default for Policy<'_> {
    fn default() -> Self {
        Self {
            script: "'none'",
            frame: "'none'",
            form_action: "'none'",
        }
    }
}

/// A page of this content, which is HTML.
pub(crate) fn html(title: &str, content: &str, policy: &Policy<'_>) -> Response {
    let title = escape(title);
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n{content}\n</main>\n</body>\n</html>\n"
    );
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let Policy {
        script,
        frame,
        form_action,
    } = policy;
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src {script}; frame-src {frame}; base-uri 'none'; form-action {form_action}; frame-ancestors 'none'"
    );
    // Only plain characters of a redirect URI are in it.
    let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(
        "default-src 'none'; frame-ancestors 'none'",
    ));
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (CONTENT_SECURITY_POLICY, policy),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CACHE_CONTROL, NO_CACHE),
    ];
    (headers, page).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_lets_the_answer_go_to_the_application_only() {
        assert_eq!(
            form_target("https://ci.example.com/cb?x=1"),
            " https://ci.example.com"
        );
        assert_eq!(form_target("http://[::1]:8080"), " http://[::1]:8080");
        assert_eq!(form_target("myapp://callback/x"), " myapp:");
        for strange in [
            "https://a b/",
            "https://a;script-src *",
            "x y://z",
            "nothing",
            "",
        ] {
            assert!(
                !form_target(strange).contains([';', '*', '\'']),
                "{strange}"
            );
        }
    }
}
