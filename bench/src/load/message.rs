//! HTTP requests and responses, with the few headers that registries and their clients need.

/// A request. The parts of the body are sent one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// `GET`, `PUT` …
    pub(crate) method: &'a str,
    /// Path and query.
    pub(crate) target: &'a str,
    /// Value of the `Authorization` header.
    pub(crate) authorization: Option<&'a str>,
    /// Value of the `Accept` header.
    pub(crate) accept: Option<&'a str>,
    /// Value of the `Content-Type` header.
    pub(crate) content_type: Option<&'a str>,
    /// Values of `Cookie` and `X-CSRF-Token`: a web session.
    pub(crate) session: Option<(&'a str, &'a str)>,
    /// The body's parts; `Content-Length` is their sum.
    pub(crate) body: &'a [&'a [u8]],
}

impl<'a> Request<'a> {
    /// A request without a body.
    pub(crate) fn new(method: &'a str, target: &'a str) -> Self {
        Self {
            method,
            target,
            authorization: None,
            accept: None,
            content_type: None,
            session: None,
            body: &[],
        }
    }
}

/// What happens to a response's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// It is kept in [`Response::body`].
    Keep,
    /// Only its length is counted.
    Discard,
}

/// A response.
#[derive(Debug, Default)]
pub(crate) struct Response {
    /// The status code.
    pub(crate) status: u16,
    /// `Location`.
    pub(crate) location: Option<String>,
    /// `Docker-Content-Digest`.
    pub(crate) digest: Option<String>,
    /// `Link`.
    pub(crate) link: Option<String>,
    /// `WWW-Authenticate`.
    pub(crate) challenge: Option<String>,
    /// `name=value` of `Set-Cookie`.
    pub(crate) cookie: Option<String>,
    /// Bytes of the body.
    pub(crate) length: u64,
    /// The body, where it was asked for.
    pub(crate) body: Vec<u8>,
}
