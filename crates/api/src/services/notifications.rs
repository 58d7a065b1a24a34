//! Notification hooks of repositories and namespaces: what somebody wants to be told about, and how (api-v1.md §5.12, §8.2,
//! §8.3). Delivering is the work of the notification queue; here its items are made.

use std::sync::Arc;

use pierhead_auth::Repository;
use pierhead_auth::accounts::{Actor, Event};
use pierhead_db::encoding::json_text;
use pierhead_db::enums::EnumTable;
use pierhead_db::queries::notification_hooks::{self, Hook, HookOwner, NewHook};
use pierhead_db::queries::queue;
use pierhead_db::{Conn, RepositoryId, UserId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::state::Api;

mod events;
mod methods;
mod spawn;

pub(crate) use spawn::{About, performer, spawn};

/// Longest title in characters: what the column holds.
const LONGEST_TITLE: usize = 255;
/// Longest settings in bytes of JSON.
const LONGEST_CONFIG: usize = 128 * 1024;
/// The events of namespaces.
const NAMESPACE_EVENTS: [&str; 2] = ["quota_error", "quota_warning"];

/// Whose hooks they are.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// The namespace's row.
    namespace_id: UserId,
    /// The namespace's name.
    namespace: String,
    /// The repository, for its hooks; the namespace's own hooks otherwise.
    repository: Option<(RepositoryId, String)>,
}

impl Owner {
    /// A repository.
    pub(crate) fn repository(repository: &Arc<Repository>) -> Self {
        Self {
            namespace_id: UserId(repository.namespace_id.0),
            namespace: repository.name.namespace().to_owned(),
            repository: Some((repository.id, repository.name.repository().to_owned())),
        }
    }

    /// A person or organization.
    pub(crate) fn namespace(id: UserId, name: &str) -> Self {
        Self {
            namespace_id: id,
            namespace: name.to_owned(),
            repository: None,
        }
    }

    fn hooks(&self) -> HookOwner {
        match &self.repository {
            Some((id, _)) => HookOwner::Repository(*id),
            None => HookOwner::Namespace(self.namespace_id),
        }
    }

    /// What a repository's routes say of a hook that is not there, and what those of a namespace say.
    fn missing(&self, uuid: &str) -> Error {
        match &self.repository {
            Some((_, name)) => Error::invalid_request(format!(
                "No repository notification found for: {}, {name}, {uuid}",
                self.namespace
            )),
            None => Error::not_found(),
        }
    }

    fn event(&self, verb: Verb, uuid: &str, event: &str, method: &str) -> Event {
        let mut metadata = Map::new();
        if let Some((_, name)) = &self.repository {
            metadata.insert("repo".to_owned(), json!(name));
        }
        metadata.insert("namespace".to_owned(), json!(self.namespace));
        metadata.insert("notification_id".to_owned(), json!(uuid));
        metadata.insert("event".to_owned(), json!(event));
        metadata.insert("method".to_owned(), json!(method));
        Event {
            kind: verb.kind(self.repository.is_some()),
            account: self.namespace_id,
            repository: self.repository.as_ref().map(|(id, _)| *id),
            metadata: metadata.into(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Add,
    Delete,
    Reset,
}

impl Verb {
    fn kind(self, of_repository: bool) -> &'static str {
        match (self, of_repository) {
            (Self::Add, true) => "add_repo_notification",
            (Self::Delete, true) => "delete_repo_notification",
            (Self::Reset, true) => "reset_repo_notification",
            (Self::Add, false) => "create_namespace_notification",
            (Self::Delete, false) => "delete_namespace_notification",
            (Self::Reset, false) => "reset_namespace_notification",
        }
    }
}

/// A hook as it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct NewNotification {
    pub(crate) event: String,
    pub(crate) method: String,
    pub(crate) config: Map<String, Value>,
    pub(crate) event_config: Map<String, Value>,
    pub(crate) title: Option<String>,
}

/// A hook with the names that its numbers mean.
#[derive(Clone, Debug)]
pub(crate) struct Notification {
    pub(crate) uuid: String,
    pub(crate) title: Option<String>,
    pub(crate) event: String,
    pub(crate) method: String,
    pub(crate) config: Map<String, Value>,
    pub(crate) event_config: Map<String, Value>,
    pub(crate) number_of_failures: i32,
}

fn named(api: &Api, hook: Hook) -> Notification {
    let name = |table, id| api.enums().name(table, id).unwrap_or("unknown").to_owned();
    Notification {
        event: name(EnumTable::NotificationEvent, hook.event),
        method: name(EnumTable::NotificationMethod, hook.method),
        uuid: hook.uuid,
        title: hook.title,
        config: json_text::read(Some(&hook.config_json)).unwrap_or_default(),
        event_config: json_text::read(Some(&hook.event_config_json)).unwrap_or_default(),
        number_of_failures: hook.number_of_failures,
    }
}

/// Every hook of an owner, oldest first.
pub(crate) async fn list(api: &Api, owner: &Owner) -> Result<Vec<Notification>> {
    let mut conn = api.db().read().await?;
    let hooks = notification_hooks::list(&mut conn, owner.hooks()).await?;
    drop(conn);
    Ok(hooks.into_iter().map(|hook| named(api, hook)).collect())
}

/// One hook; 404 when the owner has none of that id.
pub(crate) async fn find(api: &Api, owner: &Owner, uuid: &str) -> Result<Notification> {
    let mut conn = api.db().read().await?;
    let hook = notification_hooks::find(&mut conn, owner.hooks(), uuid).await?;
    drop(conn);
    Ok(named(api, hook.ok_or_else(Error::not_found)?))
}

/// Makes a hook.
pub(crate) async fn create(
    api: &Api,
    actor: Actor,
    owner: Owner,
    new: NewNotification,
) -> Result<Notification> {
    let (event, method) = kinds(api, &owner, &new)?;
    methods::check(api, &owner, &new.method, &new.config).await?;
    if new
        .title
        .as_ref()
        .is_some_and(|title| title.chars().count() > LONGEST_TITLE)
    {
        let text = format!("title has at most {LONGEST_TITLE} characters");
        return Err(Error::invalid_request(text));
    }
    let text_of = |name: &str, config: &Map<String, Value>| {
        let text = json_text::write(config)?;
        if text.len() > LONGEST_CONFIG {
            let text = format!("{name} has at most {LONGEST_CONFIG} bytes");
            return Err(Error::invalid_request(text));
        }
        Ok(text)
    };
    let hook = NewHook {
        uuid: Uuid::new_v4().to_string(),
        title: new.title.clone(),
        event,
        method,
        config_json: text_of("config", &new.config)?,
        event_config_json: text_of("eventConfig", &new.event_config)?,
    };
    let made = Notification {
        uuid: hook.uuid.clone(),
        title: new.title,
        event: new.event,
        method: new.method,
        config: new.config,
        event_config: new.event_config,
        number_of_failures: 0,
    };
    let event = owner.event(Verb::Add, &made.uuid, &made.event, &made.method);
    let (accounts, now) = (api.accounts().clone(), api.accounts().now());
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                notification_hooks::insert(conn, owner.hooks(), &hook).await?;
                accounts.record(conn, &actor, now, event).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    Ok(made)
}

/// The rows of the event and the method.
fn kinds(api: &Api, owner: &Owner, new: &NewNotification) -> Result<(i32, i32)> {
    let of_repository = owner.repository.is_some();
    if !of_repository && !NAMESPACE_EVENTS.contains(&new.event.as_str()) {
        return Err(Error::invalid_request(format!(
            "Invalid event '{}'. Must be one of: {}",
            new.event,
            NAMESPACE_EVENTS.join(", ")
        )));
    }
    let find = |table, name: &str| api.enums().find(table, name);
    let method = find(EnumTable::NotificationMethod, &new.method).ok_or_else(|| {
        Error::invalid_request(if of_repository {
            format!("Unable to find method: {}", new.method)
        } else {
            format!("Unknown notification method '{}'", new.method)
        })
    })?;
    let event = find(EnumTable::NotificationEvent, &new.event)
        .ok_or_else(|| Error::invalid_request(format!("Unable to find event: {}", new.event)))?;
    Ok((event, method))
}

/// Removes a hook.
pub(crate) async fn delete(api: &Api, actor: Actor, owner: Owner, uuid: String) -> Result<()> {
    change(api, actor, owner, uuid, Verb::Delete).await
}

/// Forgets the failures of a hook, so that it is delivered again.
pub(crate) async fn reset(api: &Api, actor: Actor, owner: Owner, uuid: String) -> Result<()> {
    change(api, actor, owner, uuid, Verb::Reset).await
}

async fn change(api: &Api, actor: Actor, owner: Owner, uuid: String, verb: Verb) -> Result<()> {
    let api_in = api.clone();
    let now = api.accounts().now();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let hook = notification_hooks::find(conn, owner.hooks(), &uuid)
                    .await?
                    .ok_or_else(|| owner.missing(&uuid))?;
                match verb {
                    Verb::Delete => {
                        notification_hooks::delete_reported_tags(conn, owner.hooks(), hook.id)
                            .await?;
                        notification_hooks::delete(conn, owner.hooks(), hook.id).await?
                    }
                    Verb::Add | Verb::Reset => {
                        notification_hooks::reset_failures(conn, owner.hooks(), hook.id).await?
                    }
                };
                let hook = named(&api_in, hook);
                let event = owner.event(verb, &uuid, &hook.event, &hook.method);
                api_in.accounts().record(conn, &actor, now, event).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}

/// Queues a delivery of the hook with data that are made up.
pub(crate) async fn test(
    api: &Api,
    performer: Map<String, Value>,
    owner: Owner,
    uuid: &str,
) -> Result<()> {
    let mut conn = api.db().read().await?;
    let hook = notification_hooks::find(&mut conn, owner.hooks(), uuid).await?;
    drop(conn);
    let hook = named(api, hook.ok_or_else(|| owner.missing(uuid))?);
    let of_namespace = NAMESPACE_EVENTS.contains(&hook.event.as_str());
    let about = match &owner.repository {
        Some((_, name)) if !of_namespace => About::repository(api, &owner.namespace, name),
        _ => About::namespace(api, &owner.namespace),
    };
    let data = events::sample(&about, &hook.event, &hook.event_config, api.clock().unix());
    let body = spawn::item(&hook.uuid, &data, &performer, owner.repository.is_none());
    let queue_name = queue::name(
        &api.config().queues.notification_queue_name,
        &[&owner.namespace, &hook.uuid, &hook.event],
    );
    let now = api.accounts().now();
    api.accounts()
        .write(move |conn: &mut Conn| {
            Box::pin(async move {
                spawn::put(conn, &queue_name, &body, now).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}
