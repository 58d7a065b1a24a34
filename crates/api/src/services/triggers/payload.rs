//! What git servers report of a push, brought into one form. Custom triggers take our own form and those of the hosted services.

use serde_json::{Map, Value, json};

use super::Service;
use super::commit::is_commit;

/// No commit: a branch was deleted.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// What a report means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Incoming {
    /// A commit to build.
    Push(Value),
    /// A probe, a deletion, or something else that is not built.
    Nothing,
    /// Not understood.
    Malformed(String),
}

impl Incoming {
    fn malformed(text: &str) -> Self {
        Self::Malformed(text.to_owned())
    }
}

/// Reads a report for a trigger that builds from `source`.
pub(crate) fn incoming(service: Service, source: Option<&str>, payload: &[u8]) -> Incoming {
    if payload.is_empty() {
        return Incoming::malformed("Missing expected payload");
    }
    let payload = match serde_json::from_slice::<Value>(payload) {
        Ok(payload @ Value::Object(_)) => payload,
        Ok(_) => return Incoming::malformed("The payload must be a JSON object"),
        Err(error) => return Incoming::Malformed(format!("The payload is no JSON: {error}")),
    };
    match service {
        Service::GitHub if payload.get("zen").is_some() => Incoming::Nothing,
        Service::GitHub if is_github(&payload) => github(&payload),
        Service::GitLab if is_gitlab(&payload) => gitlab(&payload),
        Service::Bitbucket if is_bitbucket(&payload) => bitbucket(&payload),
        Service::CustomGit => custom(payload, source),
        other => Incoming::Malformed(format!("The payload is none of {}", other.name())),
    }
}

/// Our own form, or one of the others; always with the trigger's own source.
fn custom(payload: Value, source: Option<&str>) -> Incoming {
    let Some(source) = source else {
        return Incoming::malformed("The trigger has no build_source");
    };
    let found = match own_problem(&payload) {
        None => Incoming::Push(payload),
        Some(_) if is_github(&payload) => github(&payload),
        Some(_) if is_bitbucket(&payload) => bitbucket(&payload),
        Some(_) if is_gitlab(&payload) => gitlab(&payload),
        Some(problem) => return Incoming::malformed(problem),
    };
    match found {
        Incoming::Push(mut metadata) => {
            metadata["git_url"] = json!(source);
            Incoming::Push(metadata)
        }
        other => other,
    }
}

/// What is wrong with a payload in our own form.
fn own_problem(payload: &Value) -> Option<&'static str> {
    let text = |key: &str| payload.get(key).and_then(Value::as_str);
    if !text("commit").is_some_and(is_commit) {
        return Some("'commit' must be at least 7 hexadecimal digits");
    }
    let in_refs = |name: &str| {
        ["refs/heads/", "refs/tags/", "refs/remotes/"]
            .iter()
            .any(|prefix| name.len() > prefix.len() && name.starts_with(prefix))
    };
    if !text("ref").is_some_and(in_refs) {
        return Some("'ref' must be refs/heads/…, refs/tags/… or refs/remotes/…");
    }
    if text("default_branch").is_none() {
        return Some("'default_branch' is a required property");
    }
    let info = payload.get("commit_info")?;
    let whole = |value: &Value, keys: &[&str]| {
        keys.iter()
            .all(|key| value.get(key).is_some_and(Value::is_string))
    };
    if !whole(info, &["url", "message", "date"]) {
        return Some("'commit_info' must have url, message and date");
    }
    let people = ["author", "committer"];
    let known = people
        .iter()
        .filter_map(|who| info.get(who))
        .all(|person| whole(person, &["username", "url", "avatar_url"]));
    (!known).then_some("author and committer must have username, url and avatar_url")
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.')
        .try_fold(value, |value, key| value.get(key))
        .filter(|value| !value.is_null())
}

fn string<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    at(value, path).and_then(Value::as_str)
}

/// An object of the fields that are there.
fn object<const N: usize>(fields: [(&str, Option<&str>); N]) -> Option<Value> {
    let object: Map<String, Value> = fields
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), json!(value?))))
        .collect();
    (!object.is_empty()).then_some(Value::Object(object))
}

fn metadata<const N: usize>(
    fields: [(&str, Option<&str>); N],
    info: Option<Value>,
    people: [(&str, Option<Value>); 2],
) -> Incoming {
    let mut metadata = object(fields).unwrap_or_else(|| json!({}));
    if let Some(mut info) = info {
        for (who, person) in people {
            if let Some(person) = person {
                info[who] = person;
            }
        }
        metadata["commit_info"] = info;
    }
    Incoming::Push(metadata)
}

fn is_github(payload: &Value) -> bool {
    let head = payload.get("head_commit");
    let whole = |head: &Value| {
        head.is_null()
            || ["id", "url", "timestamp"]
                .iter()
                .all(|key| head.get(key).is_some_and(Value::is_string))
    };
    string(payload, "ref").is_some()
        && string(payload, "repository.ssh_url").is_some()
        && head.is_some_and(whole)
}

fn github(payload: &Value) -> Incoming {
    let Some(head) = at(payload, "head_commit") else {
        return Incoming::Nothing;
    };
    let person = |who: &str| {
        object([
            ("username", string(head, &format!("{who}.username"))),
            ("url", string(head, &format!("{who}.html_url"))),
            ("avatar_url", string(head, &format!("{who}.avatar_url"))),
        ])
    };
    metadata(
        [
            ("commit", string(head, "id")),
            ("ref", string(payload, "ref")),
            (
                "default_branch",
                string(payload, "repository.default_branch"),
            ),
            ("git_url", string(payload, "repository.ssh_url")),
        ],
        object([
            ("url", string(head, "url")),
            ("message", string(head, "message")),
            ("date", string(head, "timestamp")),
        ]),
        [
            ("author", person("author")),
            ("committer", person("committer")),
        ],
    )
}

fn is_gitlab(payload: &Value) -> bool {
    string(payload, "ref").is_some()
        && string(payload, "repository.git_ssh_url").is_some()
        && payload
            .get("checkout_sha")
            .is_some_and(|sha| sha.is_null() || sha.is_string())
}

fn gitlab(payload: &Value) -> Incoming {
    let kind = string(payload, "object_kind").unwrap_or_default();
    let none = Vec::new();
    let commits = at(payload, "commits")
        .and_then(Value::as_array)
        .unwrap_or(&none);
    let sha = string(payload, "checkout_sha").or_else(|| string(payload, "after"));
    let found = commits
        .iter()
        .find(|commit| string(commit, "id").is_some_and(|id| Some(id) == sha));
    match (kind, sha, found) {
        ("push" | "tag_push", Some(sha), Some(found)) if sha != NO_COMMIT => metadata(
            [
                ("commit", Some(sha)),
                ("ref", string(payload, "ref")),
                ("default_branch", string(payload, "project.default_branch")),
                ("git_url", string(payload, "repository.git_ssh_url")),
            ],
            object([
                ("url", string(found, "url")),
                ("message", string(found, "message")),
                ("date", string(found, "timestamp")),
            ]),
            [("author", None), ("committer", None)],
        ),
        _ => Incoming::Nothing,
    }
}

fn is_bitbucket(payload: &Value) -> bool {
    string(payload, "repository.full_name").is_some()
        && at(payload, "push.changes").is_some_and(Value::is_array)
}

fn bitbucket(payload: &Value) -> Incoming {
    let change = at(payload, "push.changes")
        .and_then(Value::as_array)
        .and_then(|changes| changes.last())
        .and_then(|change| at(change, "new"));
    let Some(change) = change else {
        return Incoming::Nothing;
    };
    let whole = ["target.hash", "target.message", "target.date", "name"]
        .iter()
        .all(|path| string(change, path).is_some());
    if !whole {
        return Incoming::malformed(
            "A change needs a name and a target with hash, message and date",
        );
    }
    let kind = match string(change, "type") {
        Some("branch") => "heads",
        _ => "tags",
    };
    let name = format!("refs/{kind}/{}", string(change, "name").unwrap_or_default());
    let repository = string(payload, "repository.full_name").unwrap_or_default();
    let url = format!("git@bitbucket.org:{repository}.git");
    metadata(
        [
            ("commit", string(change, "target.hash")),
            ("ref", Some(&name)),
            ("git_url", Some(&url)),
        ],
        object([
            (
                "url",
                Some(string(change, "target.links.html.href").unwrap_or_default()),
            ),
            ("message", string(change, "target.message")),
            ("date", string(change, "target.date")),
        ]),
        [
            (
                "author",
                object([
                    (
                        "username",
                        string(change, "target.author.user.display_name"),
                    ),
                    (
                        "avatar_url",
                        string(change, "target.author.user.links.avatar.href"),
                    ),
                ]),
            ),
            (
                "committer",
                object([
                    ("username", string(payload, "actor.display_name")),
                    ("avatar_url", string(payload, "actor.links.avatar.href")),
                ]),
            ),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "42d4a62c53350993ea41069e9f2cfdefb0df097d";

    fn read(service: Service, payload: &Value) -> Incoming {
        incoming(
            service,
            Some("git@here:a.git"),
            payload.to_string().as_bytes(),
        )
    }

    fn github_push() -> Value {
        json!({
            "ref": "refs/heads/main",
            "head_commit": {
                "id": COMMIT, "url": "https://github.com/a/b/commit/1", "message": "Work", "timestamp": "2026-08-04",
                "author": { "username": "ann" },
            },
            "repository": { "ssh_url": "git@github.com:a/b.git", "default_branch": "main" },
        })
    }

    #[test]
    fn a_push_to_github_is_read() {
        let expected = json!({
            "commit": COMMIT, "ref": "refs/heads/main", "default_branch": "main", "git_url": "git@github.com:a/b.git",
            "commit_info": {
                "url": "https://github.com/a/b/commit/1", "message": "Work", "date": "2026-08-04",
                "author": { "username": "ann" },
            },
        });
        assert_eq!(
            read(Service::GitHub, &github_push()),
            Incoming::Push(expected.clone())
        );
        let mut custom = expected;
        custom["git_url"] = json!("git@here:a.git");
        assert_eq!(
            read(Service::CustomGit, &github_push()),
            Incoming::Push(custom)
        );
        let mut deleted = github_push();
        deleted["head_commit"] = json!(null);
        assert_eq!(read(Service::GitHub, &deleted), Incoming::Nothing);
        assert_eq!(
            read(Service::GitHub, &json!({ "zen": "x" })),
            Incoming::Nothing
        );
    }

    #[test]
    fn a_push_to_gitlab_is_read() {
        let mut push = json!({
            "object_kind": "push", "ref": "refs/heads/main", "checkout_sha": COMMIT,
            "project": { "default_branch": "main" }, "repository": { "git_ssh_url": "git@gitlab.com:a/b.git" },
            "commits": [{ "id": COMMIT, "message": "Work", "timestamp": "2026-08-04", "url": "u" }],
        });
        let expected = json!({
            "commit": COMMIT, "ref": "refs/heads/main", "default_branch": "main", "git_url": "git@gitlab.com:a/b.git",
            "commit_info": { "url": "u", "message": "Work", "date": "2026-08-04" },
        });
        assert_eq!(read(Service::GitLab, &push), Incoming::Push(expected));
        push["commits"] = json!([]);
        push["checkout_sha"] = json!(null);
        assert_eq!(read(Service::GitLab, &push), Incoming::Nothing);
    }

    #[test]
    fn a_push_to_bitbucket_is_read() {
        let push = json!({
            "repository": { "full_name": "a/b" },
            "actor": { "display_name": "Ann" },
            "push": { "changes": [{ "new": {
                "name": "v1", "type": "tag",
                "target": { "hash": COMMIT, "message": "Work", "date": "2026-08-04" },
            } }] },
        });
        let expected = json!({
            "commit": COMMIT, "ref": "refs/tags/v1", "git_url": "git@bitbucket.org:a/b.git",
            "commit_info": {
                "url": "", "message": "Work", "date": "2026-08-04", "committer": { "username": "Ann" },
            },
        });
        assert_eq!(read(Service::Bitbucket, &push), Incoming::Push(expected));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (service, payload) in [
            (Service::CustomGit, json!({})),
            (
                Service::CustomGit,
                json!({ "commit": "main", "ref": "refs/heads/a", "default_branch": "a" }),
            ),
            (Service::CustomGit, json!([])),
            (Service::GitHub, json!({})),
            (Service::GitLab, github_push()),
        ] {
            assert!(
                matches!(read(service, &payload), Incoming::Malformed(_)),
                "{payload}"
            );
        }
        let own = json!({ "commit": COMMIT, "ref": "refs/heads/a", "default_branch": "a" });
        assert!(matches!(read(Service::CustomGit, &own), Incoming::Push(_)));
        assert!(matches!(
            incoming(Service::CustomGit, Some("s"), b""),
            Incoming::Malformed(_)
        ));
        assert!(matches!(
            incoming(Service::CustomGit, None, b"{}"),
            Incoming::Malformed(_)
        ));
    }
}
