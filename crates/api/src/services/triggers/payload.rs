//! What git servers report of a push, brought into one form. Custom triggers take our own form and those of the hosted services.

use serde_json::{Value, json};

use super::commit::is_commit;
use super::metadata::Metadata;

pub(super) mod bitbucket;
pub(super) mod github;
pub(super) mod gitlab;

/// What a report means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Incoming {
    /// A commit to build.
    Push(Value),
    /// A probe, a deletion, or something else that is not built.
    Nothing,
    /// Not understood.
    Malformed(String),
}

impl Incoming {
    pub(super) fn malformed(text: &str) -> Self {
        Self::Malformed(text.to_owned())
    }
}

/// What a service's report means: the commit, nothing, or why it is not understood.
pub(super) type Read = Result<Option<Metadata>, String>;

impl From<Read> for Incoming {
    fn from(read: Read) -> Self {
        match read {
            Ok(Some(metadata)) => Self::Push(metadata.into()),
            Ok(None) => Self::Nothing,
            Err(problem) => Self::Malformed(problem),
        }
    }
}

/// The body of a report.
pub(super) fn parse(payload: &[u8]) -> Result<Value, String> {
    if payload.is_empty() {
        return Err("Missing expected payload".to_owned());
    }
    match serde_json::from_slice::<Value>(payload) {
        Ok(payload @ Value::Object(_)) => Ok(payload),
        Ok(_) => Err("The payload must be a JSON object".to_owned()),
        Err(error) => Err(format!("The payload is no JSON: {error}")),
    }
}

/// A report to a custom trigger that builds from `source`: in our own form, or one of the others; always with that source.
pub(super) fn custom(payload: Value, source: Option<&str>) -> Incoming {
    let Some(source) = source else {
        return Incoming::malformed("The trigger has no build_source");
    };
    let found = match own_problem(&payload) {
        None => Incoming::Push(payload),
        Some(_) if github::check(&payload).is_ok() => github::read(&payload, None).into(),
        Some(_) if bitbucket::check(&payload).is_ok() => bitbucket::read(&payload, None).into(),
        Some(_) if gitlab::check(&payload).is_ok() => gitlab::read(&payload, None).into(),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const COMMIT: &str = "42d4a62c53350993ea41069e9f2cfdefb0df097d";
    const SOURCE: Option<&str> = Some("git@here:a.git");

    fn of_github() -> Value {
        json!({
            "ref": "refs/heads/main",
            "head_commit": { "id": COMMIT, "url": "u", "message": "Work", "timestamp": "2026-08-04" },
            "repository": { "ssh_url": "git@github.com:a/b.git", "default_branch": "main" },
        })
    }

    #[test]
    fn a_custom_trigger_takes_every_form_and_keeps_its_source() {
        let own = json!({ "commit": COMMIT, "ref": "refs/heads/a", "default_branch": "a" });
        let gitlab = json!({
            "object_kind": "push", "ref": "refs/heads/main", "checkout_sha": COMMIT,
            "repository": { "git_ssh_url": "git@gitlab.com:a/b.git" },
            "commits": [{ "id": COMMIT, "message": "Work", "timestamp": "2026-08-04", "url": "u" }],
        });
        let bitbucket = json!({
            "repository": { "full_name": "a/b" },
            "push": { "changes": [{ "new": {
                "name": "main", "type": "branch",
                "target": { "hash": COMMIT, "message": "Work", "date": "2026-08-04" },
            } }] },
        });
        for payload in [own, of_github(), gitlab, bitbucket] {
            let Incoming::Push(metadata) = custom(payload.clone(), SOURCE) else {
                unreachable!("{payload}");
            };
            assert_eq!(metadata["commit"], COMMIT);
            assert_eq!(metadata["git_url"], "git@here:a.git");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for payload in [
            json!({}),
            json!({ "commit": "main", "ref": "refs/heads/a", "default_branch": "a" }),
            json!({ "commit": COMMIT, "ref": "main", "default_branch": "a" }),
            json!({ "commit": COMMIT, "ref": "refs/heads/a" }),
        ] {
            let read = custom(payload.clone(), SOURCE);
            assert!(matches!(read, Incoming::Malformed(_)), "{payload}");
        }
        assert!(matches!(custom(of_github(), None), Incoming::Malformed(_)));
        for body in [b"".as_slice(), b"[]", b"{"] {
            parse(body).unwrap_err();
        }
        parse(b"{}").unwrap();
    }
}
