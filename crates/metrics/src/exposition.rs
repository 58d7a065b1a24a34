//! `GET /metrics`.

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::prometheus_text;

use crate::Metrics;

/// Content type of the Prometheus text format that [`Metrics::encode`] writes.
pub const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

impl Metrics {
    /// A router with `GET /metrics`, for the metrics listener (port 9091).
    pub fn router(self: Arc<Self>) -> Router {
        Router::new().route("/metrics", get(move || std::future::ready(self.answer())))
    }

    /// All metrics as text, after the refreshers have run.
    ///
    /// # Errors
    /// Only when a metric fails to write itself; nothing is shown then, rather than a part.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        self.refresh();
        let mut text = String::with_capacity(64 * 1024);
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn answer(&self) -> Response {
        match self.encode() {
            Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
            Err(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "The metrics cannot be written.\n",
            )
                .into_response(),
        }
    }
}
