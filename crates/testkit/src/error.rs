//! Why a service, a client or a request did not do what a test needs.
//!
//! `Debug` prints the same text as `Display`: a test that ends with `?` or `unwrap` shows the reason as
//! a person would write it, with the log of the process that failed.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What went wrong, for the person who reads the failed test.
#[derive(thiserror::Error)]
pub enum Error {
    /// A program that the test drives is not installed.
    #[error("{program} is not installed; {install}")]
    Missing {
        /// The program that was looked for.
        program: String,
        /// How to install it.
        install: &'static str,
    },
    /// A process ended before it was ready, or ended in another way than it should.
    #[error("{what}: {reason}\n--- end of its log ---\n{log}")]
    Process {
        /// Which process.
        what: String,
        /// What it did.
        reason: String,
        /// The end of what it printed.
        log: String,
    },
    /// A condition did not become true in time.
    #[error("waited {waited:?} for {condition}\n{detail}")]
    Deadline {
        /// The condition.
        condition: String,
        /// How long it was waited for.
        waited: Duration,
        /// What is known about why (a log's end, the last answer).
        detail: String,
    },
    /// A client program ended with a failure.
    #[error("`{command}` ended with {status}\n--- stdout ---\n{stdout}\n--- stderr ---\n{stderr}")]
    Command {
        /// The command line.
        command: String,
        /// How it ended.
        status: String,
        /// What it printed.
        stdout: String,
        /// What it complained about.
        stderr: String,
    },
    /// The server answered otherwise than the test expects.
    #[error("{request}: expected {expected}, got {status}: {body}")]
    Answer {
        /// Method and path.
        request: String,
        /// What was expected.
        expected: String,
        /// The status that came.
        status: u16,
        /// The beginning of the body that came.
        body: String,
    },
    /// No answer came at all.
    #[error("{request}: no answer")]
    Http {
        /// Method and path.
        request: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// A file or socket operation failed.
    #[error("{action} {path}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Something else is not as the test needs it.
    #[error("{0}")]
    Unexpected(String),
}

impl Error {
    /// An [`Error::Unexpected`] with this text.
    pub fn unexpected(text: impl Into<String>) -> Self {
        Self::Unexpected(text.into())
    }

    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// The HTTP status, if the server answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answer { status, .. } => Some(*status),
            _ => None,
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
