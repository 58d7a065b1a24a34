//! The router of `/v2`, and the walk of a request: path → guard → state of the registry → handler.

use std::net::IpAddr;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use percent_encoding::percent_decode_str;
use pierhead_http::Peer;
use pierhead_oci::RepositoryName;

use crate::audit::Attempt;
use crate::error::{Code, Error, Result};
use crate::handlers::{blobs, catalog, manifests, ping, referrers, tags, token, uploads};
use crate::route::{self, Match, Operation, Route};
use crate::state::Registry;

/// What handlers read of a request, beside its body.
#[derive(Debug)]
pub(crate) struct Call<'r> {
    /// The method.
    pub method: &'r Method,
    /// The headers.
    pub headers: &'r HeaderMap,
    /// The query string.
    pub query: Option<&'r str>,
    /// The repository name.
    pub name: &'r RepositoryName,
    /// Reference, digest or upload id.
    pub target: &'r str,
    /// Address of the client.
    pub peer: Option<IpAddr>,
}

/// The routes of `/v2`.
pub fn router(registry: Registry) -> Router {
    Router::new()
        .route("/v2/", get(ping::ping))
        .route(
            "/v2",
            get(|| async { (StatusCode::PERMANENT_REDIRECT, [("location", "/v2/")]) }),
        )
        .route("/v2/auth", get(token::issue))
        .route("/v2/_catalog", get(catalog::list))
        .route("/v2/{*path}", any(dispatch))
        .with_state(registry)
}

async fn dispatch(State(registry): State<Registry>, request: Request) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    if registry.config.account_recovery {
        return Error::from(Code::UNSUPPORTED).into_response();
    }
    let path = parts.uri.path().strip_prefix("/v2/").unwrap_or_default();
    // Some clients encode the colon of a digest. What is no UTF-8 is in no name.
    let Ok(path) = percent_decode_str(path).decode_utf8() else {
        return Error::from(Code::NAME_INVALID).into_response();
    };
    let route = match route::parse(&parts.method, &path) {
        Match::Route(route) => route,
        Match::MethodNotAllowed => return Error::from(Code::UNSUPPORTED).into_response(),
        Match::NotFound => {
            let code = Code {
                status: StatusCode::NOT_FOUND,
                ..Code::UNSUPPORTED
            };
            return Error::saying(code, "no such route").into_response();
        }
    };
    let response = match walk(&registry, route, &parts, body).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    let namespace = route.name.split('/').next().unwrap_or_default();
    registry.measures.answered(
        route.operation,
        route.target.contains(':'),
        &parts.method,
        response.status(),
        namespace,
        started.elapsed(),
    );
    response
}

async fn walk(
    registry: &Registry,
    route: Route<'_>,
    parts: &Parts,
    body: Body,
) -> Result<Response> {
    let config = &registry.config;
    let name = RepositoryName::parse(route.name, &config.names)
        .map_err(|error| Error::saying(Code::NAME_INVALID, error.to_string()))?;
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.address);
    let attempt = Attempt {
        operation: route.operation,
        name: &name,
        target: route.target,
        ip: peer,
    };
    let caller = registry.admit(&parts.headers, &attempt).await?;
    if route.operation.writes() {
        if config.read_only {
            return Err(Error::saying(
                Code::DENIED,
                "System is currently read-only. Pulls will succeed but all write operations are currently suspended.",
            ));
        }
        if config.disable_pushes {
            return Err(Code::PUSHES_DISABLED.into());
        }
    }
    let call = Call {
        method: &parts.method,
        headers: &parts.headers,
        query: parts.uri.query(),
        name: &name,
        target: route.target,
        peer,
    };
    handle(registry, route.operation, &call, &caller, body).await
}

async fn handle(
    registry: &Registry,
    operation: Operation,
    call: &Call<'_>,
    caller: &crate::guard::Admitted,
    body: Body,
) -> Result<Response> {
    match operation {
        Operation::PullManifest => manifests::pull(registry, call, caller).await,
        Operation::PushManifest => manifests::push(registry, call, caller, body).await,
        Operation::DeleteManifest => manifests::delete(registry, call, caller).await,
        Operation::PullBlob => blobs::pull(registry, call, caller).await,
        Operation::DeleteBlob => blobs::delete(registry, call, caller).await,
        Operation::StartUpload => uploads::start(registry, call, caller, body).await,
        Operation::UploadStatus => uploads::status(registry, call, caller).await,
        Operation::AppendUpload => uploads::append(registry, call, caller, body).await,
        Operation::FinishUpload => uploads::finish(registry, call, caller, body).await,
        Operation::CancelUpload => uploads::cancel(registry, call, caller).await,
        Operation::ListTags => tags::list(registry, call, caller).await,
        Operation::ListReferrers => referrers::list(registry, call, caller).await,
    }
}
