//! Requests through the guard: one URL in, one bounded answer out.
//!
//! Redirects are followed as often as the limits allow, each after the guard has seen where it leads.
//! Proxies of the environment are not used: behind a proxy the address that is called would be the
//! proxy's choice, and nothing here could check it. One that is configured for a source is used
//! ([`Transport`]), if the guard admits it.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use reqwest::redirect::{Attempt, Policy};
use serde::de::DeserializeOwned;
use url::Url;

use crate::error::{Error, refusal};
use crate::guard::AddressGuard;
use crate::resolver::GuardedResolver;
use crate::transport::Transport;

/// How long and how large a call may become.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time until a connection stands.
    pub connect: Duration,
    /// Time for the whole call, redirects and body included.
    pub total: Duration,
    /// Largest body of an answer in bytes.
    pub body: usize,
    /// How many redirects are followed.
    pub redirects: usize,
}

impl Default for Limits {
    /// For documents: 5 s to connect, 10 s in all, 1 MiB, three redirects.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(10),
            body: 1024 * 1024,
            redirects: 3,
        }
    }
}

tokio::task_local! {
    /// Whether the request under way was redirected: then something has been sent.
    static REDIRECTED: Cell<bool>;
}

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// The URL as somebody configured it.
    pub url: String,
    /// Headers besides those that every request has.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
}

impl Outgoing {
    /// A GET request.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            url: url.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// A POST request with a body of the given media type.
    pub fn post(url: impl Into<String>, media_type: HeaderValue, body: impl Into<Bytes>) -> Self {
        Self {
            method: Method::POST,
            url: url.into(),
            headers: HeaderMap::from_iter([(http::header::CONTENT_TYPE, media_type)]),
            body: body.into(),
        }
    }

    /// The same request with one more header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status, whatever it is.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// The URL that answered, without credentials and query: for messages.
    pub url: String,
}

/// An HTTP client that calls only what its guard admits. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    guard: AddressGuard,
    limits: Limits,
    proxied: bool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("guard", &self.guard)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client behind `guard`.
    ///
    /// # Errors
    /// [`Error::Setup`] if TLS cannot be set up (no certificate store).
    pub fn new(guard: AddressGuard, limits: Limits) -> Result<Self, Error> {
        Self::with_transport(guard, limits, &Transport::default())
    }

    /// A client behind `guard` for one source. Through a proxy no redirect is followed: nobody could check where it leads.
    ///
    /// # Errors
    /// [`Error::Refused`] for a proxy that may not be called, [`Error::Setup`] if TLS cannot be set up.
    pub fn with_transport(
        guard: AddressGuard,
        limits: Limits,
        transport: &Transport,
    ) -> Result<Self, Error> {
        let proxied = transport.has_proxy();
        let limits = Limits {
            redirects: if proxied { 0 } else { limits.redirects },
            ..limits
        };
        let seen = guard.clone();
        let redirects = limits.redirects;
        let follow = move |attempt: Attempt<'_>| {
            if attempt.previous().len() > redirects {
                return attempt.stop();
            }
            match seen.admit_url(attempt.url()) {
                Ok(()) => {
                    // Outside of `send` nobody asks.
                    let _ = REDIRECTED.try_with(|redirected| redirected.set(true));
                    attempt.follow()
                }
                Err(refused) => attempt.error(refused),
            }
        };
        let builder = reqwest::Client::builder()
            .user_agent(concat!("pierhead/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(GuardedResolver(guard.clone())))
            .redirect(Policy::custom(follow))
            .no_proxy()
            .referer(false)
            .connect_timeout(limits.connect)
            .timeout(limits.total);
        let http = transport
            .apply(&guard, builder)?
            .build()
            .map_err(Error::Setup)?;
        Ok(Self {
            http,
            guard,
            limits,
            proxied,
        })
    }

    /// The guard: for checking a URL that somebody configures.
    pub fn guard(&self) -> &AddressGuard {
        &self.guard
    }

    /// Sends a request. An answer of any status is an answer.
    ///
    /// # Errors
    /// [`Error`] as its variants say.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Answer, Error> {
        let url = if self.proxied {
            // The proxy resolves the name once more; what it is now is all that can be checked.
            self.guard.resolve_url(&outgoing.url).await?
        } else {
            self.guard.admit(&outgoing.url)?
        };
        let shown = shown(&url);
        let request = self
            .http
            .request(outgoing.method, url)
            .headers(outgoing.headers)
            .body(outgoing.body);
        let sending = async {
            let sent = request.send().await;
            (sent, REDIRECTED.with(Cell::get))
        };
        let (sent, redirected) = REDIRECTED.scope(Cell::new(false), sending).await;
        let mut response = sent.map_err(|error| {
            let unsent = error.is_connect() && !redirected;
            failed(&shown, error, unsent)
        })?;
        let limit = self.limits.body;
        let too_large = || Error::TooLarge {
            url: shown.clone(),
            limit,
        };
        if response
            .content_length()
            .is_some_and(|length| length > limit as u64)
        {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| failed(&shown, error, false))?
        {
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: body.freeze(),
            url: shown,
        })
    }

    /// Fetches a JSON document.
    ///
    /// # Errors
    /// Besides those of [`Self::send`]: [`Error::Status`] unless the status is 2xx, [`Error::NotJson`].
    pub async fn get_json<T: DeserializeOwned>(&self, url: &str) -> Result<T, Error> {
        let accept = HeaderValue::from_static("application/json");
        self.send(Outgoing::get(url).header(ACCEPT, accept))
            .await?
            .json()
    }
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// [`Error::Status`] unless the status is 2xx, [`Error::NotJson`].
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        if !self.status.is_success() {
            return Err(Error::Status {
                url: self.url,
                status: self.status.as_u16(),
            });
        }
        serde_json::from_slice(&self.body).map_err(|source| Error::NotJson {
            url: self.url,
            source,
        })
    }
}

fn failed(url: &str, error: reqwest::Error, unsent: bool) -> Error {
    if let Some(refused) = refusal(&error) {
        return Error::Refused(refused);
    }
    let url = url.to_owned();
    if error.is_timeout() {
        return Error::TimedOut { url, unsent };
    }
    Error::Failed {
        url,
        unsent,
        // The URL may hold credentials; ours says what is needed.
        source: error.without_url(),
    }
}

/// A URL for messages: without credentials, query and fragment, where secrets may be.
fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}
