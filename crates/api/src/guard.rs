//! Who may call a route. A route cannot be added without saying it, and what was said is kept beside the router, so that the
//! matrix of routes and callers is made from the router itself.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{get, post};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Anybody, without credentials; credentials are not looked at.
    Anyone,
}

/// A route and its guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclaredRoute {
    /// The method. `GET` also answers `HEAD`.
    pub method: &'static str,
    /// The path, with `{parameters}`.
    pub path: &'static str,
    /// Who may call it.
    pub guard: Guard,
}

/// A router under construction, with what was declared about its routes.
pub(crate) struct Routes<S> {
    pub(crate) router: Router<S>,
    pub(crate) declared: Vec<DeclaredRoute>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    pub(crate) fn new() -> Self {
        Self {
            router: Router::new(),
            declared: Vec::new(),
        }
    }

    pub(crate) fn get<H, T>(mut self, path: &'static str, guard: Guard, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.declare("GET", path, guard);
        self.router = self.router.route(path, get(handler));
        self
    }

    pub(crate) fn post<H, T>(mut self, path: &'static str, guard: Guard, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.declare("POST", path, guard);
        self.router = self.router.route(path, post(handler));
        self
    }

    fn declare(&mut self, method: &'static str, path: &'static str, guard: Guard) {
        let route = DeclaredRoute {
            method,
            path,
            guard,
        };
        self.declared.push(route);
    }
}
