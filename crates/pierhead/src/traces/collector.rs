//! The collector's HTTP client. It runs on the server's runtime although it is called from the thread of the exporter,
//! waits a bounded time, and says once that the collector does not take spans, and once that it does again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, header};
use opentelemetry_http::{HttpClient, HttpError, ResponseBodyTooLarge};
use pierhead_config::Secret;
use reqwest::redirect;
use rustls::pki_types::CertificateDer;
use tokio::runtime::Handle;

use super::TracesError;

/// Bytes of an answer; it is empty or says what was not taken.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Sends batches of spans.
#[derive(Debug)]
pub(super) struct Collector {
    client: reqwest::Client,
    runtime: Handle,
    failing: Arc<AtomicBool>,
}

impl Collector {
    /// With a `token` for Dynatrace. `authorities` are trusted beside those of the system. `timeout` is for one attempt, from
    /// connecting to the end of the answer.
    pub(super) fn new(
        token: Option<&Secret>,
        authorities: &[CertificateDer<'static>],
        timeout: Duration,
    ) -> Result<Self, TracesError> {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(format!("Api-Token {}", token.expose()))
                .map_err(|_| TracesError::Token)?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let authorities = authorities
            .iter()
            .map(|der| reqwest::Certificate::from_der(der))
            .collect::<Result<Vec<_>, _>>()?;
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .tls_certs_merge(authorities)
            .redirect(redirect::Policy::none())
            .timeout(timeout)
            .build()?;
        Ok(Self {
            client,
            runtime: Handle::current(),
            failing: Arc::default(),
        })
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, failing) = (self.client.clone(), self.failing.clone());
        let sending = self.runtime.spawn(async move {
            let host = request.uri().host().unwrap_or_default().to_owned();
            let answer = send(&client, request).await;
            let reason = match &answer {
                Ok(answer) if answer.status().is_success() => None,
                Ok(answer) => Some(answer.status().to_string()),
                Err(error) => Some(chain(error.as_ref())),
            };
            match reason {
                Some(reason) if !failing.swap(true, Ordering::Relaxed) => tracing::warn!(
                    collector = host,
                    reason,
                    "traces are lost: the collector of OTEL_CONFIG does not take them; said once until it does"
                ),
                None if failing.swap(false, Ordering::Relaxed) => {
                    tracing::info!(collector = host, "the collector takes traces again");
                }
                _ => {}
            }
            answer
        });
        sending.await?
    }
}

async fn send(
    client: &reqwest::Client,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, HttpError> {
    // An error's own text would have the URL, and with it what somebody may have put into its query.
    let mut answer = client
        .execute(request.try_into()?)
        .await
        .map_err(reqwest::Error::without_url)?;
    let mut response = Response::builder().status(answer.status());
    if let Some(seconds) = answer.headers().get(header::RETRY_AFTER) {
        response = response.header(header::RETRY_AFTER, seconds);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(ResponseBodyTooLarge::new().into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(response.body(body.freeze())?)
}

/// An error with its causes: only they say that, for example, a connection was refused.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
