//! The builds of a trigger: started by a person, or by a push that a git server reports.

use axum::http::StatusCode;
use bytes::Bytes;
use pierhead_auth::Repository;
use pierhead_auth::accounts::Actor;
use pierhead_db::queries::builds::PullRobot;
use pierhead_registry::uninterrupted;
use serde_json::{Map, Value, json};

use super::commit::{self, prepare};
use super::hosts::{GitHost, Reference};
use super::payload::{self, Incoming};
use super::{Service, Trigger, find, host, sources};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::services::hosted::HostError;
use crate::services::{builds, notifications};
use crate::state::Api;

/// The branch of a repository that does not say its default one.
const USUAL_BRANCH: &str = "master";

/// What a person wants to have built.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunParameters {
    /// The branch, of hosted services.
    pub(crate) branch_name: Option<String>,
    /// The commit, of other git servers.
    pub(crate) commit_sha: Option<String>,
    /// The branch or tag, of hosted services: `kind` and `name`.
    pub(crate) refs: Option<Map<String, Value>>,
}

impl RunParameters {
    /// The branch or tag that is meant.
    fn reference(&self, default_branch: Option<&str>) -> Result<Reference, HostError> {
        let chosen = self.refs.as_ref().filter(|refs| !refs.is_empty());
        let (kind, name) = match chosen {
            Some(refs) => {
                let part = |key: &str| refs.get(key).and_then(Value::as_str);
                let (Some(kind), Some(name)) = (part("kind"), part("name")) else {
                    let text = "refs needs kind and name";
                    return Err(HostError::Refused(text.to_owned()));
                };
                (kind, name)
            }
            None => ("branch", self.branch_name.as_deref().unwrap_or_default()),
        };
        let name = if name.is_empty() {
            default_branch.unwrap_or(USUAL_BRANCH)
        } else {
            name
        };
        Ok(match kind {
            "tag" => Reference::Tag(name.to_owned()),
            _ => Reference::Branch(name.to_owned()),
        })
    }
}

/// Starts a build by hand; returns the build's id.
pub(crate) async fn start(
    api: &Api,
    caller: &Caller,
    repository: &Repository,
    uuid: &str,
    run: &RunParameters,
) -> Result<String> {
    let trigger = find(api, repository, uuid).await?;
    if !trigger.row.enabled {
        return Err(Error::invalid_request("Trigger is not enabled."));
    }
    if !trigger.is_active() {
        return Err(Error::invalid_request("Trigger is not active."));
    }
    let metadata = match trigger.service() {
        Service::CustomGit => named_commit(&trigger, run)?,
        _ => head(&*host(api, &trigger).await?, &trigger, run).await?,
    };
    let mut prepared = prepare(&trigger.config, metadata, true)
        .map_err(|problem| Error::invalid_request(problem.to_string()))?;
    prepared.trigger = Some(trigger.for_build(true));
    let who = builds::Start {
        actor: Actor {
            context: Map::new(),
            ..caller.actor()
        },
        performer: notifications::performer(caller),
        manual_user: caller.user().map(|user| user.username.clone()),
        robot: robot_of(api, &trigger).await?,
    };
    builds::start(api, repository, prepared, who).await
}

/// The commit that a person names.
fn named_commit(trigger: &Trigger, run: &RunParameters) -> Result<Value> {
    let commit = run.commit_sha.as_deref();
    let commit = commit.ok_or_else(|| Error::invalid_request("missing required parameter"))?;
    let source = trigger
        .build_source()
        .ok_or_else(|| Error::invalid_request("The trigger has no build_source"))?;
    Ok(json!({ "commit": commit, "git_url": source }))
}

/// The newest commit of the branch or tag that a person names, or of the default branch.
async fn head(
    host: &dyn GitHost,
    trigger: &Trigger,
    run: &RunParameters,
) -> Result<Value, HostError> {
    let source = sources::source(&trigger.config)?;
    let repository = host.repository(source).await;
    let repository = repository.map_err(|error| error.or_first("Unable to start build trigger"))?;
    let reference = run.reference(repository.default_branch.as_deref())?;
    let hash = host.hash(source, &reference).await?;
    let metadata = host
        .metadata(source, &repository, &hash, &reference)
        .await?;
    Ok(metadata.into())
}

/// Starts a build because a git server reports a push. Once begun this ends although the server has gone, as servers do after
/// some seconds.
pub(crate) async fn pushed(
    api: &Api,
    caller: &Caller,
    repository: &Repository,
    trigger: Trigger,
    payload: Bytes,
) -> Result<()> {
    let (api, caller, repository) = (api.clone(), caller.clone(), repository.clone());
    uninterrupted(async move { report(&api, &caller, &repository, &trigger, &payload).await }).await
}

async fn report(
    api: &Api,
    caller: &Caller,
    repository: &Repository,
    trigger: &Trigger,
    payload: &[u8],
) -> Result<()> {
    let web = |status, text: String| Error::web(status, text);
    let payload = payload::parse(payload).map_err(|text| web(StatusCode::BAD_REQUEST, text))?;
    let source = trigger.build_source();
    let incoming = if trigger.service() == Service::CustomGit {
        payload::custom(payload, source)
    } else {
        let read = host(api, trigger).await?.pushed(source, payload).await;
        read.map_err(|error| {
            let (status, text) = error.outcome();
            web(status, text)
        })?
    };
    let metadata = match incoming {
        Incoming::Push(metadata) => metadata,
        Incoming::Nothing => return Ok(()),
        Incoming::Malformed(problem) => return Err(web(StatusCode::BAD_REQUEST, problem)),
    };
    let mut prepared = prepare(&trigger.config, metadata, false)
        .map_err(|problem| web(StatusCode::BAD_REQUEST, problem.to_string()))?;
    if commit::is_skipped(&trigger.config, &prepared.metadata) {
        return Ok(());
    }
    prepared.trigger = Some(trigger.for_build(false));
    let who = builds::Start {
        actor: builds::unnamed(caller),
        performer: notifications::performer(caller),
        manual_user: None,
        robot: robot_of(api, trigger).await?,
    };
    match builds::start(api, repository, prepared, who).await {
        Err(Error::Message { status, .. }) if status == StatusCode::BAD_REQUEST => {
            let text = "This build trigger is currently disabled. Please re-enable to continue.";
            Err(web(StatusCode::BAD_REQUEST, text.to_owned()))
        }
        Err(Error::Message { status, message }) => Err(web(status, message)),
        started => started.map(drop),
    }
}

async fn robot_of(api: &Api, trigger: &Trigger) -> Result<Option<PullRobot>> {
    match &trigger.row.pull_robot {
        None => Ok(None),
        Some(name) => builds::robot_of_namespace(api, name).await.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_names_a_branch_or_a_tag_or_nothing() {
        let of = |parameters: Value| {
            let run = RunParameters {
                branch_name: parameters["branch_name"].as_str().map(str::to_owned),
                refs: parameters["refs"].as_object().cloned(),
                commit_sha: None,
            };
            run.reference(Some("main"))
                .map_or_else(|error| error.to_string(), |found| found.full_name())
        };
        assert_eq!(of(json!({})), "refs/heads/main");
        assert_eq!(of(json!({ "branch_name": "dev" })), "refs/heads/dev");
        let both = json!({ "branch_name": "dev", "refs": { "kind": "tag", "name": "v1" } });
        assert_eq!(of(both), "refs/tags/v1");
        let branch = json!({ "refs": { "kind": "branch", "name": "a/b" } });
        assert_eq!(of(branch), "refs/heads/a/b");
        assert_eq!(of(json!({ "refs": {} })), "refs/heads/main");
        let half = json!({ "refs": { "kind": "tag" } });
        assert_eq!(of(half), "refs needs kind and name");
        let nothing = RunParameters::default().reference(None);
        assert_eq!(nothing, Ok(Reference::Branch("master".to_owned())));
    }
}
