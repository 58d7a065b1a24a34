//! What came back.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::{Error, Result};

/// An answer with its whole body.
#[derive(Debug, Clone)]
pub struct Response {
    /// Method and path that were asked, for messages.
    pub request: String,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// A manifest as it was served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// `Content-Type`.
    pub media_type: String,
    /// `Docker-Content-Digest`.
    pub digest: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Response {
    /// The answer itself if its status is one of these, otherwise an [`Error::Answer`].
    pub fn expect(self, statuses: &[StatusCode]) -> Result<Self> {
        if statuses.contains(&self.status) {
            return Ok(self);
        }
        let expected: Vec<String> = statuses.iter().map(ToString::to_string).collect();
        let mut body = self.text();
        if let Some((end, _)) = body.char_indices().nth(2000) {
            body.truncate(end);
        }
        Err(Error::Answer {
            request: self.request,
            expected: expected.join(" or "),
            status: self.status.as_u16(),
            body,
        })
    }

    /// A header that has to be there.
    pub fn header(&self, name: &str) -> Result<&str> {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .ok_or_else(|| Error::unexpected(format!("{}: no {name} in the answer", self.request)))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Error::unexpected(format!(
                "{}: no JSON ({error}): {}",
                self.request,
                self.text()
            ))
        })
    }

    /// The code of the first OCI error in the body, or nothing.
    pub fn error_code(&self) -> String {
        self.json()
            .ok()
            .and_then(|body| Some(body["errors"][0]["code"].as_str()?.to_owned()))
            .unwrap_or_default()
    }
}
