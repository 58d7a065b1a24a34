//! A request body that ends with an error when its client falls silent.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

/// No byte of the body came for the given time. Handlers answer it with 408.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no byte of the request body came for {} seconds", .0.as_secs_f32())]
pub struct BodyIdle(pub Duration);

pin_project! {
    /// Wraps a body so that each wait for its next frame is bounded. The server wraps each request's body.
    ///
    /// The timer is armed only while the body keeps its reader waiting, so time that a handler spends on
    /// other things does not count.
    #[derive(Debug)]
    pub struct IdleBody<B> {
        #[pin]
        inner: B,
        limit: Duration,
        waiting: bool,
        timer: Option<Pin<Box<Sleep>>>,
    }
}

impl<B> IdleBody<B> {
    /// Bounds each wait for a frame of `inner` by `limit`.
    pub fn new(inner: B, limit: Duration) -> Self {
        Self {
            inner,
            limit,
            waiting: false,
            timer: None,
        }
    }
}

impl<B> Body for IdleBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        if let Poll::Ready(frame) = this.inner.poll_frame(cx) {
            *this.waiting = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let deadline = Instant::now() + *this.limit;
        let timer = this
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if !*this.waiting {
            *this.waiting = true;
            timer.as_mut().reset(deadline);
        }
        timer
            .as_mut()
            .poll(cx)
            .map(|()| Some(Err(BodyIdle(*this.limit).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
