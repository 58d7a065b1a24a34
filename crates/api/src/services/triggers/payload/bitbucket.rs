//! Bitbucket's `repo:push` event (<https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Push>).

use serde_json::Value;

use super::Read;
use crate::services::hosted::json_path::{
    Kind, Rule, at, check as check_rules, list, string, text,
};
use crate::services::triggers::metadata::{CommitInfo, Metadata, Person};

const RULES: &[Rule] = &[
    ("push", Kind::Object, true),
    ("push.changes", Kind::List, true),
    ("repository", Kind::Object, true),
    ("repository.full_name", Kind::Text, true),
];
const CHANGE_RULES: &[Rule] = &[
    ("new", Kind::ObjectOrNull, false),
    ("new.name", Kind::Text, true),
    ("new.target", Kind::Object, true),
    ("new.target.hash", Kind::Text, true),
    ("new.target.message", Kind::Text, true),
    ("new.target.date", Kind::Text, true),
];

/// What keeps a payload from being such an event.
pub(in crate::services::triggers) fn check(payload: &Value) -> Result<(), String> {
    check_rules(payload, RULES)?;
    list(payload, "push.changes")
        .iter()
        .try_for_each(|change| check_rules(change, CHANGE_RULES))
}

/// The commit that was pushed last.
pub(in crate::services::triggers) fn read(payload: &Value, default_branch: Option<&str>) -> Read {
    check(payload)?;
    let last = list(payload, "push.changes").last();
    let Some(change) = last.and_then(|change| at(change, "new")) else {
        return Ok(None);
    };
    let kind = match text(change, "type") {
        Some("branch") => "heads",
        _ => "tags",
    };
    let name = text(change, "name").unwrap_or_default();
    let repository = text(payload, "repository.full_name").unwrap_or_default();
    let person = |value: &Value, path: &str| {
        let of = |key: &str| string(value, &format!("{path}.{key}"));
        Person::named(of("display_name"), None, of("links.avatar.href"))
    };
    Ok(Some(Metadata {
        commit: string(change, "target.hash"),
        reference: Some(format!("refs/{kind}/{name}")),
        default_branch: default_branch.map(str::to_owned),
        git_url: Some(git_url(repository)),
        commit_info: CommitInfo {
            url: Some(string(change, "target.links.html.href").unwrap_or_default()),
            message: string(change, "target.message"),
            date: string(change, "target.date"),
            author: person(change, "target.author.user"),
            committer: person(payload, "actor"),
        },
    }))
}

/// Where a repository is fetched from, by SSH.
pub(in crate::services::triggers) fn git_url(repository: &str) -> String {
    format!("git@bitbucket.org:{repository}.git")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    const COMMIT: &str = "42d4a62c53350993ea41069e9f2cfdefb0df097d";

    fn push(kind: &str) -> Value {
        json!({
            "repository": { "full_name": "a/b" },
            "actor": { "display_name": "Ann", "links": { "avatar": { "href": "https://avatar" } } },
            "push": { "changes": [{ "new": null }, { "new": {
                "name": "v1", "type": kind,
                "target": { "hash": COMMIT, "message": "Work", "date": "2026-08-04", "author": { "raw": "Ann <a@b>" } },
            } }] },
        })
    }

    #[test]
    fn a_push_is_read() {
        let read_it = |kind: &str| Value::from(read(&push(kind), Some("main")).unwrap().unwrap());
        let expected = json!({
            "commit": COMMIT, "ref": "refs/tags/v1", "default_branch": "main", "git_url": "git@bitbucket.org:a/b.git",
            "commit_info": {
                "url": "", "message": "Work", "date": "2026-08-04",
                "committer": { "username": "Ann", "avatar_url": "https://avatar" },
            },
        });
        assert_eq!(read_it("tag"), expected);
        assert_eq!(read_it("branch")["ref"], "refs/heads/v1");
    }

    #[test]
    fn a_deleted_branch_is_nothing_to_build() {
        let mut deleted = push("branch");
        deleted["push"]["changes"] = json!([{ "new": null, "old": {} }]);
        assert_eq!(read(&deleted, None), Ok(None));
        deleted["push"]["changes"] = json!([]);
        assert_eq!(read(&deleted, None), Ok(None));
    }

    #[test]
    fn what_the_event_must_have_is_asked_for() {
        let mut payload = push("branch");
        payload["push"] = json!({});
        assert_eq!(
            check(&payload).unwrap_err(),
            "'changes' is a required property"
        );
        payload["push"] = json!({ "changes": [{ "new": { "name": "main" } }] });
        assert_eq!(
            check(&payload).unwrap_err(),
            "'target' is a required property"
        );
    }
}
