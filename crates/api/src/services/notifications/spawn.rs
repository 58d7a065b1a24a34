//! Items of the notification queue, as Quay's workers read them.

use chrono::NaiveDateTime;
use pierhead_db::enums::EnumTable;
use pierhead_db::queries::notification_hooks;
use pierhead_db::queries::queue::{self, NewItem};
use pierhead_db::{Conn, RepositoryId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::caller::Caller;
use crate::error::Result;
use crate::state::Api;

/// How often a delivery is tried.
const TRIES: i32 = 5;

/// What every event tells of where it happened.
#[derive(Clone, Debug)]
pub(crate) struct About {
    data: Map<String, Value>,
}

impl About {
    /// A repository.
    pub(crate) fn repository(api: &Api, namespace: &str, name: &str) -> Self {
        let path = format!("{namespace}/{name}");
        let config = &api.0.config;
        Self::of([
            ("repository", json!(path)),
            ("namespace", json!(namespace)),
            ("name", json!(name)),
            ("docker_url", json!(format!("{}/{path}", config.hostname))),
            (
                "homepage",
                json!(format!("{}/repository/{path}", config.base_url())),
            ),
        ])
    }

    /// A namespace.
    pub(crate) fn namespace(api: &Api, namespace: &str) -> Self {
        let homepage = format!("{}/organization/{namespace}", api.0.config.base_url());
        Self::of([
            ("namespace", json!(namespace)),
            ("homepage", json!(homepage)),
        ])
    }

    fn of<const N: usize>(fields: [(&str, Value); N]) -> Self {
        let data = fields
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        Self { data }
    }

    /// The data of an event: where it happened, at a page below the homepage if there is one, and what else there is to tell.
    pub(crate) fn with(&self, subpage: Option<&str>, extra: Value) -> Value {
        let mut data = self.data.clone();
        if let (Some(page), Some(Value::String(homepage))) = (subpage, data.get_mut("homepage")) {
            homepage.push('/');
            homepage.push_str(page);
        }
        if let Value::Object(extra) = extra {
            data.extend(extra);
        }
        Value::Object(data)
    }
}

/// On whose behalf something happened, for those who are told.
pub(crate) fn performer(caller: &Caller) -> Map<String, Value> {
    let mut performer = caller.actor().context;
    if let Some(user) = caller.user() {
        performer.insert("entity_id".to_owned(), json!(user.id.0));
        performer.insert("entity_name".to_owned(), json!(user.username));
    }
    performer
}

/// The body of an item.
pub(super) fn item(
    hook: &str,
    data: &Value,
    performer: &Map<String, Value>,
    of_namespace: bool,
) -> String {
    let mut item = json!({
        "notification_uuid": hook,
        "event_data": data,
        "performer_data": performer,
    });
    if of_namespace {
        item["notification_type"] = json!("namespace");
    }
    item.to_string()
}

/// Puts an item into the queue.
pub(super) async fn put(
    conn: &mut Conn,
    queue_name: &str,
    body: &str,
    now: NaiveDateTime,
) -> Result<()> {
    let item = NewItem {
        queue_name,
        body,
        available_after: now,
        retries: TRIES,
        state_id: &Uuid::new_v4().to_string(),
    };
    queue::insert(conn, &item).await?;
    Ok(())
}

/// Queues a delivery for every hook of a repository that waits for an event. `path` is appended to the names of the items.
#[allow(clippy::too_many_arguments, reason = "what an event is made of")]
pub(crate) async fn spawn(
    api: &Api,
    conn: &mut Conn,
    repository: (RepositoryId, &str, &str),
    event: &str,
    data: &Value,
    path: &[&str],
    performer: &Map<String, Value>,
    now: NaiveDateTime,
) -> Result<()> {
    let (id, namespace, name) = repository;
    let Some(kind) = api.enums().find(EnumTable::NotificationEvent, event) else {
        return Ok(());
    };
    let mut parts = vec![namespace, name, event];
    parts.extend(path);
    let queue_name = queue::name(&api.config().queues.notification_queue_name, &parts);
    for hook in notification_hooks::list_for_event(conn, id, kind).await? {
        let body = item(&hook.uuid, data, performer, false);
        put(conn, &queue_name, &body, now).await?;
    }
    Ok(())
}
