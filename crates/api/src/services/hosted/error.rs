//! Why a service that somebody else hosts gave no usable answer, and what a caller is told of that.

use axum::http::StatusCode;

use crate::error::{Error, ErrorType};

/// Why a service gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HostError {
    /// An answer of another status than 2xx.
    #[error("{service} answered {status}{}", .told.as_deref().map(|told| format!(": {told}")).unwrap_or_default())]
    Answered {
        service: &'static str,
        status: StatusCode,
        /// What it says about that.
        told: Option<String>,
        /// The first of the errors that it lists.
        first_error: Option<String>,
    },
    /// What the person who set the trigger up must change.
    #[error("{0}")]
    Refused(String),
    /// There is no commit yet.
    #[error("The repository is empty")]
    Empty,
    /// It could not be reached, or not be understood.
    #[error("{0}")]
    Failed(String),
}

impl HostError {
    /// Lets the caller know what the service said, or this if it said nothing.
    pub(crate) fn or_told(self, default: &str) -> Self {
        match self {
            Self::Answered { told, .. } => {
                Self::Refused(told.unwrap_or_else(|| default.to_owned()))
            }
            other => other,
        }
    }

    /// Lets the caller know the first error that the service lists, or this if it lists none.
    pub(crate) fn or_first(self, default: &str) -> Self {
        match self {
            Self::Answered { first_error, .. } => {
                Self::Refused(first_error.unwrap_or_else(|| default.to_owned()))
            }
            other => other,
        }
    }

    /// Tells the caller this instead of what the service said.
    pub(crate) fn instead(self, text: &str) -> Self {
        match self {
            Self::Answered { .. } => Self::Refused(text.to_owned()),
            other => other,
        }
    }

    pub(crate) fn is_status(&self, expected: StatusCode) -> bool {
        matches!(self, Self::Answered { status, .. } if *status == expected)
    }

    /// Whether the service has failed rather than decided: it may have done what it was asked, and may do it later.
    pub(crate) fn is_failure(&self) -> bool {
        match self {
            Self::Failed(_) => true,
            Self::Answered { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Refused(_) | Self::Empty => false,
        }
    }

    /// The status and text for a caller: whether the caller or the service must change.
    pub(crate) fn outcome(&self) -> (StatusCode, String) {
        let is_callers = match self {
            Self::Refused(_) | Self::Empty => true,
            Self::Answered { status, .. } => *status == StatusCode::UNAUTHORIZED,
            Self::Failed(_) => false,
        };
        let status = if is_callers {
            StatusCode::BAD_REQUEST
        } else {
            // What Quay answers for services that fail.
            StatusCode::from_u16(520).unwrap_or(StatusCode::BAD_GATEWAY)
        };
        (status, self.to_string())
    }
}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        let (status, text) = error.outcome();
        if status == StatusCode::BAD_REQUEST {
            Self::invalid_request(text)
        } else {
            Self::exception(ErrorType::ExternalServiceTimeout, status, text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_told_what_the_caller_can_change() {
        let answered = |status, told: Option<&str>| HostError::Answered {
            service: "GitHub",
            status,
            told: told.map(str::to_owned),
            first_error: None,
        };
        let missing = answered(StatusCode::NOT_FOUND, Some("Not Found"));
        assert_eq!(missing.outcome().0.as_u16(), 520);
        assert_eq!(
            missing.outcome().1,
            "GitHub answered 404 Not Found: Not Found"
        );
        let told = missing.clone().or_told("Unable to look");
        assert_eq!(told, HostError::Refused("Not Found".to_owned()));
        assert_eq!(told.outcome().0, StatusCode::BAD_REQUEST);
        let silent = answered(StatusCode::NOT_FOUND, None).or_told("Unable to look");
        assert_eq!(silent.to_string(), "Unable to look");
        let refused = answered(StatusCode::UNAUTHORIZED, Some("Bad credentials"));
        assert_eq!(refused.outcome().0, StatusCode::BAD_REQUEST);
        let listed = HostError::Answered {
            service: "GitHub",
            status: StatusCode::UNPROCESSABLE_ENTITY,
            told: Some("Validation Failed".to_owned()),
            first_error: Some("too many".to_owned()),
        };
        assert_eq!(listed.clone().or_first("x").to_string(), "too many");
        assert_eq!(listed.or_told("x").to_string(), "Validation Failed");
        assert_eq!(missing.or_first("x").to_string(), "x");
        let failed = HostError::Failed("away".to_owned());
        assert!(failed.is_failure() && answered(StatusCode::BAD_GATEWAY, None).is_failure());
        assert!(!refused.is_failure());
        assert_eq!(failed.clone().or_told("x").instead("y"), failed);
    }
}
