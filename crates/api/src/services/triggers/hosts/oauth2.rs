//! The token that a service gives for the code with which it sent a browser back (RFC 6749 §4.1.3).
//!
//! The client's secret and the code are in the body, where Quay puts them into the address.

use pierhead_client::Client;
use pierhead_config::Secret;
use serde_json::Value;

use super::connection::post_form;
use super::{HostError, Result};
use crate::services::triggers::json_path::text;

/// Longest code that is passed on, in bytes.
const LONGEST_CODE: usize = 1024;

/// A client as the service knows it.
#[derive(Clone, Debug)]
pub(super) struct OAuthClient {
    pub(super) id: String,
    pub(super) secret: Option<Secret>,
}

impl OAuthClient {
    /// Exchanges a code at `url`. `redirect_uri` is where the browser was to be sent.
    pub(super) async fn exchange(
        &self,
        client: &Client,
        service: &'static str,
        url: &str,
        code: &str,
        redirect_uri: &str,
    ) -> Result<Secret> {
        let expired =
            || HostError::Refused("Could not exchange token. It may have expired.".to_owned());
        if code.is_empty() || code.len() > LONGEST_CODE {
            return Err(expired());
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
            Err(HostError::Answered { status, .. }) if status.is_client_error() => {
                tracing::info!(
                    status = status.as_u16(),
                    "{service} gave no token for a code"
                );
                return Err(expired());
            }
            Err(HostError::Answered { status, .. }) => {
                let text = format!("{service} answered {status} instead of giving a token");
                return Err(HostError::Failed(text));
            }
            answer => answer?,
        };
        // GitHub says what is wrong with a status of 200.
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if let Some(error) = text(&body, "error") {
            tracing::info!(error, "{service} gave no token for a code");
            return Err(expired());
        }
        match text(&body, "access_token") {
            Some(token) => Ok(Secret::new(token)),
            None => Err(HostError::Failed(format!(
                "{service} answered without a token"
            ))),
        }
    }
}
