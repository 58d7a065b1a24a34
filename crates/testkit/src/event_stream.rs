//! A stream of server-sent events, as a browser's `EventSource` reads it.

use std::time::Instant;

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::{Error, Result, patience};

/// An open stream.
#[derive(Debug)]
pub struct EventStream {
    answer: reqwest::Response,
    request: String,
    read: String,
}

impl EventStream {
    pub(crate) fn new(request: String, answer: reqwest::Response) -> Self {
        Self {
            answer,
            request,
            read: String::new(),
        }
    }

    /// The headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    /// The next message as it was sent, with the empty line behind it; `None` at an orderly end of the stream. Waits as long as
    /// tests wait for what should happen soon.
    pub async fn message(&mut self) -> Result<Option<String>> {
        let began = Instant::now();
        loop {
            if let Some(end) = self.read.find("\n\n") {
                let rest = self.read.split_off(end + 2);
                return Ok(Some(std::mem::replace(&mut self.read, rest)));
            }
            let chunk = tokio::time::timeout(patience(), self.answer.chunk())
                .await
                .map_err(|_| Error::Deadline {
                    condition: format!("a message of {}", self.request),
                    waited: began.elapsed(),
                    detail: self.read.clone(),
                })?
                .map_err(|source| Error::Http {
                    request: self.request.clone(),
                    source,
                })?;
            match chunk {
                Some(bytes) => self.read.push_str(&String::from_utf8_lossy(&bytes)),
                None if self.read.is_empty() => return Ok(None),
                None => {
                    return Err(Error::unexpected(format!(
                        "{} ended inside a message: {:?}",
                        self.request, self.read
                    )));
                }
            }
        }
    }

    /// The JSON of the next message.
    pub async fn data(&mut self) -> Result<Option<Value>> {
        let Some(message) = self.message().await? else {
            return Ok(None);
        };
        let json = message
            .strip_prefix("data: ")
            .and_then(|data| serde_json::from_str(data).ok());
        match json {
            Some(json) => Ok(Some(json)),
            None => Err(Error::unexpected(format!("no message: {message:?}"))),
        }
    }

    /// The next message that is neither the greeting nor a pulse.
    pub async fn event(&mut self) -> Result<Option<Value>> {
        loop {
            match self.data().await? {
                Some(data) if data["event"] == "pulse" || data.get("event").is_none() => {}
                other => return Ok(other),
            }
        }
    }
}
