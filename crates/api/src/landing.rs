//! The page at `/`: what runs here, how to make the first user, how to log in and push. Self-contained: it loads nothing,
//! runs nothing, and its policy forbids both. What comes from the configuration is escaped.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::config::ApiConfig;
use crate::first_user::FirstUserBy;

mod commands;

const PAGE: &str = include_str!("landing/page.html");
const STYLE: &str = include_str!("landing/style.css");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The page for this registry.
pub(crate) fn page(config: &ApiConfig, first_user: Option<FirstUserBy>) -> String {
    let hostname = &config.hostname;
    let mut content = format!(
        "<header><h1>{}</h1><p>A registry for container images and other OCI artifacts at <code>{}</code></p></header>\n",
        escape(&config.title),
        escape(hostname),
    );
    match first_user {
        Some(FirstUserBy::Request) => {
            content.push_str("<section class=\"first\"><h2>Make the first user</h2>\n<p>There is no account yet. The first one is made by whoever asks first, so do it now, with a password of your own:</p>\n");
            block(&mut content, None, &commands::initialize(config));
            content.push_str("</section>\n");
        }
        Some(FirstUserBy::CommandLine) => {
            content.push_str("<section class=\"first\"><h2>Make the first user</h2>\n<p>There is no account yet. On the server:</p>\n");
            block(&mut content, None, commands::CREATE_USER);
            content.push_str("</section>\n");
        }
        None => {}
    }
    content.push_str("<section><h2>Log in and push</h2>\n<p>Replace <code>you</code> by your user name, and <code>app:1.0</code> by your image.</p>\n");
    for (client, text) in commands::push(config) {
        block(&mut content, Some(client), &text);
    }
    content.push_str("</section>\n<section><h2>Is it healthy?</h2>\n<p><a href=\"/health/instance\">This instance</a> · <a href=\"/health/endtoend\">database and storage behind it</a></p></section>");
    fill(&config.title, &content)
}

/// The page for an address that nobody serves.
pub(crate) fn not_found() -> String {
    fill(
        "Not found",
        "<header><h1>Not found</h1><p>There is nothing at this address.</p></header>\n<section><p><a href=\"/\">To the start page</a></p></section>",
    )
}

/// A page with one message.
pub(crate) fn message(title: &str, text: &str) -> String {
    fill(
        title,
        &format!(
            "<header><h1>{}</h1><p>{}</p></header>\n<section><p><a href=\"/\">To the start page</a></p></section>",
            escape(title),
            escape(text)
        ),
    )
}

/// What the pages may do: be shown, with their own style.
pub(crate) fn content_security_policy() -> HeaderValue {
    static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        // Base64 and the text around it are valid in a header; without the style nothing is less safe.
        HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
    });
    POLICY.clone()
}

fn fill(title: &str, content: &str) -> String {
    let mut page = String::with_capacity(PAGE.len() + STYLE.len() + content.len());
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        page.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        match name {
            "title" => page.push_str(&escape(title)),
            "style" => page.push_str(STYLE),
            "content" => page.push_str(content),
            "version" => page.push_str(VERSION),
            _ => {}
        }
        rest = after;
    }
    page.push_str(rest);
    page
}

fn block(content: &mut String, heading: Option<&str>, text: &str) {
    if let Some(heading) = heading {
        // Writing to a string cannot fail.
        let _ = writeln!(content, "<h3>{}</h3>", escape(heading));
    }
    let _ = writeln!(content, "<pre tabindex=\"0\">{}</pre>", escape(text));
}

/// Text as it may stand in HTML, also inside a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
