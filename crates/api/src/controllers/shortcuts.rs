//! Short addresses (Quay's `endpoints/web.py`): `/<namespace>` and `/<namespace>/<repository>[:tag]` lead to the pages of the
//! console. Every other route goes before them; what nobody serves ends here, too.
//!
//! As in Quay, everybody is told which namespaces there are; of a repository, only its readers are told that it exists, and
//! only members of its namespace that it does not.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use pierhead_auth::RepositoryKind;
use pierhead_oci::{NamespaceName, RepositoryName};
use serde::Deserialize;

use super::{NO_CACHE, unknown};
use crate::caller::Caller;
use crate::error::Result;
use crate::extract::Path;
use crate::route::Routes;
use crate::state::Api;

/// The path of [`namespace`].
pub(crate) const NAMESPACE: &str = "/{namespace}";
/// The path of [`namespace`] with a slash at the end.
pub(crate) const NAMESPACE_SLASH: &str = "/{namespace}/";
/// The path of [`repository`].
pub(crate) const REPOSITORY: &str = "/{namespace}/{*repository}";

/// Beginnings of paths that name no repository, as other addresses are below them; `api/` is ours.
const RESERVED: [&str; 9] = [
    "api/",
    "bitbucket/setup/",
    "cnr/",
    "customtrigger/setup/",
    "github/callback/trigger/",
    "push/",
    "repository/",
    "v1/",
    "v2/",
];
/// The tag that a page shows if none is named.
const DEFAULT_TAG: &str = "latest";

pub(crate) fn routes() -> Routes {
    Routes::pages()
        .get(NAMESPACE, namespace)
        .get(NAMESPACE_SLASH, namespace)
        .get(REPOSITORY, repository)
}

/// `GET /<namespace>`.
async fn namespace(
    caller: Caller,
    State(api): State<Api>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response> {
    if NamespaceName::validate_new(&name).is_err() {
        return Ok(unknown::path(uri, headers).await);
    }
    let rights = api
        .auth()
        .namespace_rights(caller.credential(), &name)
        .await?;
    Ok(match (rights.id, rights.organization) {
        (None, _) => unknown::path(uri, headers).await,
        (Some(_), Some(_)) => found(format!("/organization/{name}/")),
        (Some(_), None) => found(format!("/user/{name}/")),
    })
}

/// The parts of a repository's short address.
#[derive(Deserialize)]
struct Address {
    namespace: String,
    repository: String,
}

/// `GET /<namespace>/<repository>[:tag]`.
async fn repository(
    caller: Caller,
    State(api): State<Api>,
    Path(Address {
        namespace,
        repository,
    }): Path<Address>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response> {
    let path = repository.trim_end_matches('/');
    let (path, tag) = path.split_once(':').unwrap_or((path, DEFAULT_TAG));
    let whole = format!("{namespace}/{repository}");
    let name = match RepositoryName::new(&namespace, path) {
        Ok(name) if !RESERVED.iter().any(|other| whole.starts_with(other)) => name,
        _ => return Ok(unknown::path(uri, headers).await),
    };
    let rights = api
        .auth()
        .repository_rights(caller.credential(), &name)
        .await?;
    if let Some(existing) = &rights.repository
        && (existing.public || rights.role.is_some() || caller.has_full_access())
    {
        if existing.kind == RepositoryKind::Application {
            return Ok(unknown::path(uri, headers).await);
        }
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("tab", "tags").append_pair("tag", tag);
        return Ok(found(format!("/repository/{name}?{}", query.finish())));
    }
    let owner = api
        .auth()
        .namespace_rights(caller.credential(), name.namespace())
        .await?;
    let own = caller
        .user()
        .is_some_and(|user| user.username == name.namespace());
    let member = own || owner.role.is_some() || caller.has_full_access();
    if owner.id.is_none() || (member && rights.repository.is_none()) {
        return Ok(unknown::path(uri, headers).await);
    }
    Ok(unknown::forbidden(&headers))
}

/// A redirect to a page of the console.
fn found(target: String) -> Response {
    let not_kept = [(CACHE_CONTROL, NO_CACHE)];
    (StatusCode::FOUND, not_kept, [(LOCATION, target)]).into_response()
}
