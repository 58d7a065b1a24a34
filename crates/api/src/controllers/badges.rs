//! The badge of a repository: a small picture of how its last build went, for web pages (api-v1.md §6.5).

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use pierhead_db::enums::{RepositoryKind, Visibility};
use pierhead_db::queries::repository_views;
use pierhead_oci::RepositoryName;
use serde::Deserialize;

use crate::caller::{Caller, same_token};
use crate::error::{Error, Result};
use crate::extract::{Path, Query};
use crate::route::Routes;
use crate::state::Api;

pub(crate) fn routes() -> Routes {
    Routes::pages().get("/repository/{repository}/status", badge)
}

/// The repository in the path.
#[derive(Debug, Deserialize)]
pub(crate) struct BadgePath {
    repository: String,
}

/// What shows the badge of a private repository.
#[derive(Debug, Deserialize)]
pub(crate) struct BadgeToken {
    token: Option<String>,
}

pub(crate) async fn badge(
    _: Caller,
    State(api): State<Api>,
    Path(path): Path<BadgePath>,
    Query(given): Query<BadgeToken>,
    headers: HeaderMap,
) -> Result<Response> {
    let name = RepositoryName::parse(&path.repository, &api.auth().config().names)
        .map_err(|_| Error::no_such_page())?;
    let row = {
        let mut conn = api.db().read().await?;
        repository_views::badge(&mut conn, name.namespace(), name.repository()).await?
    };
    let row = row
        .filter(|row| row.kind_id == api.enums().id(RepositoryKind::Image))
        .filter(|row| {
            let token = given.token.as_deref().unwrap_or_default();
            row.visibility_id == api.enums().id(Visibility::Public)
                || same_token(token, &row.badge_token)
        })
        .ok_or_else(Error::no_such_page)?;
    let status = Status::of(row.phase.as_deref());
    let known = headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == status.name().as_bytes());
    if known {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CACHE_CONTROL, "no-cache"),
        (ETAG, status.name()),
    ];
    Ok((headers, status.picture()).into_response())
}

/// How the last build went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    None,
    Ready,
    Failed,
    Cancelled,
    Building,
}

impl Status {
    fn of(phase: Option<&str>) -> Self {
        match phase {
            None => Self::None,
            Some("complete") => Self::Ready,
            Some("error") => Self::Failed,
            Some("cancelled") => Self::Cancelled,
            Some(_) => Self::Building,
        }
    }

    /// Also the `ETag`, without quotes as Quay has it.
    const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Building => "building",
        }
    }

    const fn color(self) -> &'static str {
        match self {
            Self::None | Self::Cancelled => "#6a6e73",
            Self::Ready => "#3e8635",
            Self::Failed => "#c9190b",
            Self::Building => "#0066cc",
        }
    }

    /// An SVG of two fields: what it is about, and the status.
    fn picture(self) -> String {
        let (name, color) = (self.name(), self.color());
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="124" height="20" role="img" aria-label="container: {name}"><title>container: {name}</title><rect width="64" height="20" fill="#4d4d4d"/><rect x="64" width="60" height="20" fill="{color}"/><g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="32" y="14">container</text><text x="94" y="14">{name}</text></g></svg>"##
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_tells_how_the_last_build_went() {
        for (phase, status) in [
            (None, Status::None),
            (Some("complete"), Status::Ready),
            (Some("error"), Status::Failed),
            (Some("cancelled"), Status::Cancelled),
            (Some("pulling"), Status::Building),
        ] {
            assert_eq!(Status::of(phase), status);
            let picture = status.picture();
            assert!(picture.starts_with("<svg ") && picture.contains(status.name()));
        }
    }
}
