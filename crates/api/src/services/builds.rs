//! Builds of images: lists, requests, cancelling, logs (api-v1.md §5.18). A build is a row and an item of the queue that Quay's
//! builders read; as in a Quay without a builder it waits there until somebody cancels it.

use chrono::NaiveDateTime;
use pierhead_auth::accounts::{Actor, Event};
use pierhead_auth::{Repository, Role};
use pierhead_db::encoding::json_text;
use pierhead_db::queries::builds::{self, Build, PHASE_CANCELLED, PHASE_WAITING};
use pierhead_db::queries::queue;
use pierhead_db::{Conn, UserId};
use pierhead_oci::RepositoryName;
use serde_json::{Map, Value, json};

use super::notifications::{self, About};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::state::Api;

mod request;
mod start;

pub(crate) use request::{BuildRequest, prepare, robot_of_namespace};
pub(crate) use start::{Prepared, Start, Trigger, start};

/// Most builds of one answer.
const MOST: i64 = 100;

/// The phase of a build that a builder lost.
const INTERNAL_ERROR: &str = "internalerror";
/// What is shown of one that is not tried again.
const EXPIRED: &str = "expired";

/// What somebody may see of a repository's builds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    /// The repository is public.
    pub(crate) public: bool,
    /// May read it even if it were not public: who only sees it because everybody does is not told where its source is.
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) admin: bool,
}

impl Sight {
    /// Of somebody with rights on a repository by that name.
    pub(crate) async fn of(
        api: &Api,
        caller: &Caller,
        namespace: &str,
        name: &str,
    ) -> Result<Self> {
        let Ok(name) = RepositoryName::new(namespace, name) else {
            return Ok(Self::default());
        };
        let rights = api
            .auth()
            .repository_rights(caller.credential(), &name)
            .await?;
        let public = rights.repository.as_ref().is_some_and(|found| found.public);
        let may = |role| rights.role >= Some(role) || caller.has_full_access();
        Ok(Self {
            public,
            read: may(Role::Read),
            write: may(Role::Write),
            admin: may(Role::Admin),
        })
    }
}

/// A build as it is now.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) build: Build,
    /// How far it is.
    pub(crate) phase: String,
    pub(crate) job_config: Map<String, Value>,
}

/// A part of a build's log.
#[derive(Clone, Debug)]
pub(crate) enum BuildLogs {
    /// It lies in the archive.
    Archived {
        /// Where to fetch it.
        url: String,
    },
    /// It is being written.
    Running {
        /// Which line the part begins with.
        start: i64,
    },
}

/// A repository's builds, newest first.
pub(crate) async fn list(
    api: &Api,
    repository: &Repository,
    since: NaiveDateTime,
    limit: i64,
) -> Result<Vec<Shown>> {
    let mut conn = api.db().read().await?;
    let limit = limit.clamp(0, MOST);
    let found = builds::list(&mut conn, repository.id, since, limit).await?;
    show(&mut conn, found).await
}

/// The builds that a trigger asked for, newest first.
pub(crate) async fn list_of_trigger(
    api: &Api,
    repository: &Repository,
    trigger: i32,
    limit: i64,
) -> Result<Vec<Shown>> {
    let mut conn = api.db().read().await?;
    let limit = limit.clamp(0, MOST);
    let found = builds::list_of_trigger(&mut conn, repository.id, trigger, limit).await?;
    show(&mut conn, found).await
}

/// A build of a repository; 404 when it has none of that id.
pub(crate) async fn find(api: &Api, repository: &Repository, uuid: &str) -> Result<Shown> {
    match find_anywhere(api, uuid).await? {
        Some(found) if found.build.repository_id == repository.id => Ok(found),
        _ => Err(Error::not_found()),
    }
}

/// The same, except that an id that no repository has is a malformed request, as in Quay where only a part of a build is asked
/// for.
pub(crate) async fn located(api: &Api, repository: &Repository, uuid: &str) -> Result<Shown> {
    match find_anywhere(api, uuid).await? {
        Some(found) if found.build.repository_id == repository.id => Ok(found),
        Some(_) => Err(Error::not_found()),
        None => Err(Error::bad_request(format!(
            "Unable to locate a build by id: {uuid}"
        ))),
    }
}

/// The build with that id.
pub(crate) async fn find_anywhere(api: &Api, uuid: &str) -> Result<Option<Shown>> {
    let mut conn = api.db().read().await?;
    let found = builds::find(&mut conn, uuid).await?;
    Ok(show(&mut conn, found.into_iter().collect()).await?.pop())
}

/// Finds out how far builds are. One statement more if a builder has lost one of them.
async fn show(conn: &mut Conn, found: Vec<Build>) -> Result<Vec<Shown>> {
    let queue_id = |build: &Build| build.queue_id.as_ref()?.parse::<i32>().ok();
    let lost: Vec<i32> = found
        .iter()
        .filter(|build| build.phase == INTERNAL_ERROR)
        .filter_map(queue_id)
        .collect();
    let tried_again = queue::with_retries(conn, &lost).await?;
    Ok(found
        .into_iter()
        .map(|build| {
            let again = queue_id(&build).is_some_and(|id| tried_again.contains(&id));
            let expired = build.phase == INTERNAL_ERROR && !again;
            Shown {
                phase: if expired {
                    EXPIRED.to_owned()
                } else {
                    build.phase.clone()
                },
                job_config: json_text::read(Some(&build.job_config)).unwrap_or_default(),
                build,
            }
        })
        .collect())
}

/// A build's log.
pub(crate) fn logs(api: &Api, shown: &Shown, start: i64) -> BuildLogs {
    if shown.build.logs_archived {
        let url = format!(
            "{}/logarchive/{}",
            api.0.config.base_url(),
            shown.build.uuid
        );
        return BuildLogs::Archived { url };
    }
    BuildLogs::Running { start }
}

/// Calls a build off that still waits.
pub(crate) async fn cancel(
    api: &Api,
    caller: &Caller,
    repository: &Repository,
    uuid: String,
) -> Result<()> {
    let found = find(api, repository, &uuid).await?;
    let too_late = || Error::invalid_request("Build is currently running or has finished");
    let queue_id = found
        .build
        .queue_id
        .as_ref()
        .and_then(|id| id.parse::<i32>().ok());
    let Some(queue_id) = queue_id.filter(|_| found.build.phase == PHASE_WAITING) else {
        return Err(too_late());
    };
    let (actor, performer) = (caller.actor(), notifications::performer(caller));
    let (api_in, now) = (api.clone(), api.accounts().now());
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let build = &found.build;
                if queue::delete(conn, queue_id).await? == 0 {
                    return Err(too_late());
                }
                let changed =
                    builds::change_phase(conn, build.id, PHASE_WAITING, PHASE_CANCELLED).await?;
                if changed == 0 {
                    return Err(too_late());
                }
                let about = About::repository(&api_in, &build.namespace, &build.name);
                let subpage = format!("build/{uuid}");
                let data = about.with(Some(&subpage), cancelled(&found));
                let repository = (build.repository_id, &*build.namespace, &*build.name);
                notifications::spawn(
                    &api_in,
                    conn,
                    repository,
                    "build_cancelled",
                    &data,
                    &["build", &uuid],
                    &performer,
                    now,
                )
                .await?;
                let event = Event {
                    kind: "cancel_build",
                    account: namespace_of(conn, build).await?,
                    repository: Some(build.repository_id),
                    metadata: json!({ "build_uuid": uuid }),
                };
                api_in.accounts().record(conn, &actor, now, event).await?;
                Ok(())
            })
        })
        .await
}

/// What is told of a build that was called off.
fn cancelled(found: &Shown) -> Value {
    let config = |key: &str| found.job_config.get(key).cloned();
    json!({
        "build_id": found.build.uuid,
        "build_name": found.build.display_name,
        "docker_tags": config("docker_tags").unwrap_or_else(|| json!(["latest"])),
        "trigger_id": found.build.trigger_uuid,
        "trigger_kind": found.build.trigger_service,
        "trigger_metadata": config("trigger_metadata").unwrap_or_else(|| json!({})),
    })
}

/// The namespace whose log a build belongs to.
async fn namespace_of(conn: &mut Conn, build: &Build) -> Result<UserId> {
    pierhead_db::queries::users::find(conn, &build.namespace)
        .await?
        .map(|account| account.id)
        .ok_or_else(Error::not_found)
}

/// Nobody in particular: builds are recorded without the one who asked for them, as Quay does.
pub(crate) fn unnamed(caller: &Caller) -> Actor {
    Actor {
        ip: caller.actor().ip,
        ..Actor::default()
    }
}
