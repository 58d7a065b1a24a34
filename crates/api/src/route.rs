//! Routes: a handler with its path, its description, and what must be so before its guard is asked. A documented route is
//! made by [`route!`] from a handler with `#[utoipa::path]`, so method, path, operation id and parameters are written once.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use pierhead_config::Config;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{RefOr, Schema};

use crate::controllers::unknown;
use crate::error::Error;
use crate::guard::{Guard, Guarded, Rule};
use crate::state::Api;

/// A documented route of a handler in the same module.
macro_rules! route {
    ($handler:ident) => {
        pastey::paste! { $crate::route::Route::documented::<[<__path_ $handler>], _, _>($handler) }
    };
}

pub(crate) use route;

/// Whether the configuration has a feature switched on.
pub(crate) type Feature = fn(&Config) -> bool;

/// What is to be known of a route while it is called.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RouteInfo {
    /// Anonymous callers may call it even if anonymous access is off.
    pub(crate) anonymous: bool,
    /// It may be called while the registry is read-only, although it is no GET.
    pub(crate) in_read_only: bool,
    /// Browsers may follow links to it (`BROWSER_API_CALLS_XHR_ONLY`).
    page: bool,
}

impl RouteInfo {
    /// Of the route that a request was sent to.
    pub(crate) fn of(parts: &Parts) -> Self {
        parts.extensions.get().copied().unwrap_or_default()
    }
}

/// How a documented route is described. Made when somebody asks for it: it is megabytes for all routes together.
#[derive(Clone)]
pub(crate) struct Documentation {
    /// Parameters, body, answers.
    pub(crate) operation: fn() -> Operation,
    schemas: fn(&mut Vec<(String, RefOr<Schema>)>),
    /// Hidden from clients that do not ask for it.
    pub(crate) internal: bool,
    /// The group it belongs to.
    pub(crate) tag: &'static str,
}

impl Documentation {
    /// The schemas that it refers to, by name.
    pub(crate) fn schemas(&self) -> Vec<(String, RefOr<Schema>)> {
        let mut schemas = Vec::new();
        (self.schemas)(&mut schemas);
        schemas
    }
}

/// A route.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) rule: Rule,
    pub(crate) feature: Option<Feature>,
    pub(crate) documentation: Option<Documentation>,
    info: RouteInfo,
    handler: MethodRouter<Api>,
    /// Asks the guard and does nothing.
    #[cfg(test)]
    probe: MethodRouter<Api>,
}

impl Route {
    /// See [`route!`].
    pub(crate) fn documented<P, H, T>(handler: H) -> Self
    where
        P: utoipa::Path + utoipa::__dev::SchemaReferences,
        H: Handler<T, Api>,
        T: Guarded + 'static,
    {
        let method = P::methods()
            .into_iter()
            .next()
            .map_or(Method::GET, |method| axum_method(&method));
        Self {
            documentation: Some(Documentation {
                operation: P::operation,
                schemas: P::schemas,
                internal: false,
                tag: "",
            }),
            info: RouteInfo::default(),
            ..Self::page(method, P::path(), handler)
        }
    }

    /// A route that is not part of the API's description.
    pub(crate) fn page<H, T>(method: Method, path: impl Into<String>, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: Guarded + 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
        Self {
            method,
            path: path.into(),
            rule: <T::Guard as Guard>::RULE,
            feature: None,
            documentation: None,
            info: RouteInfo {
                page: true,
                ..RouteInfo::default()
            },
            handler: on(filter, handler),
            #[cfg(test)]
            probe: on(filter, async |_: T::Guard| StatusCode::NO_CONTENT),
        }
    }

    /// Served only if the configuration has this switched on; 404 before anything else otherwise.
    pub(crate) fn when(self, feature: Feature) -> Self {
        Self {
            feature: Some(feature),
            ..self
        }
    }

    /// Hidden from discovery, unless it is asked for.
    pub(crate) fn internal(mut self) -> Self {
        if let Some(documentation) = &mut self.documentation {
            documentation.internal = true;
        }
        self
    }

    /// May be called by anonymous callers even if anonymous access is off.
    pub(crate) fn anonymous(mut self) -> Self {
        self.info.anonymous = true;
        self
    }

    /// May be called while the registry is read-only.
    pub(crate) fn in_read_only(mut self) -> Self {
        self.info.in_read_only = true;
        self
    }

    /// The route with nothing behind its guard, feature or not.
    #[cfg(test)]
    pub(crate) fn probed(self) -> Self {
        Self {
            handler: self.probe.clone(),
            feature: None,
            ..self
        }
    }

    /// Whether its feature is on.
    pub(crate) fn is_served(&self, api: &Api) -> bool {
        self.feature.is_none_or(|feature| feature(api.config()))
    }

    /// Adds it to a router.
    pub(crate) fn serve(self, router: Router<Api>, api: &Api) -> Router<Api> {
        let gate = Gate {
            enabled: self.is_served(api),
            page: self.info.page,
            xhr_only: !self.info.page && api.config().server.browser_api_calls_xhr_only,
            info: self.info,
        };
        let handler = self
            .handler
            .layer(middleware::from_fn_with_state(Arc::new(gate), pass));
        router.route(&self.path, handler)
    }
}

/// What must be so before a route's guard is asked.
struct Gate {
    enabled: bool,
    /// It is no part of the API's description.
    page: bool,
    xhr_only: bool,
    info: RouteInfo,
}

async fn pass(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    if !gate.enabled {
        // As if there were no route.
        return if gate.page {
            unknown::path(request.uri().clone(), request.headers().clone()).await
        } else {
            Error::no_such_page().into_response()
        };
    }
    if gate.xhr_only && request.method() == Method::GET && is_plain_browser_call(&request) {
        return Error::web(
            StatusCode::BAD_REQUEST,
            "API calls must be invoked with an X-Requested-With header if called from a browser",
        )
        .into_response();
    }
    request.extensions_mut().insert(gate.info);
    next.run(request).await
}

/// A browser that follows a link rather than a script that calls.
fn is_plain_browser_call(request: &Request) -> bool {
    const BROWSERS: [&str; 9] = [
        "chrome",
        "firefox",
        "safari",
        "msie",
        "trident",
        "opera",
        "konqueror",
        "seamonkey",
        "webkit",
    ];
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let user_agent = header(USER_AGENT.as_str()).to_ascii_lowercase();
    BROWSERS.iter().any(|browser| user_agent.contains(browser))
        && header("x-requested-with") != "XMLHttpRequest"
}

fn axum_method(method: &utoipa::openapi::HttpMethod) -> Method {
    use utoipa::openapi::HttpMethod;
    match method {
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Patch => Method::PATCH,
        _ => Method::GET,
    }
}

/// Routes of one domain.
pub(crate) struct Routes {
    pub(crate) routes: Vec<Route>,
    tag: &'static str,
}

impl Routes {
    /// None yet. `tag` is the group of the API's description.
    pub(crate) fn tagged(tag: &'static str) -> Self {
        Self {
            routes: Vec::new(),
            tag,
        }
    }

    /// None yet, for pages that are no part of the API's description.
    pub(crate) fn pages() -> Self {
        Self::tagged("")
    }

    /// One more.
    pub(crate) fn add(mut self, mut route: Route) -> Self {
        if let Some(documentation) = &mut route.documentation {
            documentation.tag = self.tag;
        }
        self.routes.push(route);
        self
    }

    /// One more GET that is no part of the API's description.
    pub(crate) fn get<H, T>(self, path: &str, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: Guarded + 'static,
    {
        self.add(Route::page(Method::GET, path, handler))
    }

    /// Those of another domain.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        self
    }
}
