//! Build triggers: setting them up, switching them, and the builds they start (api-v1.md §5.19).
//!
//! A `custom-git` trigger works without any other service: activation makes an SSH key for the builder and a secret address for
//! the git server's webhook. Triggers of hosted services (GitHub, GitLab, Bitbucket) that Quay has set up are listed, switched,
//! deleted and started by their webhooks; what would need a call to the service is refused with a sentence.

use axum::http::StatusCode;
use pierhead_auth::accounts::{Actor, Event};
use pierhead_auth::{Repository, TeamRole};
use pierhead_db::UserId;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::{json_text, random};
use pierhead_db::enums::{EnumTable, Role};
use pierhead_db::queries::access_tokens::{self, NewAccessToken};
use pierhead_db::queries::build_triggers::{self, Activation};
use pierhead_db::queries::builds::PullRobot;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::builds;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::state::Api;

mod commit;
mod payload;
mod service;
mod ssh_key;

pub(crate) use commit::prepare;
pub(crate) use payload::{Incoming, incoming};
pub(crate) use service::Service;

/// Longest settings in bytes of JSON.
const LONGEST_CONFIG: usize = 64 * 1024;

/// A trigger with its settings.
#[derive(Clone, Debug)]
pub(crate) struct Trigger {
    pub(crate) row: build_triggers::Trigger,
    pub(crate) config: Map<String, Value>,
}

impl Trigger {
    fn new(row: build_triggers::Trigger) -> Self {
        let config = json_text::read(Some(&row.config)).unwrap_or_default();
        Self { row, config }
    }

    /// The git service.
    pub(crate) fn service(&self) -> Service {
        Service::named(&self.row.service)
    }

    /// Whether it is set up.
    pub(crate) fn is_active(&self) -> bool {
        self.service().is_active(&self.config)
    }

    /// What it builds from.
    pub(crate) fn build_source(&self) -> Option<&str> {
        self.config.get("build_source").and_then(Value::as_str)
    }

    /// As a build remembers it.
    fn for_build(&self, manual: bool) -> builds::Trigger {
        builds::Trigger {
            id: self.row.id,
            uuid: self.row.uuid.clone(),
            service: self.row.service.clone(),
            enabled: self.row.enabled,
            manual,
        }
    }
}

/// A repository's triggers, oldest first.
pub(crate) async fn list(api: &Api, repository: &Repository) -> Result<Vec<Trigger>> {
    let mut conn = api.db().read().await?;
    let rows = build_triggers::list(&mut conn, repository.id).await?;
    Ok(rows.into_iter().map(Trigger::new).collect())
}

/// A trigger of a repository; 404 when it has none of that id.
pub(crate) async fn find(api: &Api, repository: &Repository, uuid: &str) -> Result<Trigger> {
    match find_anywhere(api, uuid).await? {
        Some(trigger) if trigger.row.repository_id == repository.id => Ok(trigger),
        _ => Err(Error::not_found()),
    }
}

/// The trigger with that id.
pub(crate) async fn find_anywhere(api: &Api, uuid: &str) -> Result<Option<Trigger>> {
    let mut conn = api.db().read().await?;
    let row = build_triggers::find(&mut conn, uuid).await?;
    Ok(row.map(Trigger::new))
}

/// Makes a trigger without settings; returns its id.
pub(crate) async fn create(
    api: &Api,
    repository: &Repository,
    user: UserId,
    service: Service,
) -> Result<String> {
    let kind = api
        .enums()
        .find(EnumTable::BuildTriggerService, service.name())
        .ok_or_else(|| {
            let text = format!("the database knows no trigger service {}", service.name());
            Error::Internal(text)
        })?;
    let uuid = Uuid::new_v4().to_string();
    let (made, repository, now) = (uuid.clone(), repository.id, api.accounts().now());
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                build_triggers::insert(conn, &made, kind, repository, user, now).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    Ok(uuid)
}

/// Switches a trigger that is set up on or off.
pub(crate) async fn switch(
    api: &Api,
    actor: Actor,
    repository: &Repository,
    uuid: String,
    enabled: bool,
) -> Result<Trigger> {
    let trigger = find(api, repository, &uuid).await?;
    if !trigger.is_active() {
        let text = "Cannot update an unactivated trigger";
        return Err(Error::invalid_request(text));
    }
    let reason = api.enums().find(EnumTable::DisableReason, "user_toggled");
    let event = Event {
        kind: "toggle_repo_trigger",
        account: UserId(repository.namespace_id.0),
        repository: Some(repository.id),
        metadata: json!({
            "repo": repository.name.repository(),
            "trigger_id": uuid,
            "service": trigger.row.service,
            "enabled": enabled,
        }),
    };
    let (accounts, id) = (api.accounts().clone(), trigger.row.id);
    let now = accounts.now();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                if enabled {
                    build_triggers::enable(conn, id).await?;
                } else {
                    build_triggers::disable(conn, id, reason, now).await?;
                }
                accounts.record(conn, &actor, now, event).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    find(api, repository, &uuid).await
}

/// Removes a trigger with the token of its webhook. What a hosted service was told stays there and is refused from now on.
pub(crate) async fn delete(
    api: &Api,
    actor: Actor,
    repository: &Repository,
    uuid: String,
) -> Result<()> {
    let trigger = find(api, repository, &uuid).await?;
    let event = trigger.is_active().then(|| Event {
        kind: "delete_repo_trigger",
        account: UserId(repository.namespace_id.0),
        repository: Some(repository.id),
        metadata: json!({
            "repo": repository.name.repository(),
            "trigger_id": uuid,
            "service": trigger.row.service,
        }),
    });
    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let row = &trigger.row;
                pierhead_db::queries::builds::detach_trigger(conn, row.id).await?;
                build_triggers::delete(conn, row.id).await?;
                if let Some(token) = row.write_token {
                    access_tokens::delete(conn, token).await?;
                }
                if let Some(event) = event {
                    accounts.record(conn, &actor, now, event).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .await
}

/// Sets a trigger up. Only who began may, or a superuser with full access.
pub(crate) async fn activate(
    api: &Api,
    caller: &Caller,
    repository: &Repository,
    uuid: String,
    config: Map<String, Value>,
    robot_name: Option<&str>,
) -> Result<Trigger> {
    let trigger = find(api, repository, &uuid).await?;
    if trigger.is_active() {
        let text = "Trigger config is not sufficient for activation.";
        return Err(Error::invalid_request(text));
    }
    if !administers(caller, &trigger) && !caller.has_full_access() {
        return Err(Error::unauthorized(caller));
    }
    let robot = match robot_name.filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => Some(pull_robot(api, caller, repository, name).await?),
    };
    if trigger.service() != Service::CustomGit {
        return Err(Error::invalid_request(trigger.service().unreachable()));
    }
    if json_text::write(&config)?.len() > LONGEST_CONFIG {
        let text = format!("config has at most {LONGEST_CONFIG} bytes");
        return Err(Error::invalid_request(text));
    }
    set_up(api, caller.actor(), repository, trigger, config, robot).await?;
    find(api, repository, &uuid).await
}

async fn set_up(
    api: &Api,
    actor: Actor,
    repository: &Repository,
    trigger: Trigger,
    mut config: Map<String, Value>,
    robot: Option<PullRobot>,
) -> Result<()> {
    let key = tokio::task::spawn_blocking(ssh_key::generate)
        .await
        .map_err(|_| Error::Internal("making an SSH key was stopped".to_owned()))??;
    let (token_name, code) = (
        random::token(random::ACCESS_TOKEN_NAME)?,
        random::token(random::ACCESS_TOKEN_CODE)?,
    );
    let settings = &api.0.config;
    let webhook = format!(
        "{}://$token:{token_name}{code}@{}/webhooks/push/trigger/{}",
        settings.scheme, settings.hostname, trigger.row.uuid
    );
    let credentials = json!([
        { "name": "SSH Public Key", "value": key.public },
        { "name": "Webhook Endpoint URL", "value": webhook },
    ]);
    config.insert("credentials".to_owned(), credentials);
    let config_text = json_text::write(&config)?;
    let private_key = api
        .cipher()
        .encrypt(EncryptedColumn::TRIGGER_PRIVATE_KEY, key.private.expose())?;
    let token_code = api
        .cipher()
        .encrypt(EncryptedColumn::ACCESS_TOKEN_CODE, &code)?;
    let event = Event {
        kind: "setup_repo_trigger",
        account: UserId(repository.namespace_id.0),
        repository: Some(repository.id),
        metadata: json!({
            "repo": repository.name.repository(),
            "namespace": repository.name.namespace(),
            "trigger_id": trigger.row.uuid,
            "service": trigger.row.service,
            "pull_robot": robot.as_ref().map(|robot| &robot.username).or(trigger.row.pull_robot.as_ref()),
            "config": config,
        }),
    };
    let (accounts, role) = (api.accounts().clone(), api.enums().id(Role::Write));
    let (repository, now) = (repository.id, accounts.now());
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let token = NewAccessToken {
                    repository,
                    role,
                    kind: None,
                    friendly_name: &format!("Build Trigger: {}", trigger.row.service),
                    temporary: false,
                    token_name: &token_name,
                    token_code: &token_code,
                    created: now,
                };
                let activation = Activation {
                    config: &config_text,
                    write_token: access_tokens::insert(conn, &token).await?,
                    pull_robot: robot.as_ref().map(|robot| robot.id),
                    private_key: Some(&private_key),
                };
                let (id, before) = (trigger.row.id, &trigger.row.config);
                if build_triggers::activate(conn, id, before, &activation).await? == 0 {
                    let text = "The trigger was changed meanwhile. Try again.";
                    return Err(Error::invalid_request(text));
                }
                accounts.record(conn, &actor, now, event).await?;
                Ok(())
            })
        })
        .await
}

/// Whether the caller is who set the trigger up, with a credential that may change the account.
pub(crate) fn administers(caller: &Caller, trigger: &Trigger) -> bool {
    let own = |credential: &pierhead_auth::Credential| {
        credential.administers_user()
            && credential
                .account
                .as_ref()
                .is_some_and(|account| account.id == trigger.row.connected_user_id)
    };
    caller.credential().is_some_and(own)
}

/// A robot of the repository's own namespace, which the caller administers.
async fn pull_robot(
    api: &Api,
    caller: &Caller,
    repository: &Repository,
    name: &str,
) -> Result<PullRobot> {
    let robot = builds::robot_of_namespace(api, name).await?;
    let namespace = name.split_once('+').map_or("", |(namespace, _)| namespace);
    let rights = api
        .auth()
        .namespace_rights(caller.credential(), namespace)
        .await?;
    let administers = rights.role >= Some(TeamRole::Admin) || caller.has_full_access();
    if !administers || namespace != repository.name.namespace() {
        return Err(Error::unauthorized(caller));
    }
    Ok(robot)
}

/// Starts a build by hand, of a commit; returns the build's id.
pub(crate) async fn start(
    api: &Api,
    caller: &Caller,
    repository: &Repository,
    uuid: &str,
    commit: Option<&str>,
) -> Result<String> {
    let trigger = find(api, repository, uuid).await?;
    if !trigger.row.enabled {
        return Err(Error::invalid_request("Trigger is not enabled."));
    }
    if !trigger.is_active() {
        return Err(Error::invalid_request("Trigger is not active."));
    }
    if trigger.service() != Service::CustomGit {
        return Err(Error::invalid_request(trigger.service().unreachable()));
    }
    let commit = commit.ok_or_else(|| Error::invalid_request("missing required parameter"))?;
    let source = trigger
        .build_source()
        .ok_or_else(|| Error::invalid_request("The trigger has no build_source"))?;
    let metadata = json!({ "commit": commit, "git_url": source });
    let mut prepared = prepare(&trigger.config, metadata, true)
        .map_err(|problem| Error::invalid_request(problem.to_string()))?;
    prepared.trigger = Some(trigger.for_build(true));
    let who = builds::Start {
        actor: Actor {
            context: Map::new(),
            ..caller.actor()
        },
        performer: super::notifications::performer(caller),
        manual_user: caller.user().map(|user| user.username.clone()),
        robot: robot_of(api, &trigger).await?,
    };
    builds::start(api, repository, prepared, who).await
}

/// Starts a build because a git server reports a push.
pub(crate) async fn pushed(
    api: &Api,
    caller: &Caller,
    repository: &Repository,
    trigger: &Trigger,
    payload: &[u8],
) -> Result<()> {
    let web = |status, text: String| Error::web(status, text);
    let metadata = match incoming(trigger.service(), trigger.build_source(), payload) {
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
        performer: super::notifications::performer(caller),
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
