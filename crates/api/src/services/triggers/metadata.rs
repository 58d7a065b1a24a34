//! What a build remembers of its commit (`trigger_metadata`, api-v1.md §8): what the service does not tell is left out.

use serde::Serialize;
use serde_json::Value;

/// A commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Metadata {
    /// Its hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) commit: Option<String>,
    /// `refs/heads/…` or `refs/tags/…`.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
    /// The repository's default branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) default_branch: Option<String>,
    /// Where it is fetched from, by SSH.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) git_url: Option<String>,
    #[serde(skip_serializing_if = "CommitInfo::is_unknown")]
    pub(super) commit_info: CommitInfo,
}

/// What people want to know of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct CommitInfo {
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    /// As the service writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) author: Option<Person>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) committer: Option<Person>,
}

/// Who wrote or committed it. Somebody without a name at the service is nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Person {
    pub(super) username: String,
    /// The person's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) avatar_url: Option<String>,
}

impl CommitInfo {
    fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

impl Person {
    /// Somebody, if the name is known.
    pub(super) fn named(
        username: Option<String>,
        url: Option<String>,
        avatar_url: Option<String>,
    ) -> Option<Self> {
        username.map(|username| Self {
            username,
            url,
            avatar_url,
        })
    }
}

impl From<Metadata> for Value {
    fn from(metadata: Metadata) -> Self {
        // Texts alone always have a JSON form.
        serde_json::to_value(metadata).unwrap_or_default()
    }
}
