//! The addresses of the console's pages (Quay's `endpoints/web.py`). Until there is a console, the page of `/` is shown there,
//! to everybody, as Quay shows its console: links, bookmarks and the browser's search lead somewhere. They go before accounts
//! of the same name.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::landing;
use crate::guard::Anyone;
use crate::route::Routes;
use crate::state::Api;

const PAGES: [&str; 20] = [
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
    "/setup/",
    "/signin/",
    "/superuser/",
    "/tos",
    "/tour/",
    "/tutorial/",
    "/user/{*page}",
];

pub(crate) fn routes() -> Routes {
    PAGES
        .into_iter()
        .fold(Routes::pages(), |routes, page| routes.get(page, show))
}

async fn show(_: Anyone, State(api): State<Api>, headers: HeaderMap) -> Response {
    landing::show(&api, &headers).await
}
