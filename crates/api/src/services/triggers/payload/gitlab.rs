//! GitLab's push and tag events (<https://docs.gitlab.com/user/project/integrations/webhook_events/>).

use serde_json::Value;

use super::Read;
use crate::services::hosted::json_path::{Kind, Rule, check as check_rules, list, string, text};
use crate::services::triggers::metadata::{CommitInfo, Metadata};

const RULES: &[Rule] = &[
    ("ref", Kind::Text, true),
    ("checkout_sha", Kind::TextOrNull, true),
    ("repository", Kind::Object, true),
    ("repository.git_ssh_url", Kind::Text, true),
    ("commits", Kind::List, false),
];
const COMMIT_RULES: &[Rule] = &[
    ("id", Kind::Text, true),
    ("url", Kind::TextOrNull, false),
    ("message", Kind::Text, true),
    ("timestamp", Kind::Text, true),
    ("author", Kind::Object, false),
    ("author.email", Kind::Text, true),
];
/// No commit: a branch or tag was deleted.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// What keeps a payload from being such an event.
pub(in crate::services::triggers) fn check(payload: &Value) -> Result<(), String> {
    check_rules(payload, RULES)?;
    list(payload, "commits")
        .iter()
        .try_for_each(|commit| check_rules(commit, COMMIT_RULES))
}

/// What a push is about.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::services::triggers) struct Pushed<'p> {
    /// The commit's hash.
    pub(in crate::services::triggers) hash: &'p str,
    /// What the event says of it; it names only the last few commits.
    pub(in crate::services::triggers) commit: Option<&'p Value>,
}

/// The commit that was pushed, if it is to be built.
pub(in crate::services::triggers) fn pushed(payload: &Value) -> Result<Option<Pushed<'_>>, String> {
    check(payload)?;
    let commits = list(payload, "commits");
    let is_push = match text(payload, "object_kind") {
        Some("push") => !commits.is_empty(),
        Some("tag_push") => true,
        _ => false,
    };
    let hash = text(payload, "checkout_sha").or_else(|| text(payload, "after"));
    let Some(hash) = hash.filter(|hash| is_push && *hash != NO_COMMIT) else {
        return Ok(None);
    };
    let commit = commits
        .iter()
        .find(|commit| text(commit, "id") == Some(hash));
    Ok(Some(Pushed { hash, commit }))
}

/// What a build remembers of a pushed commit of which this is known.
pub(in crate::services::triggers) fn metadata(
    payload: &Value,
    hash: &str,
    commit: &Value,
    default_branch: Option<&str>,
) -> Metadata {
    Metadata {
        commit: Some(hash.to_owned()),
        reference: string(payload, "ref"),
        default_branch: default_branch.map(str::to_owned),
        git_url: string(payload, "repository.git_ssh_url"),
        commit_info: CommitInfo {
            url: string(commit, "url"),
            message: string(commit, "message"),
            date: string(commit, "timestamp"),
            ..CommitInfo::default()
        },
    }
}

/// The commit that was pushed, where GitLab cannot be asked about it.
pub(super) fn read(payload: &Value, default_branch: Option<&str>) -> Read {
    let Some(Pushed { hash, commit }) = pushed(payload)? else {
        return Ok(None);
    };
    let default_branch = default_branch.or_else(|| text(payload, "project.default_branch"));
    Ok(commit.map(|commit| metadata(payload, hash, commit, default_branch)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    const COMMIT: &str = "42d4a62c53350993ea41069e9f2cfdefb0df097d";

    fn push() -> Value {
        json!({
            "object_kind": "push", "ref": "refs/heads/main", "checkout_sha": COMMIT,
            "project": { "default_branch": "main" }, "repository": { "git_ssh_url": "git@gitlab.com:a/b.git" },
            "commits": [
                { "id": "1234567", "message": "Before", "timestamp": "2026-08-03" },
                { "id": COMMIT, "message": "Work", "timestamp": "2026-08-04", "url": "u", "author": { "email": "a@b" } },
            ],
        })
    }

    fn with(key: &str, value: Value) -> Value {
        let mut payload = push();
        payload[key] = value;
        payload
    }

    #[test]
    fn a_push_is_read() {
        let read = Value::from(read(&push(), None).unwrap().unwrap());
        let expected = json!({
            "commit": COMMIT, "ref": "refs/heads/main", "default_branch": "main", "git_url": "git@gitlab.com:a/b.git",
            "commit_info": { "url": "u", "message": "Work", "date": "2026-08-04" },
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn deletions_and_other_events_are_nothing_to_build() {
        for payload in [
            with("commits", json!([])),
            with("object_kind", json!("issue")),
            with("checkout_sha", Value::Null),
            with("checkout_sha", json!(NO_COMMIT)),
        ] {
            assert_eq!(pushed(&payload), Ok(None), "{payload}");
        }
        // A tag names no commits, and is built; a commit that the event leaves out is looked up.
        let mut tag = with("object_kind", json!("tag_push"));
        tag["commits"] = json!([]);
        let found = pushed(&tag).unwrap().unwrap();
        assert_eq!((found.hash, found.commit), (COMMIT, None));
    }

    #[test]
    fn what_the_event_must_have_is_asked_for() {
        assert_eq!(
            check(&with("checkout_sha", json!(1))).unwrap_err(),
            "'checkout_sha' is not a string or null"
        );
        let nameless = with("commits", json!([{ "id": COMMIT, "timestamp": "now" }]));
        assert_eq!(
            check(&nameless).unwrap_err(),
            "'message' is a required property"
        );
    }
}
