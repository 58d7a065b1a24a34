//! `GET /.well-known/change-password`: where password managers send people.

use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::error::{Error, Result};
use crate::guard::BasicOrSession;
use crate::route::Routes;

pub(crate) fn routes() -> Routes {
    Routes::pages().get("/.well-known/change-password", change_password)
}

async fn change_password(guard: BasicOrSession) -> Result<Response> {
    if !guard.by_session() {
        let message = "Method requires login and no valid login could be loaded.";
        return Err(Error::web(StatusCode::UNAUTHORIZED, message));
    }
    let target = format!("/user/{}?tab=settings", guard.user().username);
    let location = HeaderValue::from_str(&target)
        .map_err(|_| Error::web(StatusCode::NOT_FOUND, "Not Found"))?;
    Ok((StatusCode::FOUND, [(LOCATION, location)]).into_response())
}
