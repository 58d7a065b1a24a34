//! The addresses of the console's pages (Quay's `endpoints/web.py`). Until there is a console, the page of `/` is shown there,
//! to everybody, as Quay shows its console: links, bookmarks and the browser's search lead somewhere. They go before accounts
//! of the same name.

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use super::{NO_CACHE, landing, unknown};
use crate::guard::Anyone;
use crate::landing as page;
use crate::route::{Route, Routes};
use crate::state::Api;

const PAGES: [&str; 22] = [
    "/__exp/{page}",
    "/about/",
    "/contact/",
    "/guide/",
    "/new/",
    "/organization/{*page}",
    "/organizations/",
    "/organizations/new/",
    "/privacy",
    "/repository/",
    "/repository/{repository}",
    "/repository/{repository}/",
    "/search",
    "/security/",
    "/signin/",
    "/tos",
    "/tour/",
    "/tour/{*page}",
    "/tutorial/",
    "/user/{*page}",
    "/v1",
    "/v1/",
];
/// Those of superusers.
const SUPERUSER_PAGES: [&str; 2] = ["/setup/", "/superuser/"];

pub(crate) fn routes() -> Routes {
    let pages = PAGES
        .into_iter()
        .fold(Routes::pages(), |routes, page| routes.get(page, show));
    let of_superusers =
        |page| Route::page(Method::GET, page, show).when(|config| config.users.feature_super_users);
    SUPERUSER_PAGES
        .into_iter()
        .fold(pages, |routes, page| routes.add(of_superusers(page)))
        .get("/404", not_found)
        .get("/500", failed)
}

async fn show(_: Anyone, State(api): State<Api>, headers: HeaderMap) -> Response {
    landing::show(&api, &headers).await
}

/// What an address without a page shows.
async fn not_found(_: Anyone, uri: Uri, headers: HeaderMap) -> Response {
    unknown::path(uri, headers).await
}

/// The page that a front proxy may show when it has no answer. As Quay's it is itself no failure.
async fn failed(_: Anyone) -> Response {
    let text =
        "The registry did not answer as it should. Try again; if it goes on, tell who runs it.";
    let page = landing::html(StatusCode::OK, page::message("Something went wrong", text));
    ([(CACHE_CONTROL, NO_CACHE)], page).into_response()
}
