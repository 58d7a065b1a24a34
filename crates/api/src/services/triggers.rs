//! Build triggers: setting them up, switching them, and the builds they start (api-v1.md §5.19).
//!
//! A trigger is made without settings ([`connecting`]), looked at while a person chooses them ([`sources`], [`analysis`]), and
//! activated: it gets an SSH key for the builder and an address with a secret for pushes. A `custom-git` trigger leaves both
//! to the person; at GitHub, GitLab and Bitbucket ([`hosts`]) they are added, and removed with the trigger.

use pierhead_auth::Repository;
use pierhead_auth::accounts::{Actor, Event};
use pierhead_config::Secret;
use pierhead_db::UserId;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::json_text;
use pierhead_db::enums::EnumTable;
use pierhead_db::queries::{access_tokens, build_triggers};
use pierhead_registry::uninterrupted;
use serde_json::{Map, Value, json};

use self::hosts::GitHost;
use super::builds;
use super::hosted::HostError;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::state::Api;

mod activation;
mod analysis;
mod commit;
mod connecting;
mod dockerfile;
mod hosts;
mod metadata;
mod payload;
mod service;
mod sources;
mod ssh_key;
mod start;

pub(crate) use activation::activate;
pub(crate) use analysis::{Analysis, Puller, analyze};
pub(crate) use connecting::{connect_bitbucket, connect_by_code, connect_custom, finish_bitbucket};
pub use hosts::GitHosts;
pub(crate) use hosts::{ByCode, Namespace, Source};
pub(crate) use service::Service;
pub(crate) use sources::{Found, contexts, dockerfiles, namespaces, sources, values};
pub(crate) use start::{RunParameters, pushed, start};

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

    /// The settings to look at: those that a person has chosen so far, or else those of the trigger.
    pub(crate) fn config_or<'c>(
        &'c self,
        chosen: &'c Map<String, Value>,
    ) -> &'c Map<String, Value> {
        if chosen.is_empty() {
            &self.config
        } else {
            chosen
        }
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

/// How often a trigger is removed anew that somebody changes meanwhile.
const ATTEMPTS: usize = 3;

/// Removes a trigger with the token of its webhook, and what was added at its service, as far as the service lets it. While
/// the service fails, the trigger stays. Once begun this ends although the caller has gone.
pub(crate) async fn delete(
    api: &Api,
    actor: Actor,
    repository: &Repository,
    uuid: String,
) -> Result<()> {
    let (api, repository) = (api.clone(), repository.clone());
    uninterrupted(async move {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let trigger = find(&api, &repository, &uuid).await?;
            let from = trigger.row.config.clone();
            let Err(error) = remove(&api, actor.clone(), &repository, trigger).await else {
                return Ok(());
            };
            // Who activates it at the same time adds something that has to be removed, too.
            let is_changed = find(&api, &repository, &uuid).await?.row.config != from;
            if !is_changed || attempts == ATTEMPTS {
                return Err(error);
            }
        }
    })
    .await
}

async fn remove(api: &Api, actor: Actor, repository: &Repository, trigger: Trigger) -> Result<()> {
    if trigger.is_active() {
        uninstall(api, &trigger).await?;
    }
    let event = trigger.is_active().then(|| Event {
        kind: "delete_repo_trigger",
        account: UserId(repository.namespace_id.0),
        repository: Some(repository.id),
        metadata: json!({
            "repo": repository.name.repository(),
            "trigger_id": trigger.row.uuid,
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
                if build_triggers::delete(conn, row.id, &row.config).await? == 0 {
                    return Err(changed());
                }
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

/// Somebody else was faster.
fn changed() -> Error {
    Error::invalid_request("The trigger was changed meanwhile. Try again.")
}

/// Removes what was added at a trigger's service. What the service refuses is logged: it is refused here from now on.
///
/// # Errors
/// When the service fails: what it has may still report pushes.
async fn uninstall(api: &Api, trigger: &Trigger) -> Result<()> {
    let Some(source) = trigger.build_source() else {
        return Ok(());
    };
    let host = match host(api, trigger).await {
        Ok(host) => host,
        Err(Error::Exception(_)) => return Ok(()),
        Err(error @ Error::Database(_)) => return Err(error),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                trigger = trigger.row.uuid,
                "a trigger's token cannot be read"
            );
            return Ok(());
        }
    };
    let mut failure = None;
    for problem in hosts::uninstall(&*host, source, &trigger.config).await {
        tracing::warn!(
            error = &problem as &dyn std::error::Error,
            trigger = trigger.row.uuid,
            source,
            "something of a trigger that is to be removed stays at its git service"
        );
        if problem.is_failure() {
            failure = Some(problem);
        }
    }
    failure.map_or(Ok(()), |problem| Err(problem.into()))
}

/// The service of a trigger, on behalf of who set it up.
///
/// # Errors
/// When it has none that could be asked.
async fn host(api: &Api, trigger: &Trigger) -> Result<Box<dyn GitHost>> {
    let token = match trigger.service() {
        Service::CustomGit => None,
        _ => auth_token(api, trigger).await?,
    };
    api.git_hosts()
        .open(trigger.service(), token.as_ref(), api.clock())
        .ok_or_else(|| {
            let text = "A custom-git trigger has no service that could be asked.";
            HostError::Refused(text.to_owned()).into()
        })
}

/// The token of who set the trigger up, at its service.
async fn auth_token(api: &Api, trigger: &Trigger) -> Result<Option<Secret>> {
    let stored = {
        let mut conn = api.db().read().await?;
        build_triggers::auth_token(&mut conn, trigger.row.id).await?
    };
    let Some(stored) = stored.filter(|stored| !stored.is_empty()) else {
        return Ok(None);
    };
    let column = EncryptedColumn::TRIGGER_AUTH_TOKEN;
    let token = api.cipher().decrypt(column, &stored)?;
    Ok(Some(Secret::new(token.expose())))
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
