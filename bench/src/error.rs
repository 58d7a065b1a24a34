//! What can go wrong in a benchmark run, told to the person who runs it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A failure of one step of the run. Failures of one registry's row are printed in that row and
/// do not end the run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Reading or writing a file, a socket or `/proc` failed.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, as in "create the folder /tmp/x".
        doing: String,
        /// The cause.
        source: io::Error,
    },
    /// A program could not be started at all.
    #[error("start {}: {source}", program.display())]
    Spawn {
        /// The program's path.
        program: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A helper program (`initdb`, `psql`, `pierhead robot …`) ended with an error.
    #[error("`{command}` failed ({status}): {stderr}")]
    Command {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: String,
        /// What it wrote to standard error.
        stderr: String,
    },
    /// A server ended, or did not answer, before it was ready.
    #[error("{name} was not ready after {waited:?}; the end of its log: {log}")]
    NotReady {
        /// The registry's name.
        name: String,
        /// How long the run waited.
        waited: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// A server sent something that is not HTTP/1.1.
    #[error("{target}: malformed HTTP response: {problem}")]
    Http {
        /// Method and path of the request.
        target: String,
        /// What is wrong.
        problem: String,
    },
    /// A server answered, but not with what the operation asks for.
    #[error("{target}: expected {expected}, got {got}")]
    Answer {
        /// Method and path of the request.
        target: String,
        /// The answer that the operation needs.
        expected: String,
        /// The answer that came.
        got: String,
    },
    /// The operating system gave something unexpected under `/proc`.
    #[error("{path}: cannot read {field}")]
    Proc {
        /// The file.
        path: String,
        /// The missing field.
        field: &'static str,
    },
    /// `--peers` names something that is no registry.
    #[error("--peers: there is no `{name}`; known are {known}")]
    UnknownPeer {
        /// What was asked for.
        name: String,
        /// What may be asked for.
        known: String,
    },
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
}

/// Names what was being done when an I/O error happened.
pub(crate) trait Doing<T> {
    /// Turns the error into [`Error::Io`] with this description.
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io {
            doing: doing(),
            source: source.into(),
        })
    }
}
