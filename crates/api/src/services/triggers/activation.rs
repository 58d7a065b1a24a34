//! Setting a trigger up: key and webhook at the service, a token for the webhook, and the row with its settings.

use pierhead_auth::accounts::{Actor, Event};
use pierhead_auth::{Repository, TeamRole};
use pierhead_config::Secret;
use pierhead_db::UserId;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::{json_text, random};
use pierhead_db::enums::Role;
use pierhead_db::queries::access_tokens::{self, NewAccessToken};
use pierhead_db::queries::build_triggers::{self, Activation};
use pierhead_db::queries::builds::PullRobot;
use pierhead_registry::uninterrupted;
use serde_json::{Map, Value, json};

use super::hosts::{self, Installation};
use super::ssh_key::{self, SshKey};
use super::{Service, Trigger, administers, changed, find, host, sources};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::services::builds;
use crate::state::Api;

/// Longest settings in bytes of JSON.
const LONGEST_CONFIG: usize = 64 * 1024;

/// Sets a trigger up, with its own settings if there are none in `config`. Only who began may, or a superuser with full
/// access. Once begun this ends although the caller has gone: otherwise a key or a webhook could stay that nobody knows of.
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
    let config = trigger.config_or(&config).clone();
    if json_text::write(&config)?.len() > LONGEST_CONFIG {
        let text = format!("config has at most {LONGEST_CONFIG} bytes");
        return Err(Error::invalid_request(text));
    }
    let (api_of_task, of, actor) = (api.clone(), repository.clone(), caller.actor());
    uninterrupted(async move { set_up(&api_of_task, actor, &of, trigger, config, robot).await })
        .await?;
    find(api, repository, &uuid).await
}

/// The secret address of a trigger.
struct Webhook {
    address: Secret,
    token_name: String,
    token_code: String,
}

impl Webhook {
    fn new(api: &Api, trigger: &Trigger) -> Result<Self> {
        let token_name = random::token(random::ACCESS_TOKEN_NAME)?;
        let token_code = random::token(random::ACCESS_TOKEN_CODE)?;
        let settings = &api.0.config;
        let address = format!(
            "{}://$token:{token_name}{token_code}@{}/webhooks/push/trigger/{}",
            settings.scheme, settings.hostname, trigger.row.uuid
        );
        Ok(Self {
            address: Secret::new(address),
            token_name,
            token_code,
        })
    }
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
    let webhook = Webhook::new(api, &trigger)?;
    let mut credentials = vec![json!({ "name": "SSH Public Key", "value": key.public })];
    if trigger.service() == Service::CustomGit {
        let address = webhook.address.expose();
        credentials.push(json!({ "name": "Webhook Endpoint URL", "value": address }));
        config.insert("credentials".to_owned(), credentials.into());
        return store(api, actor, repository, trigger, config, robot, key, webhook).await;
    }
    config.insert("credentials".to_owned(), credentials.into());
    let ui = &api.config().ui;
    let source = sources::source(&config)?.to_owned();
    let host = host(api, &trigger).await?;
    let installation = Installation {
        public_key: &key.public,
        webhook: &webhook.address,
        title: &ui.registry_title,
        short_title: &ui.registry_title_short,
    };
    config.extend(hosts::install(&*host, &source, &installation).await?);
    let installed = config.clone();
    let stored = store(api, actor, repository, trigger, config, robot, key, webhook).await;
    if stored.is_err() {
        for problem in hosts::uninstall(&*host.renewed(), &source, &installed).await {
            let error = &problem as &dyn std::error::Error;
            tracing::warn!(error, source, "something of no use stays at a git service");
        }
    }
    stored
}

#[expect(
    clippy::too_many_arguments,
    reason = "what activation has made, all of which one transaction stores"
)]
async fn store(
    api: &Api,
    actor: Actor,
    repository: &Repository,
    trigger: Trigger,
    config: Map<String, Value>,
    robot: Option<PullRobot>,
    key: SshKey,
    webhook: Webhook,
) -> Result<()> {
    let config_text = json_text::write(&config)?;
    let private_key = api
        .cipher()
        .encrypt(EncryptedColumn::TRIGGER_PRIVATE_KEY, key.private.expose())?;
    let token_code = api
        .cipher()
        .encrypt(EncryptedColumn::ACCESS_TOKEN_CODE, &webhook.token_code)?;
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
                    token_name: &webhook.token_name,
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
                    return Err(changed());
                }
                accounts.record(conn, &actor, now, event).await?;
                Ok(())
            })
        })
        .await
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
