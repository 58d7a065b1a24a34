//! The routes of the API and its pages.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, Uri};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use tower::ServiceExt as _;

use crate::controllers::{self, unknown};
use crate::guard::Rule;
use crate::repository_path::RepositoryPaths;
use crate::route::Routes;
use crate::state::Api;
use crate::{cors, error, session};

/// A route and who may call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredRoute {
    /// The method. `GET` also answers `HEAD`.
    pub method: String,
    /// The path, with `{parameters}`.
    pub path: String,
    /// Who may call it.
    pub rule: Rule,
}

/// Everything that is served beside `/v2`. Has the fallback for paths that nobody serves, so a router that it is merged with
/// must have none.
pub fn router(api: Api) -> Router {
    serve(controllers::routes(), api)
}

fn serve(routes: Routes, api: Api) -> Router {
    let paths = paths(&routes);
    let slashless = slashless(&paths);
    let all = paths.iter().chain(&slashless);
    let repository_paths = Arc::new(RepositoryPaths::of(all.map(String::as_str)));
    let mut router = Router::new();
    for path in &slashless {
        router = router.route(path, any(add_slash));
    }
    for route in routes.routes {
        router = route.serve(router, &api);
    }
    let inner = router
        .fallback(unknown::path)
        .method_not_allowed_fallback(unknown::method)
        .layer(middleware::from_fn_with_state(api.clone(), error::finish))
        .layer(middleware::from_fn_with_state(api.clone(), session::layer))
        .layer(middleware::from_fn_with_state(api.clone(), cors::layer))
        .with_state(api);
    // Middleware of a router runs after it has chosen the route; this must run before.
    Router::new().fallback(move |request: Request| {
        let request = repository_paths.rewrite(request);
        let inner = inner.clone();
        let asks = request.method() == Method::OPTIONS;
        async move {
            match inner.oneshot(request).await {
                Ok(response) if asks => cors::with_options(response),
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
    })
}

/// The routes of [`router`] with their guards.
pub fn routes() -> Vec<DeclaredRoute> {
    controllers::routes()
        .routes
        .into_iter()
        .map(|route| DeclaredRoute {
            method: route.method.to_string(),
            path: route.path,
            rule: route.rule,
        })
        .collect()
}

/// The paths of all routes.
fn paths(routes: &Routes) -> Vec<String> {
    let mut paths: Vec<String> = routes
        .routes
        .iter()
        .map(|route| route.path.clone())
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

/// The paths without their slash at the end, where that is no route by itself: a client is sent to the one with it.
fn slashless(paths: &[String]) -> Vec<String> {
    let known: HashSet<&str> = paths.iter().map(String::as_str).collect();
    let without: HashSet<&str> = paths
        .iter()
        .filter(|path| path.len() > 1)
        .filter_map(|path| path.strip_suffix('/'))
        .filter(|path| !known.contains(path))
        .collect();
    without.into_iter().map(str::to_owned).collect()
}

/// 308 to the path with a slash at the end: the method and the body stay.
async fn add_slash(uri: Uri) -> Response {
    let path = uri.path();
    let target = match uri.query() {
        Some(query) => format!("{path}/?{query}"),
        None => format!("{path}/"),
    };
    axum::response::Redirect::permanent(&target.replace("%2F", "/")).into_response()
}

#[cfg(test)]
mod gates;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod tests;
