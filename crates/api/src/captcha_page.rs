//! The page where somebody who comes from an identity provider for the first time solves a captcha (`FEATURE_RECAPTCHA`). It
//! loads Google's script and nothing else.

use axum::response::Response;

use crate::landing::escape;
use crate::oauth_pages::{Policy, form_target, html};

const SCRIPT: &str = "https://www.google.com/recaptcha/api.js";
const SCRIPTS: &str = "https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/";
const FRAMES: &str = "https://www.google.com/recaptcha/ https://recaptcha.google.com/recaptcha/";

/// The page: its form goes to `action`, from where the browser is sent to `next`.
pub(crate) fn page(site_key: &str, action: &str, next: &str) -> Response {
    let content = format!(
        "<h1>Are you a person?</h1>\n<p>Solve this once, and your account is made.</p>\n\
         <form method=\"post\" action=\"{}\"><div class=\"g-recaptcha\" data-sitekey=\"{}\"></div>\
         <button>Continue</button></form>\n<script src=\"{SCRIPT}\" async defer></script>",
        escape(action),
        escape(site_key),
    );
    let policy = Policy {
        script: SCRIPTS,
        frame: FRAMES,
        form_action: &format!("'self'{}", form_target(next)),
    };
    html("Are you a person?", &content, &policy)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::http::header::CONTENT_SECURITY_POLICY;

    use super::*;

    #[test]
    fn the_page_may_load_the_captcha_and_send_its_form_on_to_the_provider() {
        let action = "/oauth2/google/callback/captcha";
        let page = page(
            "k\"ey",
            action,
            "https://accounts.google.com/o/oauth2/auth?x=1",
        );
        let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.contains("form-action 'self' https://accounts.google.com;"),
            "{policy}"
        );
        assert!(
            policy.contains("frame-src https://www.google.com/recaptcha/"),
            "{policy}"
        );
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
    }
}
