//! The token that a service gives for the code with which it sent a browser back (RFC 6749 §4.1.3).
//!
//! The client's secret and the code are in the body, where Quay puts them into the address.

use axum::http::StatusCode;
use pierhead_client::Client;
use pierhead_config::Secret;
use serde_json::Value;

use super::HostError;
use super::connection::post_form;
use super::json_path::text;

/// Longest code that is passed on, in bytes.
const LONGEST_CODE: usize = 1024;
/// Longest text about a refused code that is passed on, in characters.
const LONGEST_TOLD: usize = 300;

/// A client as the service knows it.
#[derive(Clone, Debug)]
pub(crate) struct OAuthClient {
    pub(crate) id: String,
    pub(crate) secret: Option<Secret>,
}

/// Why there is no token for a code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoToken {
    /// There is no code, or it is none that a service would have given.
    #[error("there is no code")]
    NoCode,
    /// The service answered with this status.
    #[error("the service answered {0}")]
    Status(StatusCode),
    /// The service says what is wrong.
    #[error("{0}")]
    Told(String),
    /// The service answered with something else.
    #[error("the answer has no token")]
    Missing,
    /// The service could not be asked.
    #[error(transparent)]
    Failed(HostError),
}

impl OAuthClient {
    /// Exchanges a code at `url`. `redirect_uri` is where the browser was to be sent.
    pub(crate) async fn exchange(
        &self,
        client: &Client,
        service: &'static str,
        url: &str,
        code: &str,
        redirect_uri: &str,
    ) -> Result<Secret, NoToken> {
        if code.is_empty() || code.len() > LONGEST_CODE {
            return Err(NoToken::NoCode);
        }
        let mut form = vec![
            ("code", code),
            ("grant_type", "authorization_code"),
            ("redirect_uri", redirect_uri),
            ("client_id", &self.id),
        ];
        if let Some(secret) = &self.secret {
            form.push(("client_secret", secret.expose()));
        }
        let answer = match post_form(client, service, url, &form, None).await {
            Ok(answer) => answer,
            Err(HostError::Answered { status, .. }) => {
                let status_code = status.as_u16();
                tracing::info!(status = status_code, "{service} gave no token for a code");
                return Err(NoToken::Status(status));
            }
            Err(error) => return Err(NoToken::Failed(error)),
        };
        let token = token_in(&answer.body);
        if let Err(error) = &token {
            tracing::info!(%error, "{service} gave no token for a code");
        }
        token
    }
}

/// The token of an answer of status 200. GitHub says with that status, too, what is wrong.
fn token_in(body: &[u8]) -> Result<Secret, NoToken> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(error) = text(&body, "error") {
        let told = text(&body, "error_description").unwrap_or(error);
        let printable = told.chars().filter(|char| !char.is_control());
        return Err(NoToken::Told(printable.take(LONGEST_TOLD).collect()));
    }
    text(&body, "access_token")
        .map(Secret::new)
        .ok_or(NoToken::Missing)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_answer_has_a_token_or_says_why_not() {
        let token = token_in(br#"{"access_token": "abc", "token_type": "bearer"}"#);
        assert_eq!(token.unwrap().expose(), "abc");
        let refused = |body: &str| token_in(body.as_bytes()).unwrap_err();
        let told = |text: &str| NoToken::Told(text.to_owned());
        assert_eq!(
            refused(r#"{"error": "bad_verification_code", "error_description": "Too\n old."}"#),
            told("Too old.")
        );
        assert_eq!(
            refused(r#"{"error": "x", "access_token": "abc"}"#),
            told("x")
        );
        for other in [
            "",
            "<html>",
            "[]",
            r#"{"access_token": ""}"#,
            r#"{"access_token": 7}"#,
        ] {
            assert_eq!(refused(other), NoToken::Missing, "{other}");
        }
    }
}
