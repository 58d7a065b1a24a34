//! GitHub's `push` event (<https://docs.github.com/webhooks/webhook-events-and-payloads#push>).

use serde_json::Value;

use super::Read;
use crate::services::hosted::json_path::{Kind, Rule, at, check as check_rules, string};
use crate::services::triggers::metadata::{CommitInfo, Metadata, Person};

const RULES: &[Rule] = &[
    ("ref", Kind::Text, true),
    ("head_commit", Kind::ObjectOrNull, true),
    ("head_commit.id", Kind::Text, true),
    ("head_commit.url", Kind::Text, true),
    ("head_commit.message", Kind::Text, false),
    ("head_commit.timestamp", Kind::Text, true),
    ("head_commit.author", Kind::Object, false),
    ("head_commit.committer", Kind::Object, false),
    ("repository", Kind::Object, true),
    ("repository.ssh_url", Kind::Text, true),
];

/// What keeps a payload from being such an event.
pub(in crate::services::triggers) fn check(payload: &Value) -> Result<(), String> {
    check_rules(payload, RULES)
}

/// The commit that was pushed. `default_branch` is what is known where the event does not say it.
pub(in crate::services::triggers) fn read(payload: &Value, default_branch: Option<&str>) -> Read {
    check(payload)?;
    let Some(head) = at(payload, "head_commit") else {
        return Ok(None);
    };
    let person = |who: &str| {
        let of = |key: &str| string(head, &format!("{who}.{key}"));
        Person::named(of("username"), of("html_url"), of("avatar_url"))
    };
    Ok(Some(Metadata {
        commit: string(head, "id"),
        reference: string(payload, "ref"),
        default_branch: string(payload, "repository.default_branch")
            .or_else(|| default_branch.map(str::to_owned)),
        git_url: string(payload, "repository.ssh_url"),
        commit_info: CommitInfo {
            url: string(head, "url"),
            message: string(head, "message"),
            date: string(head, "timestamp"),
            author: person("author"),
            committer: person("committer"),
        },
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    const COMMIT: &str = "42d4a62c53350993ea41069e9f2cfdefb0df097d";

    fn push() -> Value {
        json!({
            "ref": "refs/heads/main",
            "head_commit": {
                "id": COMMIT, "url": "https://github.com/a/b/commit/1", "message": "Work", "timestamp": "2026-08-04",
                "author": { "username": "ann" }, "committer": { "name": "Web", "email": "web@example.com" },
            },
            "repository": { "ssh_url": "git@github.com:a/b.git" },
        })
    }

    #[test]
    fn a_push_is_read() {
        let read = Value::from(read(&push(), Some("main")).unwrap().unwrap());
        let expected = json!({
            "commit": COMMIT, "ref": "refs/heads/main", "default_branch": "main", "git_url": "git@github.com:a/b.git",
            "commit_info": {
                "url": "https://github.com/a/b/commit/1", "message": "Work", "date": "2026-08-04",
                "author": { "username": "ann" },
            },
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn a_deleted_branch_is_nothing_to_build() {
        let mut deleted = push();
        deleted["head_commit"] = Value::Null;
        assert_eq!(read(&deleted, None), Ok(None));
    }

    #[test]
    fn what_the_event_must_have_is_asked_for() {
        for path in ["ref", "head_commit", "repository"] {
            let mut payload = push();
            payload.as_object_mut().unwrap().remove(path);
            let problem = read(&payload, None).unwrap_err();
            assert_eq!(problem, format!("'{path}' is a required property"));
        }
    }
}
