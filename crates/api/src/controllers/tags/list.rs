//! Pages of tags.

use axum::extract::State;
use pierhead_registry::{ListedTag, TagFilter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dates;
use crate::error::{Error, Result};
use crate::extract::{Query, query};
use crate::guard::{AllSuperusers, InRepository, Read};
use crate::json::{InOrder, Json};
use crate::route::{Routes, route};
use crate::state::Api;

pub(super) fn routes() -> Routes {
    Routes::tagged("tag").add(route!(list_repo_tags))
}

/// Which tags.
#[derive(Debug, Deserialize)]
pub(crate) struct Listing {
    #[serde(default, rename = "specificTag")]
    specific_tag: String,
    #[serde(default)]
    filter_tag_name: String,
    #[serde(default = "default_limit")]
    limit: i64,
    #[serde(default = "first_page")]
    page: i64,
    #[serde(default, rename = "onlyActiveTags", deserialize_with = "query::flag")]
    only_active: bool,
}

fn default_limit() -> i64 {
    50
}

fn first_page() -> i64 {
    1
}

/// A page of tags.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TagList {
    tags: Vec<TagView>,
    page: i64,
    has_additional: bool,
}

/// An interval of a tag.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TagView {
    name: String,
    /// Whether the tag was restored to this.
    reversion: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    immutable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_ts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_ts: Option<i64>,
    manifest_digest: String,
    is_manifest_list: bool,
    /// Bytes of the layers, compressed.
    size: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
    #[serde(flatten)]
    children: Option<Children>,
}

/// What an index names and the repository has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Children {
    is_sparse: bool,
    child_manifest_count: usize,
    present_child_count: usize,
    /// By digest, in the order of the index.
    #[schema(value_type = std::collections::BTreeMap<String, bool>)]
    child_manifests_presence: InOrder<bool>,
}

/// List the tags of a repository, newest first, dead ones included.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/tag/",
    operation_id = "listRepoTags",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("onlyActiveTags" = Option<bool>, Query, description = "Filter to only active tags."),
        ("page" = Option<i64>, Query, description = "Page index for the results. Default 1."),
        ("limit" = Option<i64>, Query, description = "Limit to the number of results to return per page. Max 100."),
        ("filter_tag_name" = Option<String>, Query, description = "Syntax: <op>:<name> Filters the tag names based on the operation. <op> can be 'like' or 'eq'."),
        ("specificTag" = Option<String>, Query, description = "Filters the tags to the specific tag.")
    ),
    responses((status = 200, body = TagList, description = "A page of tags"))
)]
pub(crate) async fn list_repo_tags(
    guard: InRepository<Read, AllSuperusers>,
    State(api): State<Api>,
    Query(listing): Query<Listing>,
) -> Result<Json<TagList>> {
    let repository = guard.repository()?.id;
    let (page, limit) = (listing.page.max(1), listing.limit.clamp(1, 100));
    let Some(filter) = filter(&listing)? else {
        return Ok(Json(TagList {
            tags: Vec::new(),
            page,
            has_additional: false,
        }));
    };
    let found = api
        .registry()
        .tag_page(repository, &filter, page, limit)
        .await?;
    let immutable_tags = api.config().tags.feature_immutable_tags;
    Ok(Json(TagList {
        tags: found
            .tags
            .into_iter()
            .map(|tag| view(tag, immutable_tags))
            .collect(),
        page,
        has_additional: found.more,
    }))
}

/// What was asked for; `None` if no tag can be both.
fn filter(listing: &Listing) -> Result<Option<TagFilter>> {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut filter = TagFilter {
        name: given(&listing.specific_tag),
        contains: None,
        only_alive: listing.only_active,
    };
    if listing.filter_tag_name.is_empty() {
        return Ok(Some(filter));
    }
    let Some((operation, value)) = listing.filter_tag_name.split_once(':') else {
        return Err(Error::bad_request(
            "Unsupported syntax for filter_tag_name. Expected <operation>:<tag_name> where <operation>can be 'like' or 'eq'.",
        ));
    };
    match operation {
        "like" => filter.contains = given(value),
        "eq" => {
            if filter.name.as_deref().is_some_and(|name| name != value) {
                return Ok(None);
            }
            filter.name = Some(value.to_owned());
        }
        // As in Quay, other operations filter nothing.
        _ => {}
    }
    Ok(Some(filter))
}

fn view(tag: ListedTag, immutable_tags: bool) -> TagView {
    let row = tag.row;
    let start_ts = row.lifetime_start_ms.div_euclid(1000);
    let end_ts = row.lifetime_end_ms.map(|ms| ms.div_euclid(1000));
    let date = |seconds| dates::from_epoch(seconds).map(dates::rfc2822);
    let children = tag.is_index.then(|| children(&tag.children));
    TagView {
        name: row.name,
        reversion: row.reversion,
        immutable: immutable_tags.then_some(row.immutable),
        start_ts: Some(start_ts).filter(|ts| *ts > 0),
        end_ts: end_ts.filter(|ts| *ts > 0),
        manifest_digest: row.digest,
        is_manifest_list: tag.is_index,
        size: row.layers_compressed_size,
        last_modified: Some(start_ts).filter(|ts| *ts > 0).and_then(date),
        expiration: end_ts.and_then(date),
        children,
    }
}

fn children(children: &[(String, bool)]) -> Children {
    let present = children.iter().filter(|(_, present)| *present).count();
    Children {
        is_sparse: present < children.len(),
        child_manifest_count: children.len(),
        present_child_count: present,
        child_manifests_presence: children.iter().cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn filtered(specific_tag: &str, filter_tag_name: &str) -> Option<TagFilter> {
        filter(&Listing {
            specific_tag: specific_tag.to_owned(),
            filter_tag_name: filter_tag_name.to_owned(),
            limit: 50,
            page: 1,
            only_active: false,
        })
        .unwrap()
    }

    #[test]
    fn filters_go_together() {
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(filtered("", "").unwrap(), TagFilter::default());
        assert_eq!(filtered("v1", "").unwrap().name, named("v1"));
        assert_eq!(filtered("", "eq:v1").unwrap().name, named("v1"));
        assert_eq!(filtered("v1", "eq:v1").unwrap().name, named("v1"));
        assert_eq!(filtered("v1", "eq:v2"), None);
        assert_eq!(filtered("", "like:v:1").unwrap().contains, named("v:1"));
        assert_eq!(filtered("", "other:v1").unwrap(), TagFilter::default());
    }

    #[test]
    fn a_sparse_index_lacks_a_child() {
        let all = children(&[("sha256:a".to_owned(), true), ("sha256:b".to_owned(), true)]);
        assert!(!all.is_sparse);
        let some = children(&[
            ("sha256:a".to_owned(), true),
            ("sha256:b".to_owned(), false),
        ]);
        assert!(some.is_sparse && some.present_child_count == 1);
    }
}
