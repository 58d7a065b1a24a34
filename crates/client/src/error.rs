//! Why a request that left this server brought no usable answer.

use crate::refused::Refused;

/// Why a call brought no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host may not be called, or the URL is wrong. Nothing was sent to it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The answer did not come in time.
    #[error("{url} did not answer in time")]
    TimedOut {
        /// The URL, without credentials and query.
        url: String,
        /// Whether there was no connection yet, to anybody.
        unsent: bool,
    },
    /// No connection, or it broke.
    #[error("the request to {url} failed: {source}")]
    Failed {
        /// The URL, without credentials and query.
        url: String,
        /// Nothing was sent: there was no connection.
        unsent: bool,
        /// What the HTTP client said.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is larger than the caller allows.
    #[error("{url} answered with more than {limit} bytes")]
    TooLarge {
        /// The URL, without credentials and query.
        url: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer has a status that the caller cannot use.
    #[error("{url} answered with status {status}")]
    Status {
        /// The URL, without credentials and query.
        url: String,
        /// Its status.
        status: u16,
    },
    /// The answer is not the JSON that was expected.
    #[error("{url} answered with JSON that is not as expected: {source}")]
    NotJson {
        /// The URL, without credentials and query.
        url: String,
        /// Where the text is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The HTTP client could not be made.
    #[error("no HTTP client could be made: {0}")]
    Setup(#[source] reqwest::Error),
}

impl Error {
    /// Whether nothing was sent, to anybody: then it can be sent again, whatever it is.
    pub fn is_unsent(&self) -> bool {
        matches!(
            self,
            Self::Failed { unsent: true, .. } | Self::TimedOut { unsent: true, .. }
        )
    }

    /// What is wrong with the TLS of the other side, if that is why there is no connection.
    pub fn tls(&self) -> Option<String> {
        let (Self::Failed { source, .. } | Self::Setup(source)) = self else {
            return None;
        };
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(source);
        while let Some(error) = cause {
            if let Some(tls) = error.downcast_ref::<rustls::Error>() {
                return Some(tls.to_string());
            }
            // An I/O error does not count what it wraps among its causes.
            let wrapped = error
                .downcast_ref::<std::io::Error>()
                .and_then(std::io::Error::get_ref)
                .map(|wrapped| wrapped as &(dyn std::error::Error + 'static));
            cause = wrapped.or_else(|| error.source());
        }
        None
    }

    /// Whether the host may not be called at all.
    pub fn is_blocked(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.is_blocked())
    }
}

/// The refusal of the guard inside an error of the HTTP client, if that is its cause.
pub(crate) fn refusal(error: &reqwest::Error) -> Option<Refused> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return Some(refused.clone());
        }
        cause = error.source();
    }
    None
}
