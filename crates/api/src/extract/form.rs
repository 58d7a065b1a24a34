//! Parameters that may come in the query or in a form, as pages of the OAuth provider take them.

use std::collections::HashMap;

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::MAX_BODY;
use crate::error::Error;
use crate::state::Api;

/// The parameters of a request: those of the query, and those of a form in its body.
#[derive(Debug, Default)]
pub(crate) struct Form {
    query: HashMap<String, String>,
    body: HashMap<String, String>,
}

impl Form {
    /// A parameter of the query, or else of the body.
    pub(crate) fn any(&self, name: &str) -> Option<&str> {
        self.in_query(name).or_else(|| self.in_body(name))
    }

    /// A parameter of the query.
    pub(crate) fn in_query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A parameter of the body.
    pub(crate) fn in_body(&self, name: &str) -> Option<&str> {
        self.body.get(name).map(String::as_str)
    }

    /// The parameters of a query alone.
    #[cfg(test)]
    pub(crate) fn of_query(query: &str) -> Self {
        Self {
            query: parse(query.as_bytes()),
            body: HashMap::new(),
        }
    }

    /// Refuses when one of these is missing.
    pub(crate) fn require(names: &[&str], has: impl Fn(&str) -> bool) -> Result<(), Error> {
        match names.iter().find(|name| !has(name)) {
            Some(missing) => Err(Error::web(
                StatusCode::BAD_REQUEST,
                format!("Required param: {missing}"),
            )),
            None => Ok(()),
        }
    }
}

/// The first of several values counts.
fn parse(text: &[u8]) -> HashMap<String, String> {
    let mut parameters = HashMap::new();
    for (key, value) in url::form_urlencoded::parse(text) {
        parameters
            .entry(key.into_owned())
            .or_insert_with(|| value.into_owned());
    }
    parameters
}

impl FromRequest<Api> for Form {
    type Rejection = Error;

    async fn from_request(request: Request, _: &Api) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let query = parse(parts.uri.query().unwrap_or_default().as_bytes());
        let is_form = parts
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| {
                let essence = value.split(';').next().unwrap_or_default().trim();
                essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
            });
        let body = if is_form {
            match Limited::new(body, MAX_BODY).collect().await {
                Ok(collected) => parse(&collected.to_bytes()),
                Err(error) if error.is::<LengthLimitError>() => {
                    let message = format!("The form is longer than {MAX_BODY} bytes");
                    return Err(Error::web(StatusCode::PAYLOAD_TOO_LARGE, message));
                }
                Err(_) => {
                    return Err(Error::web(StatusCode::BAD_REQUEST, "The form ended early"));
                }
            }
        } else {
            HashMap::new()
        };
        Ok(Self { query, body })
    }
}
