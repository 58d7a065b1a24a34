//! Why a URL or host may not be called.

/// Why a URL may not be called.
///
/// The texts of [`Refused::Malformed`] and [`Refused::Unresolvable`] may be shown to whoever
/// configured the URL. [`Refused::Blocked`] should be answered with a sentence that names no address:
/// otherwise the answer tells how the inner network is built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The text is no usable URL or registry reference.
    #[error("{0}")]
    Malformed(String),
    /// The name has no address.
    #[error("Cannot resolve hostname '{0}'")]
    Unresolvable(String),
    /// The host is one that requests may not be sent to.
    #[error("requests to {host} are not allowed: {reason}; SSRF_ALLOWED_HOSTS can exempt it")]
    Blocked {
        /// The host as it was written.
        host: String,
        /// Which rule refused it.
        reason: &'static str,
    },
}

impl Refused {
    pub(crate) fn malformed(text: impl Into<String>) -> Self {
        Self::Malformed(text.into())
    }

    pub(crate) fn blocked(host: &str, reason: &'static str) -> Self {
        Self::Blocked {
            host: host.to_owned(),
            reason,
        }
    }

    /// Whether the host is refused by a rule (and not because the text is wrong).
    pub fn is_blocked(&self) -> bool {
        matches!(self, Self::Blocked { .. })
    }
}
