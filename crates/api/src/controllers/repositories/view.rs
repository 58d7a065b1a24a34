//! One repository in full.

use axum::extract::State;
use chrono::NaiveDate;
use pierhead_auth::{RepositoryState, Role};
use pierhead_db::queries::repository_views::RepositoryView;
use pierhead_registry::ListedTag;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dates;
use crate::error::Result;
use crate::extract::{Query, query};
use crate::guard::{AllSuperusers, InRepository, Read};
use crate::json::{InOrder, Json};
use crate::route::{Routes, route};
use crate::services::repositories::{self, state_name};
use crate::state::Api;

pub(super) fn routes() -> Routes {
    Routes::tagged("repository").add(route!(get_repo))
}

/// What to tell of the repository.
#[derive(Debug, Deserialize)]
pub(crate) struct Included {
    #[serde(default, rename = "includeStats", deserialize_with = "query::flag")]
    statistics: bool,
    #[serde(
        default = "query::on",
        rename = "includeTags",
        deserialize_with = "query::flag"
    )]
    tags: bool,
}

/// A repository.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RepoView {
    namespace: String,
    name: String,
    #[schema(value_type = String)]
    kind: &'static str,
    description: Option<String>,
    is_public: bool,
    is_organization: bool,
    is_starred: bool,
    /// What shows the badge of a private repository.
    status_token: String,
    trust_enabled: bool,
    /// How long deleted tags can be restored, in seconds.
    tag_expiration_s: i64,
    is_free_account: bool,
    #[schema(value_type = String)]
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// By name, the newest first.
    #[schema(value_type = Option<std::collections::BTreeMap<String, RepoTag>>)]
    tags: Option<InOrder<RepoTag>>,
    can_write: bool,
    can_admin: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<Vec<DayCount>>,
}

/// A living tag of a repository.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RepoTag {
    name: String,
    size: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
    manifest_digest: String,
}

/// Actions of a day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DayCount {
    #[schema(value_type = String, format = Date)]
    date: NaiveDate,
    count: i32,
}

/// Fetch the specified repository.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}",
    operation_id = "getRepo",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("includeTags" = Option<bool>, Query, description = "Whether to include repository tags"),
        ("includeStats" = Option<bool>, Query, description = "Whether to include action statistics")
    ),
    responses((status = 200, body = RepoView, description = "The repository"))
)]
pub(crate) async fn get_repo(
    guard: InRepository<Read, AllSuperusers>,
    State(api): State<Api>,
    Query(included): Query<Included>,
) -> Result<Json<RepoView>> {
    let repository = guard.repository()?;
    let caller = guard.caller();
    let user = caller.user().map(|user| user.id);
    let viewed =
        repositories::view(&api, repository, user, included.tags, included.statistics).await?;
    let RepositoryView {
        description,
        badge_token,
        state,
        trust_enabled,
        organization,
        removed_tag_expiration_s,
        free,
        starred,
        ..
    } = viewed.row;
    Ok(Json(RepoView {
        namespace: repository.name.namespace().to_owned(),
        name: repository.name.repository().to_owned(),
        kind: match repository.kind {
            pierhead_auth::RepositoryKind::Image => "image",
            pierhead_auth::RepositoryKind::Application => "application",
        },
        description,
        is_public: viewed.public,
        is_organization: organization,
        is_starred: starred,
        status_token: if viewed.public {
            String::new()
        } else {
            badge_token
        },
        trust_enabled: trust_enabled && api.config().signing.feature_signing,
        tag_expiration_s: removed_tag_expiration_s,
        is_free_account: free,
        state: state_name(state),
        tags: viewed
            .tags
            .map(|tags| tags.into_iter().map(|tag| tag_view(&tag)).collect()),
        can_write: guard.has(Role::Write) && repository.state == RepositoryState::Normal,
        can_admin: guard.has(Role::Admin) || caller.is_global_readonly(),
        stats: viewed.statistics.map(|days| {
            days.into_iter()
                .map(|(date, count)| DayCount { date, count })
                .collect()
        }),
    }))
}

fn tag_view(tag: &ListedTag) -> (String, RepoTag) {
    let row = &tag.row;
    let date = |ms: i64| dates::from_epoch(ms.div_euclid(1000)).map(dates::rfc2822);
    let view = RepoTag {
        name: row.name.clone(),
        size: row.layers_compressed_size,
        last_modified: date(row.lifetime_start_ms),
        expiration: row.lifetime_end_ms.and_then(date),
        manifest_digest: row.digest.clone(),
    };
    (row.name.clone(), view)
}
