//! Why somebody does not get in, in words for that person. Where Quay has words they are these, because people search for them.

use crate::services::hosted::HostError;
use crate::services::hosted::oauth2::NoToken;

/// Longest text that is shown, in characters.
const LONGEST: usize = 250;
const DEFAULT: &str = "Could not load user data. The token may have expired";

/// Why somebody does not get in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    text: String,
    /// Whether registering here first would help.
    pub(crate) register: bool,
}

impl Refusal {
    /// For this reason.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            register: false,
        }
    }

    /// For this reason, which would not be one for who has registered here.
    pub(crate) fn before_registration(text: impl Into<String>) -> Self {
        Self {
            register: true,
            ..Self::new(text)
        }
    }

    /// The code brought no token.
    pub(super) fn without_token(error: NoToken) -> Self {
        Self::new(match error {
            NoToken::NoCode => "No code came back. Please sign in again".to_owned(),
            NoToken::Status(status) => {
                format!(
                    "Got non-2XX response for code exchange: {}",
                    status.as_u16()
                )
            }
            NoToken::Told(text) => text,
            NoToken::Missing => "Missing `access_token` in OAuth response".to_owned(),
            NoToken::Failed(error) => error.to_string(),
        })
    }

    /// A provider did not answer what it was asked; `call` says what that was.
    pub(super) fn unanswered(call: &str, error: HostError) -> Self {
        Self::new(match error {
            HostError::Answered { status, told, .. } => {
                tracing::info!(status = status.as_u16(), told, "{call}");
                format!("{call}: {}", status.as_u16())
            }
            other => other.to_string(),
        })
    }

    /// The text as it may stand in an address or on a page: only plain characters, and not too many.
    pub(crate) fn text(&self) -> String {
        plain(&self.text, LONGEST)
    }
}

/// What is left of a text of somebody else.
pub(crate) fn plain(text: &str, longest: usize) -> String {
    let kept = text.chars().filter(|letter| {
        letter.is_ascii_alphanumeric() || letter.is_whitespace() || ".-_@,':()".contains(*letter)
    });
    let kept: String = kept.take(longest).collect();
    let kept = kept.trim();
    if kept.is_empty() {
        DEFAULT.to_owned()
    } else {
        kept.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn only_plain_characters_are_shown() {
        let text = |text: &str| Refusal::new(text).text();
        assert_eq!(text("access_denied"), "access_denied");
        assert_eq!(
            text("<script>alert('x')</script> mona@example.com, (404): no"),
            "scriptalert('x')script mona@example.com, (404): no"
        );
        for empty in ["", "  ", "<>\"&%"] {
            assert_eq!(text(empty), DEFAULT);
        }
        assert_eq!(text(&"a".repeat(300)), "a".repeat(250));
    }

    #[test]
    fn a_provider_that_does_not_answer_is_told_in_quays_words() {
        let status = NoToken::Status(StatusCode::BAD_REQUEST);
        assert_eq!(
            Refusal::without_token(status).text(),
            "Got non-2XX response for code exchange: 400"
        );
        assert_eq!(
            Refusal::without_token(NoToken::Missing).text(),
            "Missing access_token in OAuth response"
        );
        let answered = HostError::Answered {
            service: "GitHub",
            status: StatusCode::FORBIDDEN,
            told: Some("a secret".to_owned()),
            first_error: None,
        };
        assert_eq!(
            Refusal::unanswered("Got non-2XX response for org lookup", answered).text(),
            "Got non-2XX response for org lookup: 403"
        );
    }
}
