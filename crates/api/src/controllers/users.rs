//! `/api/v1/user`: for now the first user of an empty database (api-v1.md §6.1).

use axum::http::Method;

use crate::route::{Route, Routes};

mod initialize;

pub(crate) fn routes() -> Routes {
    Routes::tagged("user").add(Route::page(
        Method::POST,
        "/api/v1/user/initialize",
        initialize::initialize,
    ))
}
