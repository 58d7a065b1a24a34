//! How Quay writes values that are more than text or numbers into its columns: database.md §4, byte by byte.
//!
//! Each file holds one form with its reader and writer, so that what is written here is read by Quay and the other
//! way round; each has the vectors that prove it. Nothing in here touches the database.
//!
//! Invariants: errors name the form and what is wrong with it, never the value; what a reader decrypts comes back as
//! [`Plaintext`], which cannot be printed.

use std::fmt;

use subtle::ConstantTimeEq;

pub mod approval;
pub mod field;
pub mod json_text;
pub mod key;
pub mod page_token;
pub mod password;
pub mod random;
pub mod session_cookie;
pub mod sha_state;

/// Why a value could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodingError {
    /// A configured secret key is empty.
    #[error("the secret key is empty")]
    EmptyKey,
    /// A configured secret key has a character that is not one byte in Latin-1.
    #[error("the secret key has a character beyond U+00FF; Quay accepts none either")]
    WideKey,
    /// `PAGE_TOKEN_KEY` is not a Fernet key.
    #[error("the page token key is not URL-safe base64 of 32 bytes")]
    PageTokenKey,
    /// An encrypted column does not begin with a version.
    #[error("{column} is not an encrypted value: it has no version before `$$`")]
    NotEncrypted {
        /// The column as `table.column`.
        column: &'static str,
    },
    /// An encrypted column has a version other than `v0`.
    #[error("{column} is encrypted in a version that is not known here (only v0 is)")]
    UnknownVersion {
        /// The column as `table.column`.
        column: &'static str,
    },
    /// An encrypted column is damaged.
    #[error("{column} is damaged: {what}")]
    Damaged {
        /// The column as `table.column`.
        column: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// An encrypted column does not open with the configured key.
    #[error(
        "{column} does not open with DATABASE_SECRET_KEY: the key is another one, or the value was changed"
    )]
    WrongKey {
        /// The column as `table.column`.
        column: &'static str,
    },
    /// A value is too long for its column once encrypted.
    #[error(
        "the value for {column} has {length} characters when encrypted, but the column holds {limit}"
    )]
    TooLong {
        /// The column as `table.column`.
        column: &'static str,
        /// Characters of the encrypted value.
        length: usize,
        /// Characters the column holds.
        limit: usize,
    },
    /// The saved state of a hash is not in the form expected.
    #[error("the saved {algorithm} state of an upload cannot be read: {what}")]
    HashState {
        /// The hash algorithm.
        algorithm: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// JSON in a column is not what it must be.
    #[error("the JSON in a column cannot be read or written")]
    Json(#[from] serde_json::Error),
    /// The operating system gave no random bytes.
    #[error("the operating system's random number generator failed")]
    Random(#[from] rand::rngs::SysError),
}

/// A decrypted secret. It cannot be printed; [`Plaintext::expose`] is the one way to its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Plaintext(String);

impl Plaintext {
    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the secret is this text. The time taken depends only on the lengths.
    pub fn matches(&self, candidate: &str) -> bool {
        self.0.as_bytes().ct_eq(candidate.as_bytes()).into()
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Plaintext(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plaintext_cannot_be_printed() {
        assert_eq!(
            format!("{:?}", Plaintext("hunter2".to_owned())),
            "Plaintext(…)"
        );
    }

    #[test]
    fn a_plaintext_matches_only_itself() {
        let secret = Plaintext("hunter2".to_owned());
        assert!(secret.matches("hunter2"));
        assert!(!secret.matches("hunter3"));
        assert!(!secret.matches("hunter"));
        assert!(!secret.matches(""));
    }
}
