//! Immutability policies (api-v1.md §5.15) of organizations and repositories.

use serde::{Deserialize, Serialize};

use utoipa::ToSchema;

use crate::extract::body;
use crate::route::Routes;
use crate::services::immutability::{NamedPolicy, Policy};

mod organization;
mod repository;

pub(crate) fn routes() -> Routes {
    organization::routes().merge(repository::routes())
}

/// A policy as it is given.
#[derive(Deserialize, ToSchema)]
struct ImmutabilityPolicyConfig {
    /// A regular expression that the whole name of a tag must match.
    #[serde(rename = "tagPattern")]
    #[schema(max_length = 256)]
    tag_pattern: String,
    /// Whether those that match, or all others, are immutable.
    #[serde(
        default,
        rename = "tagPatternMatches",
        deserialize_with = "body::present"
    )]
    tag_pattern_matches: Option<bool>,
}

impl From<ImmutabilityPolicyConfig> for Policy {
    fn from(given: ImmutabilityPolicyConfig) -> Self {
        Self {
            tag_pattern: Some(given.tag_pattern.trim().to_owned()),
            tag_pattern_matches: given.tag_pattern_matches.unwrap_or(true),
        }
    }
}

/// A policy.
#[derive(Serialize, ToSchema)]
struct ImmutabilityPolicyView {
    uuid: String,
    /// A regular expression that the whole name of a tag must match.
    #[serde(rename = "tagPattern")]
    tag_pattern: Option<String>,
    /// Whether those that match, or all others, are immutable.
    #[serde(rename = "tagPatternMatches")]
    tag_pattern_matches: bool,
}

impl From<NamedPolicy> for ImmutabilityPolicyView {
    fn from(found: NamedPolicy) -> Self {
        Self {
            uuid: found.uuid,
            tag_pattern: found.policy.tag_pattern,
            tag_pattern_matches: found.policy.tag_pattern_matches,
        }
    }
}

/// Every policy.
#[derive(Serialize, ToSchema)]
struct ImmutabilityPolicyViewList {
    policies: Vec<ImmutabilityPolicyView>,
}

impl From<Vec<NamedPolicy>> for ImmutabilityPolicyViewList {
    fn from(found: Vec<NamedPolicy>) -> Self {
        Self {
            policies: found
                .into_iter()
                .map(ImmutabilityPolicyView::from)
                .collect(),
        }
    }
}

/// The public id of a policy.
#[derive(Serialize, ToSchema)]
#[schema(as = ImmutabilityPolicyViewId)]
struct PolicyId {
    uuid: String,
}
