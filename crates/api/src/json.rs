//! JSON as Quay writes it: its web routes are compact with sorted keys, the answers of its API and its other documents have
//! Python's spaces. Some scripts take answers apart with text tools.

use std::collections::HashSet;
use std::io::{self, Write};

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

use crate::error::Error;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An answer of the API with status 200.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        answer(StatusCode::OK, &self.0)
    }
}

/// An answer of the API with status 201.
#[derive(Debug)]
pub(crate) struct Created<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        answer(StatusCode::CREATED, &self.0)
    }
}

/// An object whose keys have an order that means something.
#[derive(Debug)]
pub(crate) struct InOrder<T>(Vec<(String, T)>);

impl<T> FromIterator<(String, T)> for InOrder<T> {
    /// Of several values of a key the first counts.
    fn from_iter<I: IntoIterator<Item = (String, T)>>(pairs: I) -> Self {
        let mut seen = HashSet::new();
        let first = |(key, _): &(String, T)| seen.insert(key.clone());
        Self(pairs.into_iter().filter(first).collect())
    }
}

impl<T: Serialize> Serialize for InOrder<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// An answer of the API without a body: status 204.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        (StatusCode::NO_CONTENT, [(CONTENT_TYPE, JSON)]).into_response()
    }
}

/// An answer of the API: fields in the order of the type, and a newline at the end.
pub(crate) fn answer<T: Serialize + ?Sized>(status: StatusCode, body: &T) -> Response {
    match spaced_text(body) {
        Ok(mut text) => {
            text.push(b'\n');
            (status, [(CONTENT_TYPE, JSON)], text).into_response()
        }
        Err(error) => Error::Answer(error).into_response(),
    }
}

/// Compact, with keys in alphabetical order and a newline at the end.
pub(crate) fn compact(status: StatusCode, mut body: Value) -> Response {
    body.sort_all_objects();
    let mut text = body.to_string();
    text.push('\n');
    (status, [(CONTENT_TYPE, JSON)], text).into_response()
}

/// The text of an answer of the API.
pub(crate) fn text(body: &Value) -> Result<Vec<u8>, Error> {
    let mut text = spaced_text(body).map_err(Error::Answer)?;
    text.push(b'\n');
    Ok(text)
}

/// With a space behind each comma and colon, keys as they are.
pub(crate) fn spaced(body: &Value) -> Response {
    match spaced_text(body) {
        Ok(text) => ([(CONTENT_TYPE, JSON)], text).into_response(),
        Err(error) => Error::Answer(error).into_response(),
    }
}

/// JSON inside a JSON text, as Python writes it.
pub(crate) fn nested<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    let text = spaced_text(value).map_err(Error::Answer)?;
    // The serializer writes UTF-8.
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn spaced_text<T: Serialize + ?Sized>(body: &T) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    body.serialize(&mut Serializer::with_formatter(&mut text, Spaced))?;
    Ok(text)
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}
