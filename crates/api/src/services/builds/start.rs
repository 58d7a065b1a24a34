//! Queueing a build: the builder's token, the row, the item of the queue, an audit row and the notifications, in one
//! transaction.

use pierhead_auth::Repository;
use pierhead_auth::accounts::{Actor, Event};
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::random;
use pierhead_db::enums::{AccessTokenKind, Role};
use pierhead_db::queries::access_tokens::{self, NewAccessToken};
use pierhead_db::queries::builds::{self, NewBuild, PullRobot};
use pierhead_db::queries::queue::{self, NewItem};
use pierhead_db::{Conn, UserId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::services::notifications::{self, About};
use crate::state::Api;
use axum::http::StatusCode;

/// How often a build is tried.
const TRIES: i32 = 3;
/// Longest tag.
const LONGEST_TAG: usize = 127;

/// A build that can be queued.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// For people.
    pub(crate) name: String,
    /// The id of an uploaded build context.
    pub(crate) dockerfile_id: Option<String>,
    /// Where the build context is fetched from.
    pub(crate) archive_url: Option<String>,
    pub(crate) tags: Vec<String>,
    /// The Dockerfile.
    pub(crate) subdirectory: String,
    pub(crate) context: String,
    /// Whether a person asked for it.
    pub(crate) is_manual: bool,
    /// The commit.
    pub(crate) metadata: Map<String, Value>,
    pub(crate) trigger: Option<Trigger>,
}

/// What asked for a build.
#[derive(Clone, Debug)]
pub(crate) struct Trigger {
    /// `repositorybuildtrigger.id`.
    pub(crate) id: i32,
    pub(crate) uuid: String,
    pub(crate) service: String,
    pub(crate) enabled: bool,
    /// A person told it to.
    pub(crate) manual: bool,
}

/// Who asks for a build, and for which repository.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// For the audit row.
    pub(crate) actor: Actor,
    /// For those who are told.
    pub(crate) performer: Map<String, Value>,
    /// The person's name.
    pub(crate) manual_user: Option<String>,
    /// The robot that pulls base images.
    pub(crate) robot: Option<PullRobot>,
}

/// Queues a build; returns its id.
pub(crate) async fn start(
    api: &Api,
    repository: &Repository,
    prepared: Prepared,
    who: Start,
) -> Result<String> {
    if prepared
        .trigger
        .as_ref()
        .is_some_and(|trigger| !trigger.enabled)
    {
        let text = "Build trigger is disabled";
        return Err(Error::message(StatusCode::BAD_REQUEST, text));
    }
    let uuid = Uuid::new_v4().to_string();
    let returned = uuid.clone();
    let tags: Vec<String> = prepared.tags.iter().map(|tag| escape_tag(tag)).collect();
    let (api_in, repository) = (api.clone(), repository.clone());
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                insert(&api_in, conn, &repository, &prepared, &tags, &who, &uuid).await
            })
        })
        .await?;
    Ok(returned)
}

async fn insert(
    api: &Api,
    conn: &mut Conn,
    repository: &Repository,
    prepared: &Prepared,
    tags: &[String],
    who: &Start,
    uuid: &str,
) -> Result<()> {
    let now = api.accounts().now();
    let account = UserId(repository.namespace_id.0);
    let (namespace, name) = (repository.name.namespace(), repository.name.repository());
    let queue_name = &api.config().queues.dockerfile_build_queue_name;
    if let Some(most) = builds::maximum_queued(conn, account).await? {
        let prefix = queue::name(queue_name, &[namespace]);
        if queue::count_alive(conn, &prefix).await? >= i64::from(most) {
            let text = "Maximum queued build rate exceeded.";
            return Err(Error::message(StatusCode::TOO_MANY_REQUESTS, text));
        }
    }
    let code = random::token(random::ACCESS_TOKEN_CODE)?;
    let token = NewAccessToken {
        repository: repository.id,
        role: api.enums().id(Role::Write),
        kind: Some(api.enums().id(AccessTokenKind::BuildWorker)),
        friendly_name: "Repository Build Token",
        temporary: true,
        token_name: &random::token(random::ACCESS_TOKEN_NAME)?,
        token_code: &api
            .cipher()
            .encrypt(EncryptedColumn::ACCESS_TOKEN_CODE, &code)?,
        created: now,
    };
    let access_token = access_tokens::insert(conn, &token).await?;
    let item = NewItem {
        queue_name: &queue::name(queue_name, &[namespace, name]),
        body: &json!({ "build_uuid": uuid, "pull_credentials": pull_credentials(api, who)? })
            .to_string(),
        available_after: now,
        retries: TRIES,
        state_id: &Uuid::new_v4().to_string(),
    };
    let queue_id = queue::insert(conn, &item).await?.to_string();
    let job_config = json!({
        "docker_tags": tags,
        "registry": api.0.config.hostname,
        "build_subdir": prepared.subdirectory,
        "context": prepared.context,
        "trigger_metadata": prepared.metadata,
        "is_manual": prepared.is_manual,
        "manual_user": who.manual_user,
        "archive_url": prepared.archive_url,
    })
    .to_string();
    let build = NewBuild {
        uuid,
        repository: repository.id,
        access_token,
        resource_key: prepared.dockerfile_id.as_deref(),
        job_config: &job_config,
        started: now,
        display_name: &prepared.name,
        trigger: prepared.trigger.as_ref().map(|trigger| trigger.id),
        pull_robot: who.robot.as_ref().map(|robot| robot.id),
        queue_id: &queue_id,
    };
    builds::insert(conn, &build).await?;
    let told = told(repository, prepared, tags, who, uuid);
    let event = Event {
        kind: "build_dockerfile",
        account,
        repository: Some(repository.id),
        metadata: told.clone(),
    };
    api.accounts().record(conn, &who.actor, now, event).await?;
    let subpage = format!("build/{uuid}");
    let data = About::repository(api, namespace, name).with(Some(&subpage), told);
    notifications::spawn(
        api,
        conn,
        (repository.id, namespace, name),
        "build_queued",
        &data,
        &["build", uuid],
        &who.performer,
        now,
    )
    .await
}

/// What the audit log and those who are told learn of the build.
fn told(
    repository: &Repository,
    prepared: &Prepared,
    tags: &[String],
    who: &Start,
    uuid: &str,
) -> Value {
    let mut told = json!({
        "build_id": uuid,
        "docker_tags": tags,
        "repo": repository.name.repository(),
        "namespace": repository.name.namespace(),
        "is_manual": prepared.is_manual,
        "manual_user": who.manual_user,
    });
    if let Some(trigger) = &prepared.trigger {
        told["trigger_id"] = json!(trigger.uuid);
        told["trigger_kind"] = json!(trigger.service);
        told["trigger_metadata"] = json!(prepared.metadata);
        told["trigger_manual"] = json!(trigger.manual);
    }
    told
}

/// How the builder pulls base images.
fn pull_credentials(api: &Api, who: &Start) -> Result<Option<Value>> {
    let Some(robot) = &who.robot else {
        return Ok(None);
    };
    let password = match &robot.token {
        None => None,
        Some(token) => Some(api.cipher().decrypt(EncryptedColumn::ROBOT_TOKEN, token)?),
    };
    Ok(Some(json!({
        "username": robot.username,
        "password": password.as_ref().map(pierhead_db::encoding::Plaintext::expose),
        "registry": format!("{}/v1/", api.0.config.base_url()),
    })))
}

/// A text as a tag: what may not be in one becomes `_`.
fn escape_tag(text: &str) -> String {
    if text.is_empty() {
        return "latest".to_owned();
    }
    let word = |char: char| char.is_ascii_alphanumeric() || char == '_';
    text.chars()
        .enumerate()
        .map(|(place, char)| {
            let fits = word(char) || (place > 0 && matches!(char, '.' | '-'));
            if fits { char } else { '_' }
        })
        .take(LONGEST_TAG)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_becomes_a_tag() {
        assert_eq!(escape_tag("feature/x y"), "feature_x_y");
        assert_eq!(escape_tag("-a.b-c"), "_a.b-c");
        assert_eq!(escape_tag(""), "latest");
        assert_eq!(escape_tag(&"a".repeat(200)).len(), 127);
    }
}
