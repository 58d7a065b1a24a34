//! `GET /v2/_catalog`: the repositories that the caller can see, in the order of their ids, as Quay lists them.

use std::time::SystemTime;

use axum::extract::{RawQuery, State};
use axum::http::header::{AUTHORIZATION, LINK};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pierhead_db::enums::{RepositoryKind, TeamRole, Visibility};
use pierhead_db::queries::catalog::{self, CatalogIds, Viewer};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::{Code, Result, answer, insert};
use crate::handlers::query;
use crate::state::Registry;

/// What a page token says.
#[derive(Serialize, Deserialize)]
struct Page {
    start_id: i32,
}

/// Any valid token will do; anonymous callers see public repositories if `FEATURE_PUBLIC_CATALOG` is on. Without it they are
/// asked for a token, where Quay shows them an empty list: clients that begin with this request would never log in.
pub(crate) async fn list(
    State(registry): State<Registry>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let config = &registry.config;
    if config.account_recovery {
        return Err(Code::UNSUPPORTED.into());
    }
    let bearer = registry.bearer(&headers, None).await?;
    let nothing_to_see = !config.public_catalog && !headers.contains_key(AUTHORIZATION);
    if nothing_to_see || !registry.auth.is_valid(&bearer).await? {
        return Err(registry.challenge(&headers, None, None));
    }
    let query = query.as_deref();
    // Quay: not a number is one, and one is the least.
    let limit = match query::value(query, "n").map(|n| n.parse::<i64>()) {
        None => config.page_size as i64,
        Some(Ok(n)) => n.clamp(1, config.page_size as i64),
        Some(Err(_)) => 1,
    };
    let now = SystemTime::now();
    let first = query::value(query, "next_page")
        .or_else(|| query::value(query, "last"))
        .and_then(|token| registry.page_tokens.open::<Page>(&token, now))
        .map_or(0, |page| page.start_id);
    let auth = registry.auth.config();
    let name = bearer.subject().map(|subject| subject.name.as_str());
    let viewer = Viewer {
        user: bearer
            .subject()
            .and_then(|subject| subject.user_id)
            .map(|user| user.0),
        everything: name.is_some_and(|name| {
            auth.global_readonly_super_users.contains(name)
                || (auth.superusers_full_access && auth.super_users.contains(name))
        }),
        public: config.public_catalog,
    };
    let ids = CatalogIds {
        image: registry.enums.id(RepositoryKind::Image),
        public: registry.enums.id(Visibility::Public),
        team_admin: registry.enums.id(TeamRole::Admin),
    };
    let mut entries = {
        let mut conn = registry.db.read().await?;
        catalog::list(&mut conn, ids, viewer, first, limit + 1).await?
    };
    let next = entries.get(limit as usize).map(|entry| entry.id.0);
    entries.truncate(limit as usize);
    let names: Vec<String> = entries
        .iter()
        .map(|entry| format!("{}/{}", entry.namespace, entry.name))
        .collect();
    let mut response = answer(StatusCode::OK, &json!({ "repositories": names }));
    if let Some(start_id) = next
        && let Ok(token) = registry.page_tokens.seal(&Page { start_id }, now)
    {
        let token = utf8_percent_encode(&token, NON_ALPHANUMERIC);
        insert(
            response.headers_mut(),
            LINK,
            &format!("</v2/_catalog?n={limit}&next_page={token}>; rel=\"next\""),
        );
    }
    Ok(response)
}
