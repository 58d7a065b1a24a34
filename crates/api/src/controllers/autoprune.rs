//! Auto-prune policies (api-v1.md §5.15) of organizations, repositories, and the caller.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::body;
use crate::route::Routes;
use crate::services::autoprune::{NamedPolicy, Policy};

mod organization;
mod repository;
mod user;

pub(crate) fn routes() -> Routes {
    organization::routes()
        .merge(repository::routes())
        .merge(user::routes())
}

/// A policy as it is given.
#[derive(Deserialize, ToSchema)]
struct AutoPrunePolicyConfig {
    /// `number_of_tags` or `creation_date`.
    method: String,
    /// How many tags stay, or how long one stays (`7d`).
    value: Value,
    /// Which tags, as a regular expression; all without it.
    #[serde(default, rename = "tagPattern", deserialize_with = "body::present")]
    tag_pattern: Option<String>,
    /// Whether those that match, or all others.
    #[serde(
        default,
        rename = "tagPatternMatches",
        deserialize_with = "body::present"
    )]
    tag_pattern_matches: Option<bool>,
}

impl From<AutoPrunePolicyConfig> for Policy {
    fn from(given: AutoPrunePolicyConfig) -> Self {
        Self {
            method: given.method,
            value: given.value,
            tag_pattern: given.tag_pattern.map(|text| text.trim().to_owned()),
            tag_pattern_matches: Some(given.tag_pattern_matches.unwrap_or(true)),
        }
    }
}

/// A policy.
#[derive(Serialize, ToSchema)]
struct AutoPrunePolicyView {
    uuid: String,
    /// `number_of_tags` or `creation_date`.
    method: String,
    /// How many tags stay, or how long one stays.
    value: Value,
    /// Which tags; null is all.
    #[serde(rename = "tagPattern")]
    tag_pattern: Option<String>,
    /// Whether those that match, or all others; null on old policies, which prune those that match.
    #[serde(rename = "tagPatternMatches")]
    tag_pattern_matches: Option<bool>,
}

impl From<NamedPolicy> for AutoPrunePolicyView {
    fn from(found: NamedPolicy) -> Self {
        Self {
            uuid: found.uuid,
            method: found.policy.method,
            value: found.policy.value,
            tag_pattern: found.policy.tag_pattern,
            tag_pattern_matches: found.policy.tag_pattern_matches,
        }
    }
}

/// Every policy.
#[derive(Serialize, ToSchema)]
struct AutoPrunePolicyViewList {
    policies: Vec<AutoPrunePolicyView>,
}

impl From<Vec<NamedPolicy>> for AutoPrunePolicyViewList {
    fn from(found: Vec<NamedPolicy>) -> Self {
        Self {
            policies: found.into_iter().map(AutoPrunePolicyView::from).collect(),
        }
    }
}

/// The public id of a policy.
#[derive(Serialize, ToSchema)]
#[schema(as = AutoPrunePolicyViewId)]
struct PolicyId {
    uuid: String,
}
