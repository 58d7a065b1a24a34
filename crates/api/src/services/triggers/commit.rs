//! From a commit to a build: which tags it gets, and whether it is built at all.

use std::collections::BTreeSet;

use pierhead_jobs::json_template;
use regex::{Regex, RegexBuilder};
use regex_syntax::ast::ErrorKind;
use regex_syntax::ast::parse::Parser;
use serde_json::{Map, Value, json};

use crate::services::builds::Prepared;

/// Largest compiled pattern of a trigger, in bytes.
const LARGEST_PATTERN: usize = 1 << 20;
/// Longest tag template.
const LONGEST_TEMPLATE: usize = 1024;
/// Most tag templates of a trigger.
const MOST_TEMPLATES: usize = 50;
/// What stands in a tag for what a commit does not have.
const MISSING: &str = "$MISSING$";

/// Why a commit cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("commit must be at least 7 hexadecimal digits")]
    Commit,
    #[error("ref must be refs/heads/…, refs/tags/… or refs/remotes/…")]
    Ref,
    #[error("commit_info must have a message")]
    Message,
    #[error("The trigger has no dockerfile_path and context")]
    NoDockerfile,
}

/// A build of a commit with a trigger's settings. `metadata` has at least `commit` and `git_url`.
pub(crate) fn prepare(
    config: &Map<String, Value>,
    metadata: Value,
    is_manual: bool,
) -> Result<Prepared, Problem> {
    let Value::Object(metadata) = metadata else {
        return Err(Problem::Commit);
    };
    let commit = text(&metadata, "commit").unwrap_or_default();
    if !is_commit(commit) {
        return Err(Problem::Commit);
    }
    match metadata.get("ref") {
        None => {}
        Some(Value::String(name)) if parts(name).is_some() => {}
        Some(_) => return Err(Problem::Ref),
    }
    if let Some(info) = metadata.get("commit_info")
        && !info.get("message").is_some_and(Value::is_string)
    {
        return Err(Problem::Message);
    }
    let (Some(subdirectory), Some(context)) =
        (text(config, "dockerfile_path"), text(config, "context"))
    else {
        return Err(Problem::NoDockerfile);
    };
    Ok(Prepared {
        name: commit.chars().take(7).collect(),
        dockerfile_id: None,
        archive_url: None,
        tags: tags(config, &metadata, commit),
        subdirectory: subdirectory.to_owned(),
        context: context.to_owned(),
        is_manual,
        metadata,
        trigger: None,
    })
}

/// Whether a trigger's settings or the commit's message say that it is not to be built.
pub(super) fn is_skipped(config: &Map<String, Value>, metadata: &Map<String, Value>) -> bool {
    if let Some(pattern) = config.get("branchtag_regex") {
        let pattern = Pattern::new(pattern.as_str().unwrap_or(".*"));
        let wanted = text(metadata, "ref")
            .and_then(|name| name.split_once('/'))
            .is_some_and(|(_, name)| pattern.matches(name));
        if !wanted {
            return true;
        }
    }
    let message = metadata
        .get("commit_info")
        .and_then(|info| info.get("message"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    message.contains("[skip build]") || message.contains("[build skip]")
}

/// The branches that a trigger's settings ask for; all of them if the settings do not say.
pub(super) fn matching_branches(config: &Map<String, Value>, branches: Vec<String>) -> Vec<String> {
    let Some(pattern) = config.get("branchtag_regex").and_then(Value::as_str) else {
        return branches;
    };
    let pattern = Pattern::new(pattern);
    branches
        .into_iter()
        .filter(|branch| pattern.matches(&format!("heads/{branch}")))
        .collect()
}

/// What a trigger's settings ask for: a name as a whole.
enum Pattern {
    Names(Regex),
    /// It is no pattern, neither here nor for Python: as in Quay everything is asked for.
    Everything,
    /// Python may understand it, so it may exclude anything.
    Nothing,
}

impl Pattern {
    fn new(pattern: &str) -> Self {
        let compiled = RegexBuilder::new(&format!("^(?:{pattern})$"))
            .size_limit(LARGEST_PATTERN)
            .build();
        match compiled {
            Ok(compiled) => Self::Names(compiled),
            Err(_) if is_broken(pattern) => Self::Everything,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "nothing matches the branchtag_regex of a trigger: it is none of Rust's"
                );
                Self::Nothing
            }
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Names(pattern) => pattern.is_match(name),
            Self::Everything => true,
            Self::Nothing => false,
        }
    }
}

/// Whether a pattern lacks what every dialect asks for.
fn is_broken(pattern: &str) -> bool {
    Parser::new().parse(pattern).is_err_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::GroupUnclosed
                | ErrorKind::GroupUnopened
                | ErrorKind::RepetitionMissing
                | ErrorKind::EscapeUnexpectedEof
        )
    })
}

fn tags(config: &Map<String, Value>, metadata: &Map<String, Value>, commit: &str) -> Vec<String> {
    let mut tags = BTreeSet::new();
    let name = text(metadata, "ref");
    let templates = config.get("tag_templates").and_then(Value::as_array);
    if let Some(templates) = templates.filter(|templates| !templates.is_empty()) {
        let data = template_data(metadata, name, commit);
        let templates = templates.iter().take(MOST_TEMPLATES);
        tags.extend(templates.filter_map(|template| from_template(template.as_str()?, &data)));
    }
    let on = |key| config.get(key).is_none_or(|flag| flag != &json!(false));
    if let Some((_, branch)) = name.and_then(parts) {
        if on("default_tag_from_ref") {
            tags.insert(branch.to_owned());
        }
        let default = text(metadata, "default_branch");
        if on("latest_for_default_branch") && default == Some(branch) {
            tags.insert("latest".to_owned());
        }
    }
    if tags.is_empty() {
        tags.insert(commit.chars().take(7).collect());
    }
    tags.into_iter().collect()
}

fn template_data(metadata: &Map<String, Value>, name: Option<&str>, commit: &str) -> Value {
    let mut data = Value::Object(metadata.clone());
    if !data["commit_info"].is_object() {
        data["commit_info"] = json!({});
    }
    data["commit_info"]["short_sha"] = json!(commit.chars().take(7).collect::<String>());
    if let Some((kind, name)) = name.and_then(parts) {
        let kind = match kind {
            "heads" => "branch",
            "tags" => "tag",
            _ => "remote",
        };
        data["parsed_ref"] = json!({ kind: name });
    }
    data
}

/// `None` when the commit lacks something that the template names, or when it cannot be read.
fn from_template(template: &str, data: &Value) -> Option<String> {
    if template.len() > LONGEST_TEMPLATE {
        return None;
    }
    match json_template::fill(template, data, MISSING).ok()? {
        Value::String(tag) if !tag.is_empty() && !tag.contains(MISSING) => Some(tag),
        _ => None,
    }
}

/// `heads`, `tags` or `remotes`, and the name behind it.
fn parts(name: &str) -> Option<(&str, &str)> {
    let (kind, name) = name.strip_prefix("refs/")?.split_once('/')?;
    (matches!(kind, "heads" | "tags" | "remotes") && !name.is_empty()).then_some((kind, name))
}

/// Whether a text is the id of a commit.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn text<'m>(map: &'m Map<String, Value>, key: &str) -> Option<&'m str> {
    map.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const COMMIT: &str = "42d4a62c53350993ea41069e9f2cfdefb0df097d";

    fn config(more: &Value) -> Map<String, Value> {
        let mut config = json!({ "dockerfile_path": "/Dockerfile", "context": "/" });
        let all = config.as_object_mut().unwrap();
        all.extend(more.as_object().unwrap().clone());
        all.clone()
    }

    fn tags_of(more: &Value, metadata: Value) -> Vec<String> {
        prepare(&config(more), metadata, false).unwrap().tags
    }

    #[test]
    fn a_commit_is_tagged_by_its_branch_or_its_hash() {
        let branch = json!({ "commit": COMMIT, "git_url": "g", "ref": "refs/heads/main", "default_branch": "main" });
        assert_eq!(tags_of(&json!({}), branch.clone()), ["latest", "main"]);
        let off = json!({ "latest_for_default_branch": false, "tag_templates": [] });
        assert_eq!(tags_of(&off, branch.clone()), ["main"]);
        let template = json!({
            "default_tag_from_ref": false, "latest_for_default_branch": false,
            "tag_templates": ["v-${commit_info.short_sha}", "${parsed_ref.tag}", "${}", "b-${parsed_ref.branch}"],
        });
        assert_eq!(tags_of(&template, branch), ["b-main", "v-42d4a62"]);
        let bare = json!({ "commit": COMMIT, "git_url": "g" });
        assert_eq!(tags_of(&json!({}), bare), ["42d4a62"]);
    }

    #[test]
    fn what_is_no_commit_is_not_built() {
        let problem = |metadata| prepare(&config(&json!({})), metadata, true).unwrap_err();
        assert_eq!(problem(json!({ "commit": "main" })), Problem::Commit);
        assert_eq!(
            problem(json!({ "commit": COMMIT, "ref": "main" })),
            Problem::Ref
        );
        let silent = json!({ "commit": COMMIT, "commit_info": {} });
        assert_eq!(problem(silent), Problem::Message);
        let metadata = json!({ "commit": COMMIT });
        let nowhere = prepare(&Map::new(), metadata, true).unwrap_err();
        assert_eq!(nowhere, Problem::NoDockerfile);
    }

    #[test]
    fn branches_are_chosen_by_the_same_pattern() {
        let chosen = |config: Value| {
            let branches = ["main", "dev"].map(str::to_owned).to_vec();
            matching_branches(config.as_object().unwrap(), branches)
        };
        assert_eq!(chosen(json!({})), ["main", "dev"]);
        assert_eq!(chosen(json!({ "branchtag_regex": "heads/d.*" })), ["dev"]);
        assert_eq!(chosen(json!({ "branchtag_regex": "(" })), ["main", "dev"]);
        assert_eq!(chosen(json!({ "branchtag_regex": "tags/.*" })), [""; 0]);
        // What Python understands and Rust does not may exclude anything.
        for python in [
            "heads/(?!main).*",
            r"(heads/).*\1",
            "heads/main",
            "(?>heads/m)x",
        ] {
            let asked = chosen(json!({ "branchtag_regex": python }));
            let expected: &[&str] = if python == "heads/main" {
                &["main"]
            } else {
                &[]
            };
            assert_eq!(asked, expected, "{python}");
        }
        for broken in ["main)", "*", "main\\"] {
            let asked = chosen(json!({ "branchtag_regex": broken }));
            assert_eq!(asked, ["main", "dev"], "{broken}");
        }
    }

    #[test]
    fn a_branch_or_a_message_may_say_that_nothing_is_built() {
        let skipped = |config: Value, metadata: Value| {
            is_skipped(config.as_object().unwrap(), metadata.as_object().unwrap())
        };
        let main = json!({ "ref": "refs/heads/main" });
        assert!(!skipped(json!({}), main.clone()));
        assert!(!skipped(
            json!({ "branchtag_regex": "heads/ma.n" }),
            main.clone()
        ));
        assert!(skipped(
            json!({ "branchtag_regex": "heads/mai" }),
            main.clone()
        ));
        assert!(!skipped(json!({ "branchtag_regex": "(" }), main.clone()));
        assert!(skipped(
            json!({ "branchtag_regex": "(?!heads/main).*" }),
            main
        ));
        assert!(skipped(json!({ "branchtag_regex": ".*" }), json!({})));
        let message = json!({ "commit_info": { "message": "Docs only [skip build]" } });
        assert!(skipped(json!({}), message));
    }
}
