//! What the console asks a trigger's service while a person sets the trigger up: namespaces, repositories, Dockerfiles,
//! branches and tags.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::commit::matching_branches;
use super::hosts::{GitHost, Namespace, Source};
use super::{Service, Trigger, host};
use crate::error::{Error, Result};
use crate::services::hosted::HostError;
use crate::state::Api;

/// The most branches or tags of one answer.
const MOST_VALUES: usize = 30;
/// The branch of a repository that does not say its default one.
const USUAL_BRANCH: &str = "master";

/// The namespaces whose repositories the person who set the trigger up can build.
pub(crate) async fn namespaces(api: &Api, trigger: &Trigger) -> Result<Vec<Namespace>> {
    Ok(host(api, trigger).await?.namespaces().await?)
}

/// The repositories of a namespace.
pub(crate) async fn sources(api: &Api, trigger: &Trigger, namespace: &str) -> Result<Vec<Source>> {
    Ok(host(api, trigger).await?.sources(namespace).await?)
}

/// What was found, or why the person has to change something first.
pub(crate) enum Found<T> {
    Found(T),
    Problem(String),
}

impl<T> Found<T> {
    /// # Errors
    /// When the service failed.
    pub(super) fn of(outcome: Result<T, HostError>) -> Result<Self> {
        match outcome {
            Ok(found) => Ok(Self::Found(found)),
            Err(error @ HostError::Failed(_)) => Err(error.into()),
            Err(error) => Ok(Self::Problem(error.to_string())),
        }
    }
}

/// The Dockerfiles of the branch that settings ask for, each from the repository's root and with a slash before it.
pub(crate) async fn dockerfiles(
    api: &Api,
    trigger: &Trigger,
    config: &Map<String, Value>,
) -> Result<Found<Vec<String>>> {
    let Ok(source) = source(config) else {
        return Ok(Found::Problem("config needs a build_source".to_owned()));
    };
    let host = match host(api, trigger).await {
        Err(Error::Exception(exception)) => {
            let text = exception.text.unwrap_or_default();
            return Ok(Found::Problem(text));
        }
        host => host?,
    };
    match files(&*host, trigger.service(), source, config).await {
        Err(HostError::Empty) => Ok(Found::Found(Vec::new())),
        listed => Found::of(listed),
    }
}

async fn files(
    host: &dyn GitHost,
    service: Service,
    source: &str,
    config: &Map<String, Value>,
) -> Result<Vec<String>, HostError> {
    let branches = host.branches(source, None).await?;
    if branches.is_empty() {
        let title = service.title();
        let text = format!("Unable to find {title} branches for source: {source}");
        return Err(HostError::Refused(text));
    }
    let branches = matching_branches(config, branches);
    let branch = if let Some(branch) = branches.into_iter().next() {
        branch
    } else {
        let default = host.repository(source).await?.default_branch;
        default.unwrap_or_else(|| USUAL_BRANCH.to_owned())
    };
    let files = host.files(source, &branch).await?;
    Ok(files
        .iter()
        .filter(|file| is_dockerfile(file))
        .map(|file| format!("/{}", file.trim_start_matches('/')))
        .collect())
}

fn is_dockerfile(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == "Dockerfile" || name.ends_with(".Dockerfile")
}

/// For each Dockerfile the folders that can be its context: every one above it, the nearest first.
pub(crate) fn contexts(dockerfiles: &[String]) -> BTreeMap<String, Vec<String>> {
    dockerfiles
        .iter()
        .map(|path| {
            let mut folders = Vec::new();
            let mut rest = path.as_str();
            while let Some((folder, _)) = rest.rsplit_once('/') {
                folders.push(if folder.is_empty() { "/" } else { folder }.to_owned());
                rest = folder;
            }
            (path.clone(), folders)
        })
        .collect()
}

/// What a field can be: `refs`, `branch_name` or `tag_name`; `None` for other fields.
pub(crate) async fn values(
    api: &Api,
    trigger: &Trigger,
    config: &Map<String, Value>,
    field: &str,
) -> Result<Option<Vec<Value>>> {
    if trigger.service() == Service::CustomGit {
        return Ok(None);
    }
    // Quay knows no values of what it cannot read at Bitbucket.
    let is_bitbucket = trigger.service() == Service::Bitbucket;
    let Ok(source) = source(config) else {
        return Ok((!is_bitbucket).then(Vec::new));
    };
    let host = host(api, trigger).await?;
    match listed(&*host, source, field).await {
        Err(error) if is_bitbucket && !error.is_failure() => Ok(None),
        found => Ok(found?),
    }
}

async fn listed(
    host: &dyn GitHost,
    source: &str,
    field: &str,
) -> Result<Option<Vec<Value>>, HostError> {
    let limit = Some(MOST_VALUES);
    let names = |names: Vec<String>| names.into_iter().map(Value::from).collect();
    Ok(match field {
        "refs" => {
            let branches = host.branches(source, None).await?;
            let tags = host.tags(source, None).await?;
            let of = |kind: &'static str| move |name| json!({ "kind": kind, "name": name });
            let branches = branches.into_iter().map(of("branch"));
            Some(branches.chain(tags.into_iter().map(of("tag"))).collect())
        }
        "branch_name" => Some(names(host.branches(source, limit).await?)),
        "tag_name" => Some(names(host.tags(source, limit).await?)),
        _ => None,
    })
}

/// The repository at the service that settings name.
///
/// # Errors
/// When they name none.
pub(super) fn source(config: &Map<String, Value>) -> Result<&str, HostError> {
    config
        .get("build_source")
        .and_then(Value::as_str)
        .filter(|source| !source.is_empty())
        .ok_or_else(|| HostError::Refused("config needs a build_source".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_above_a_dockerfile_can_be_its_context() {
        let paths = ["/Dockerfile", "/a/b/web.Dockerfile"].map(str::to_owned);
        let contexts = contexts(&paths);
        assert_eq!(contexts["/Dockerfile"], ["/"]);
        assert_eq!(contexts["/a/b/web.Dockerfile"], ["/a/b", "/a", "/"]);
    }

    #[test]
    fn a_dockerfile_is_known_by_its_name() {
        for yes in ["Dockerfile", "a/Dockerfile", "a/web.Dockerfile"] {
            assert!(is_dockerfile(yes), "{yes}");
        }
        for no in [
            "dockerfile",
            "Dockerfile/a",
            "Dockerfile.web",
            "aDockerfile",
        ] {
            assert!(!is_dockerfile(no), "{no}");
        }
    }
}
