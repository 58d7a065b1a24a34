//! `/api/v1/user` and its neighbours: people, their sessions, tokens and notifications (api-v1.md §5.1, §5.2, §6.1).

use axum::http::Method;

use crate::route::{Route, Routes};

mod account;
pub(crate) mod app_tokens;
mod initialize;
mod notifications;
pub(crate) mod session;

pub(crate) fn routes() -> Routes {
    [
        account::routes(),
        app_tokens::routes(),
        notifications::routes(),
        session::routes(),
    ]
    .into_iter()
    .fold(Routes::tagged("user"), Routes::merge)
    .add(Route::page(
        Method::POST,
        "/api/v1/user/initialize",
        initialize::initialize,
    ))
}
