//! The list of repositories.

use axum::extract::State;
use pierhead_db::queries::repository_lists::ListedRepository;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::error::Result;
use crate::extract::{Query, query};
use crate::guard::{Declares, ReadsRepositories};
use crate::json::Json;
use crate::route::{Routes, route};
use crate::services::repositories::{self, Wanted, state_name};
use crate::state::Api;
use crate::views::quota::RepositoryReport;

pub(super) fn routes() -> Routes {
    Routes::tagged("repository").add(route!(list_repos))
}

/// Which repositories, and what of them.
#[derive(Debug, Deserialize)]
pub(crate) struct Listing {
    namespace: Option<String>,
    #[serde(default, deserialize_with = "query::flag")]
    starred: bool,
    #[serde(default, deserialize_with = "query::flag")]
    public: bool,
    #[serde(default, deserialize_with = "query::flag")]
    last_modified: bool,
    #[serde(default, deserialize_with = "query::flag")]
    popularity: bool,
    repo_kind: Option<String>,
    next_page: Option<String>,
}

/// A page of repositories.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RepositoryList {
    repositories: Vec<RepositoryItem>,
    /// Given as `next_page` it lists what follows; missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
}

/// A repository of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RepositoryItem {
    namespace: String,
    name: String,
    description: Option<String>,
    is_public: bool,
    kind: String,
    #[schema(value_type = String)]
    state: &'static str,
    /// Seconds since 1970; null if nothing was pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    last_modified: Option<Option<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    popularity: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_starred: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_report: Option<RepositoryReport>,
}

/// Fetch the list of repositories visible to the current user under a variety of situations.
#[utoipa::path(
    get,
    path = "/api/v1/repository",
    operation_id = "listRepos",
    params(
        ("next_page" = Option<String>, Query, description = "The page token for the next page"),
        ("repo_kind" = Option<String>, Query, description = "The kind of repositories to return"),
        ("popularity" = Option<bool>, Query, description = "Whether to include the repository's popularity metric."),
        ("last_modified" = Option<bool>, Query, description = "Whether to include when the repository was last modified."),
        ("public" = Option<bool>, Query, description = "Adds any repositories visible to the user by virtue of being public"),
        ("starred" = Option<bool>, Query, description = "Filters the repositories returned to those starred by the user"),
        ("namespace" = Option<String>, Query, description = "Filters the repositories returned to this namespace")
    ),
    responses((status = 200, body = RepositoryList, description = "A page of repositories in the order they were made"))
)]
pub(crate) async fn list_repos(
    guard: Declares<ReadsRepositories, Caller>,
    State(api): State<Api>,
    Query(listing): Query<Listing>,
) -> Result<Json<RepositoryList>> {
    let wanted = Wanted {
        namespace: listing.namespace.filter(|namespace| !namespace.is_empty()),
        starred: listing.starred,
        public: listing.public,
        kind: listing.repo_kind.unwrap_or_else(|| "image".to_owned()),
        last_modified: listing.last_modified,
        popularity: listing.popularity,
        next_page: listing.next_page,
    };
    let page = repositories::list(&api, &guard, &wanted).await?;
    let signed_in = guard.user().is_some();
    let mut quotas = page.quotas;
    Ok(Json(RepositoryList {
        repositories: page
            .repositories
            .into_iter()
            .map(|row| {
                let quota = quotas.remove(&row.id);
                item(row, &wanted, signed_in, quota)
            })
            .collect(),
        next_page: page.next,
    }))
}

fn item(
    row: ListedRepository,
    wanted: &Wanted,
    signed_in: bool,
    quota_report: Option<RepositoryReport>,
) -> RepositoryItem {
    RepositoryItem {
        is_public: row.public,
        kind: wanted.kind.clone(),
        state: state_name(row.state),
        last_modified: wanted
            .last_modified
            .then(|| row.last_modified_ms.map(|ms| ms.div_euclid(1000))),
        popularity: wanted
            .popularity
            .then(|| row.actions.unwrap_or_default() as f64),
        is_starred: signed_in.then_some(row.starred),
        quota_report,
        namespace: row.namespace,
        name: row.name,
        description: row.description,
    }
}
