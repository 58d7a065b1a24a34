//! Notifications of a push: what Quay's worker takes out of its queue and sends to the hooks of the repository.
//!
//! Each hook (`repositorynotification`) of the event `repo_push` gets an item of its own in `queueitem`, in the transaction of
//! the push: either both are there or none. Item and body are Quay's (`<queue>/<namespace>/<repository>/repo_push/`), so that
//! a worker of either can send it. A push that moves several tags is one notification that names them all. Who pushed with a
//! token of an OAuth application is named with the token's id, not with its application.

use std::sync::Arc;

use chrono::NaiveDateTime;
use pierhead_auth::{Bearer, Repository};
use pierhead_db::Conn;
use pierhead_db::queries::principals::CredentialTable;
use pierhead_db::queries::queue::{self, NewItem};
use serde_json::{Map, Value, json};

use crate::audit::Event;
use crate::config::RegistryConfig;
use crate::error::Result;
use crate::state::Registry;

/// Name of the event, in `externalnotificationevent` and in the path of its items.
pub(crate) const REPO_PUSH: &str = "repo_push";

/// How often a worker may try to send it.
const RETRIES: i32 = 5;

/// Makes the notifications of one push.
#[derive(Clone, Debug)]
pub(crate) struct PushNotifier {
    registry: Registry,
    repository: Arc<Repository>,
    bearer: Arc<Bearer>,
}

impl PushNotifier {
    /// For the push that this event is about.
    pub(crate) fn new(registry: &Registry, event: &Event) -> Self {
        Self {
            registry: registry.clone(),
            repository: event.repository.clone(),
            bearer: event.bearer.clone(),
        }
    }

    /// Queues a notification of these tags for each of the hooks, which are given by their `uuid`. Returns how many.
    pub(crate) async fn queue(
        &self,
        conn: &mut Conn,
        hooks: &[String],
        tags: &[String],
        now: NaiveDateTime,
    ) -> Result<u64> {
        if hooks.is_empty() {
            return Ok(0);
        }
        let config = &self.registry.config;
        let name = &self.repository.name;
        let path = [name.namespace(), name.repository(), REPO_PUSH];
        let queue_name = queue::name(&config.notification_queue, &path);
        let (event_data, performer_data) = (self.event_data(config, tags), self.performer_data());
        let bodies: Vec<(String, String)> = hooks
            .iter()
            .map(|uuid| {
                let body = json!({
                    "notification_uuid": uuid,
                    "event_data": event_data,
                    "performer_data": performer_data,
                });
                (body.to_string(), uuid::Uuid::new_v4().to_string())
            })
            .collect();
        let items: Vec<NewItem<'_>> = bodies
            .iter()
            .map(|(body, state_id)| NewItem {
                queue_name: &queue_name,
                body,
                available_after: now,
                retries: RETRIES,
                state_id,
            })
            .collect();
        Ok(queue::insert_all(conn, &items).await?)
    }

    fn event_data(&self, config: &RegistryConfig, tags: &[String]) -> Value {
        let name = &self.repository.name;
        json!({
            "repository": name.to_string(),
            "namespace": name.namespace(),
            "name": name.repository(),
            "docker_url": format!("{}/{name}", config.hostname),
            "homepage": format!("{}://{}/repository/{name}", config.scheme, config.hostname),
            "updated_tags": tags,
        })
    }

    fn performer_data(&self) -> Value {
        let mut data = Map::new();
        if let Some(subject) = self.bearer.subject() {
            if subject.credential.table == CredentialTable::OAuthToken {
                data.insert("oauth_token_id".to_owned(), json!(subject.credential.row));
            }
            if let Some(user) = subject.user_id {
                data.insert("entity_id".to_owned(), json!(user.0));
                data.insert("entity_name".to_owned(), json!(subject.name));
            }
        }
        Value::Object(data)
    }
}
