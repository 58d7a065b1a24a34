//! Telling who asked for an export how it went: by a POST to the URL they gave, through the guard of outbound addresses, and by
//! mail.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{HeaderValue, StatusCode};
use pierhead_client::{Client, Outgoing};
use serde_json::json;

use super::Job;

/// How an export went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The file is there.
    Success,
    /// Something went wrong; it is tried again.
    Failed,
    /// It took too long.
    TimedOut,
    /// It made no sense.
    InvalidRequest,
}

impl Outcome {
    /// The `status` that is told.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::TimedOut => "timedout",
            Self::InvalidRequest => "invalidrequest",
        }
    }
}

/// A mail about an export.
#[derive(Clone, Debug)]
pub struct Mail {
    /// To whom.
    pub address: String,
    /// Which export.
    pub export_id: String,
    /// How it went.
    pub outcome: Outcome,
    /// Where the file lies.
    pub url: Option<String>,
}

/// Sends a mail; what went wrong is for the log.
pub type SendMail = Arc<dyn Fn(Mail) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// How people are told.
#[derive(Clone)]
pub struct LogExportCallbacks {
    /// Calls URLs. It must follow no redirects.
    pub client: Client,
    /// Sends mail; `None` where `FEATURE_MAILING` is off.
    pub mail: Option<SendMail>,
}

impl fmt::Debug for LogExportCallbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogExportCallbacks")
            .field("client", &self.client)
            .field("mail", &self.mail.is_some())
            .finish()
    }
}

/// Why somebody could not be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL did not answer.
    #[error("the callback URL of an export could not be called")]
    Url(#[source] pierhead_client::Error),
    /// The URL answered with something else than 200.
    #[error("the callback URL of an export answered with status {0}; it must answer with 200")]
    Status(u16),
    /// The mail could not be sent.
    #[error("the mail about an export could not be sent: {0}")]
    Mail(String),
}

impl LogExportCallbacks {
    pub(super) async fn tell(
        &self,
        job: &Job,
        outcome: Outcome,
        url: Option<String>,
    ) -> Result<(), Error> {
        if let Some(callback) = job.callback_url.as_deref().filter(|url| !url.is_empty()) {
            self.call(callback, job, outcome, url.as_deref()).await?;
        }
        if let Some(address) = job.callback_email.as_deref().filter(|to| !to.is_empty()) {
            let Some(send) = &self.mail else {
                tracing::warn!(
                    export_id = job.export_id,
                    status = outcome.as_str(),
                    url,
                    "no mail about an export was sent: this registry sends no mail (FEATURE_MAILING, MAIL_SERVER)"
                );
                return Ok(());
            };
            let mail = Mail {
                address: address.to_owned(),
                export_id: job.export_id.clone(),
                outcome,
                url,
            };
            send(mail).await.map_err(Error::Mail)?;
        }
        Ok(())
    }

    async fn call(
        &self,
        callback: &str,
        job: &Job,
        outcome: Outcome,
        url: Option<&str>,
    ) -> Result<(), Error> {
        let body = json!({
            "export_id": job.export_id,
            "start_time": job.start_time,
            "end_time": job.end_time,
            "namespace": job.namespace_name,
            "repository": job.repository_name,
            "exported_data_url": url,
            "status": outcome.as_str(),
        });
        let json = HeaderValue::from_static("application/json");
        let request = Outgoing::post(callback, json, body.to_string());
        match self.client.send(request).await {
            Ok(answer) if answer.status == StatusCode::OK => Ok(()),
            Ok(answer) => Err(Error::Status(answer.status.as_u16())),
            Err(error) if error.is_blocked() => {
                // Its name leads to another address by now. Trying again does not help.
                tracing::warn!(export_id = job.export_id, %error, "the callback URL of an export may not be called");
                Ok(())
            }
            Err(error) => Err(Error::Url(error)),
        }
    }
}
