//! JSON as Quay writes it: its web routes are compact with sorted keys, its other documents have Python's spaces. Some
//! scripts take answers apart with text tools.

use std::io::{self, Write};

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize as _;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Compact, with keys in alphabetical order and a newline at the end.
pub(crate) fn compact(status: StatusCode, mut body: Value) -> Response {
    body.sort_all_objects();
    let mut text = body.to_string();
    text.push('\n');
    (status, [(CONTENT_TYPE, JSON)], text).into_response()
}

/// With a space behind each comma and colon, keys as they are.
pub(crate) fn spaced(body: &Value) -> Response {
    let mut text = Vec::new();
    // A `Value` has only text keys, and writing to memory does not fail.
    let _ = body.serialize(&mut Serializer::with_formatter(&mut text, Spaced));
    ([(CONTENT_TYPE, JSON)], text).into_response()
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
