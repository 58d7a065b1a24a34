//! `/realtime/user/…`: what somebody's clients do, told to the browser at once (api-v1.md §6.5).

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use pierhead_config::Config;
use pierhead_events::{SubscribeError, UserEvent, UserEvents};
use pierhead_http::Endless;

use super::NO_CACHE;
use crate::caller::parameter;
use crate::error::{Error, Result};
use crate::guard::BySession;
use crate::route::{Route, Routes};
use crate::services::user_events::{EventStream, OpenError};
use crate::state::Api;

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// Proxies may neither keep nor compress a stream, which would hold its events back.
const NO_TRANSFORM: HeaderValue = HeaderValue::from_static("no-cache, no-transform");
/// nginx buffers answers unless they say this.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(crate) fn routes() -> Routes {
    let on = |config: &Config| config.redis.feature_user_events;
    Routes::pages()
        .add(Route::page(Method::GET, "/realtime/user/subscribe", subscribe).when(on))
        .add(Route::page(Method::GET, "/realtime/user/test", test).when(on))
}

/// `GET /realtime/user/subscribe?events=a,b`: the events of these names as they happen. As in Quay, no name is a name, too.
async fn subscribe(
    guard: BySession,
    State(api): State<Api>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let names = parameter(query.as_deref().unwrap_or_default(), "events").unwrap_or_default();
    let names: Vec<&str> = names.split(',').collect();
    let opened = EventStream::open(&api, events(&api)?, guard.session(), guard.user(), &names);
    let events = match opened.await {
        Ok(events) => events,
        Err(OpenError::Subscribe(error)) => return Ok(refusal(error)),
        Err(OpenError::Frame(error)) => return Err(error),
    };
    let body = stream::unfold(events, async |mut events| {
        let bytes = events.next().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes), events))
    });
    let headers = [
        (CONTENT_TYPE, EVENT_STREAM),
        (CACHE_CONTROL, NO_TRANSFORM),
        (X_ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    Ok((Extension(Endless), headers, Body::from_stream(body)).into_response())
}

/// `GET /realtime/user/test`: an event `test`, for whoever wants to know whether events arrive.
async fn test(guard: BySession, State(api): State<Api>) -> Result<Response> {
    events(&api)?.publish(&guard.user().username, UserEvent::Test);
    let headers = [(CONTENT_TYPE, HTML), (CACHE_CONTROL, NO_CACHE)];
    Ok((headers, "OK").into_response())
}

fn events(api: &Api) -> Result<&UserEvents> {
    api.events().ok_or_else(Error::no_such_page)
}

fn refusal(error: SubscribeError) -> Response {
    let (status, retry_after_s) = match error {
        SubscribeError::Names => (StatusCode::BAD_REQUEST, None),
        SubscribeError::TooManyOfOne => (StatusCode::TOO_MANY_REQUESTS, Some("30")),
        SubscribeError::TooMany => (StatusCode::SERVICE_UNAVAILABLE, Some("30")),
        SubscribeError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, Some("5")),
        SubscribeError::Unreachable => (StatusCode::GATEWAY_TIMEOUT, Some("5")),
    };
    let mut response = Error::web(status, error.to_string()).into_response();
    if let Some(seconds) = retry_after_s {
        let seconds = HeaderValue::from_static(seconds);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}
