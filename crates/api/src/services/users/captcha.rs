//! Whether a person sits behind a request (`FEATURE_RECAPTCHA`): asked of Google's service, like Quay does.

use axum::http::{HeaderValue, StatusCode};
use pierhead_client::Outgoing;
use pierhead_config::Secret;
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::state::Api;

/// Who verifies answers.
const VERIFY: &str = "https://www.google.com/recaptcha/api/siteverify";
/// Longest answer of a captcha that is passed on, in bytes.
const LONGEST: usize = 8 * 1024;
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

#[derive(Deserialize)]
struct Verdict {
    success: bool,
}

/// Refuses when captchas are asked for, and this is the answer to none.
pub(crate) async fn check(api: &Api, response: &str, ip: Option<&str>) -> Result<()> {
    let users = &api.config().users;
    if !users.feature_recaptcha {
        return Ok(());
    }
    if response.is_empty() || response.len() > LONGEST {
        return Err(refused());
    }
    let Some(secret) = users
        .recaptcha_secret_key
        .as_ref()
        .filter(|key| !key.is_empty())
    else {
        tracing::error!(
            "a captcha cannot be verified: FEATURE_RECAPTCHA is on, and RECAPTCHA_SECRET_KEY is not set"
        );
        return Err(unverifiable());
    };
    match ask(api, secret, response, ip).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(refused()),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a captcha could not be verified at {VERIFY}"
            );
            Err(unverifiable())
        }
    }
}

async fn ask(
    api: &Api,
    secret: &Secret,
    response: &str,
    ip: Option<&str>,
) -> Result<bool, pierhead_client::Error> {
    let form = {
        // It cannot be kept while others are waited for.
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("secret", secret.expose())
            .append_pair("response", response);
        if let Some(ip) = ip {
            form.append_pair("remoteip", ip);
        }
        form.finish()
    };
    let answer = api
        .outbound()
        .send(Outgoing::post(VERIFY, FORM, form))
        .await?;
    Ok(answer.json::<Verdict>()?.success)
}

fn refused() -> Error {
    Error::bad_request("Are you a bot? If not, please revalidate the captcha.")
}

fn unverifiable() -> Error {
    Error::message(
        StatusCode::SERVICE_UNAVAILABLE,
        "The captcha could not be verified now. Try again later, or contact an administrator.",
    )
}
