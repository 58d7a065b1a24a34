//! Repositories: making them (also inside the transaction of a push), visibility, state, removal.

use chrono::{Days, NaiveDateTime};
use pierhead_db::enums::{Named, RepositoryKind, Role, Visibility};
use pierhead_db::queries::repositories::{self, Repository};
use pierhead_db::queries::{queue, repository_permissions, repository_views};
use pierhead_db::{Conn, NamespaceId, RepositoryId, UserId};
use serde_json::{Value, json};

use super::audit::Event;
use super::users::find_namespace;
use super::{Accounts, AccountsError, Actor, Result, names, uuid4};

/// The queue of builds, which end with their repository.
const BUILD_QUEUE: &str = "dockerfilebuild";
/// Attempts that a queue item has, as in Quay.
const QUEUE_RETRIES: i32 = 5;

/// The states that an administrator may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SettableState {
    /// Everybody with the right may write.
    Normal,
    /// Nobody may write.
    ReadOnly,
    /// Only the repository's mirror may write.
    Mirror,
}

impl SettableState {
    /// Quay's name of it, as in the API and the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "NORMAL",
            Self::ReadOnly => "READ_ONLY",
            Self::Mirror => "MIRROR",
        }
    }

    fn number(self) -> i32 {
        match self {
            Self::Normal => repositories::STATE_NORMAL,
            Self::ReadOnly => repositories::STATE_READ_ONLY,
            Self::Mirror => repositories::STATE_MIRROR,
        }
    }
}

/// A repository to be made.
#[derive(Clone, Debug)]
pub struct NewRepository {
    /// The person or organization it belongs to.
    pub namespace: String,
    /// Without the namespace.
    pub name: String,
    /// Who may read it.
    pub visibility: Visibility,
    /// Markdown.
    pub description: Option<String>,
    /// The person or robot who makes it and gets [`NewRepository::creator_role`]; nobody for the operator.
    pub creator: Option<UserId>,
    /// Admin, except for repositories that a proxy cache makes: read.
    pub creator_role: Role,
}

/// A repository that was made, or was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatedRepository {
    /// The repository.
    pub id: RepositoryId,
    /// The owner.
    pub namespace: NamespaceId,
    /// Whether it was there before.
    pub existed: bool,
}

/// A repository that was changed: what caches know it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryRef {
    /// The repository.
    pub id: RepositoryId,
    /// The owner.
    pub namespace_id: NamespaceId,
    /// The owner's name.
    pub namespace: String,
    /// Without the namespace; what it was called before, if it was removed.
    pub name: String,
}

impl From<Repository> for RepositoryRef {
    fn from(repository: Repository) -> Self {
        Self {
            id: repository.id,
            namespace_id: repository.namespace_id,
            namespace: repository.namespace,
            name: repository.name,
        }
    }
}

/// What can be set of a repository by itself.
#[derive(Clone, Copy)]
enum Setting {
    Visibility(Visibility),
    State(SettableState),
    Trust(bool),
}

impl Accounts {
    /// Makes a repository.
    ///
    /// # Errors
    /// When the name is malformed or taken, or there is no such namespace.
    pub async fn create_repository(
        &self,
        actor: &Actor,
        new: NewRepository,
    ) -> Result<CreatedRepository> {
        let (accounts, actor) = (self.clone(), actor.clone());
        self.write(move |conn| {
            Box::pin(async move {
                let created = accounts
                    .find_or_create_repository(conn, &actor, &new)
                    .await?;
                if created.existed {
                    return Err(AccountsError::RepositoryExists {
                        namespace: new.namespace,
                        name: new.name,
                    });
                }
                Ok(created)
            })
        })
        .await
    }

    /// The same inside the caller's transaction, for create-on-push; a repository that is there is left as it is.
    ///
    /// # Errors
    /// When the name is malformed, or there is no such namespace.
    pub async fn find_or_create_repository(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        new: &NewRepository,
    ) -> Result<CreatedRepository> {
        names::check_repository(&new.namespace, &new.name, self.config())?;
        let owner = find_namespace(conn, &new.namespace).await?;
        let namespace = NamespaceId(owner.id.0);
        let row = repositories::NewRepository {
            namespace,
            name: &new.name,
            visibility: self.id_of(new.visibility),
            kind: self.id_of(RepositoryKind::Image),
            description: new.description.as_deref(),
            badge_token: &uuid4(),
        };
        let Some(id) = repositories::insert(conn, &row).await? else {
            // The insert waited for whoever was first, so the other's row is visible now.
            let id = repositories::find_in_namespace(conn, namespace, &new.name)
                .await?
                .ok_or_else(|| no_such(&new.namespace, &new.name))?;
            return Ok(CreatedRepository {
                id,
                namespace,
                existed: true,
            });
        };
        let now = self.now();
        let today = now.date();
        let yesterday = today.checked_sub_days(Days::new(1)).unwrap_or(today);
        repositories::insert_action_count(conn, id, yesterday).await?;
        repositories::insert_search_score(conn, id).await?;
        if let Some(creator) = new.creator {
            let role = self.id_of(new.creator_role);
            repository_permissions::put_user(conn, creator, id, role).await?;
            if creator != owner.id {
                apply_default_permissions(conn, namespace, id, creator).await?;
            }
        }
        let event = Event {
            kind: "create_repo",
            account: owner.id,
            repository: Some(id),
            metadata: json!({ "repo": new.name, "namespace": new.namespace }),
        };
        self.record(conn, actor, now, event).await?;
        Ok(CreatedRepository {
            id,
            namespace,
            existed: false,
        })
    }

    /// Makes a repository public or private.
    ///
    /// # Errors
    /// When there is no such repository.
    pub async fn set_visibility(
        &self,
        actor: &Actor,
        namespace: &str,
        name: &str,
        visibility: Visibility,
    ) -> Result<RepositoryRef> {
        self.set(actor, namespace, name, Setting::Visibility(visibility))
            .await
    }

    /// Decides who may write to a repository. A mirror's configuration is left as it is.
    ///
    /// # Errors
    /// When there is no such repository, or an organization mirror manages it.
    pub async fn set_state(
        &self,
        actor: &Actor,
        namespace: &str,
        name: &str,
        state: SettableState,
    ) -> Result<RepositoryRef> {
        self.set(actor, namespace, name, Setting::State(state))
            .await
    }

    /// Switches content trust of a repository on or off.
    ///
    /// # Errors
    /// When there is no such repository.
    pub async fn set_trust(
        &self,
        actor: &Actor,
        namespace: &str,
        name: &str,
        enabled: bool,
    ) -> Result<RepositoryRef> {
        self.set(actor, namespace, name, Setting::Trust(enabled))
            .await
    }

    /// A setting of a repository and its audit row.
    async fn set(
        &self,
        actor: &Actor,
        namespace: &str,
        name: &str,
        setting: Setting,
    ) -> Result<RepositoryRef> {
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let found = find_repository(conn, &namespace, &name).await?;
                let (kind, key, value) = match setting {
                    Setting::Visibility(visibility) => {
                        let id = accounts.id_of(visibility);
                        repositories::set_visibility(conn, found.id, id).await?;
                        let value = json!(visibility.name());
                        ("change_repo_visibility", "visibility", value)
                    }
                    Setting::State(state) => {
                        if accounts.config().org_mirror
                            && repositories::namespace_is_mirrored(conn, found.namespace_id).await?
                        {
                            let name = format!("{namespace}/{name}");
                            return Err(AccountsError::StateIsManaged(name));
                        }
                        repositories::set_state(conn, found.id, state.number()).await?;
                        let value = json!(state.as_str());
                        ("change_repo_state", "state_changed", value)
                    }
                    Setting::Trust(enabled) => {
                        repositories::set_trust(conn, found.id, enabled).await?;
                        ("change_repo_trust", "trust_enabled", json!(enabled))
                    }
                };
                let event = about(kind, &found, &[(key, value)]);
                accounts.record(conn, &actor, now, event).await?;
                Ok(found.into())
            })
        })
        .await
    }

    /// Sets the description of a repository.
    ///
    /// # Errors
    /// When there is no such repository.
    pub async fn set_description(
        &self,
        actor: &Actor,
        namespace: &str,
        name: &str,
        description: &str,
    ) -> Result<RepositoryRef> {
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        let description = description.to_owned();
        self.write(move |conn| {
            Box::pin(async move {
                let found = find_repository(conn, &namespace, &name).await?;
                repository_views::set_description(conn, found.id, &description).await?;
                let keys = [("description", json!(description))];
                let event = about("set_repo_description", &found, &keys);
                accounts.record(conn, &actor, now, event).await?;
                Ok(found.into())
            })
        })
        .await
    }

    /// Stars a repository for somebody, or takes the star back. Nothing is written down of it, as in Quay. Whether there is
    /// such a repository.
    pub async fn set_star(
        &self,
        user: UserId,
        namespace: &str,
        name: &str,
        starred: bool,
    ) -> Result<bool> {
        let now = self.now();
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let Some(found) = repositories::find(conn, &namespace, &name).await? else {
                    return Ok(false);
                };
                if starred {
                    repository_views::star(conn, user, found.id, now).await?;
                } else {
                    repository_views::unstar(conn, user, found.id).await?;
                }
                Ok(true)
            })
        })
        .await
    }

    /// Removes a repository from sight at once; a worker collects what it held. Its name is free again.
    ///
    /// # Errors
    /// When there is no such repository.
    pub async fn delete_repository(
        &self,
        actor: &Actor,
        namespace: &str,
        name: &str,
    ) -> Result<RepositoryRef> {
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let found = find_repository(conn, &namespace, &name).await?;
                repositories::delete_stars(conn, found.id).await?;
                if repositories::mark_deleted(conn, found.id, &uuid4()).await? == 0 {
                    return Err(no_such(&namespace, &name));
                }
                queue_removal(conn, &found, now).await?;
                let builds = queue::name(BUILD_QUEUE, &[&found.namespace, &found.name]);
                queue::delete_all(conn, &builds).await?;
                let mut event = about("delete_repo", &found, &[]);
                event.repository = None;
                accounts.record(conn, &actor, now, event).await?;
                Ok(found.into())
            })
        })
        .await
    }

    /// A repository by name.
    ///
    /// # Errors
    /// When there is no such repository.
    pub async fn repository(&self, namespace: &str, name: &str) -> Result<Repository> {
        find_repository(&mut self.read().await?, namespace, name).await
    }

    /// At most `limit` repositories of a namespace by name, after a name (the empty one to begin).
    ///
    /// # Errors
    /// When there is no such namespace.
    pub async fn list_repositories(
        &self,
        namespace: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Repository>> {
        let mut conn = self.read().await?;
        let owner = find_namespace(&mut conn, namespace).await?;
        let owner = NamespaceId(owner.id.0);
        Ok(repositories::list_namespace(&mut conn, owner, after, limit.into()).await?)
    }

    /// At most `limit` repositories of all namespaces in the order they were made, after one of them.
    pub async fn list_all_repositories(
        &self,
        after: Option<RepositoryId>,
        limit: u32,
    ) -> Result<Vec<Repository>> {
        let after = after.unwrap_or(RepositoryId(0));
        Ok(repositories::list_all(&mut self.read().await?, after, limit.into()).await?)
    }
}

/// Gives a new repository the default permissions of its organization. One that is meant for the creator's repositories
/// goes before one that is meant for everybody's; the creator has the better role already.
async fn apply_default_permissions(
    conn: &mut Conn,
    namespace: NamespaceId,
    repository: RepositoryId,
    creator: UserId,
) -> Result<()> {
    // They come in rising order of precedence, and the last one written stays.
    for prototype in repository_permissions::prototypes(conn, namespace, creator).await? {
        match (prototype.delegate_user_id, prototype.delegate_team_id) {
            (Some(user), None) if user != creator => {
                repository_permissions::put_user(conn, user, repository, prototype.role_id).await?;
            }
            (None, Some(team)) => {
                repository_permissions::put_team(conn, team, repository, prototype.role_id).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Marker and queue item refer to each other (database.md §4.12, §4.15).
async fn queue_removal(conn: &mut Conn, found: &Repository, now: NaiveDateTime) -> Result<()> {
    let marker = repositories::insert_deleted_marker(conn, found.id, now, &found.name).await?;
    let queue_name = format!("repositorygc/{}/{}/", found.namespace, found.id);
    let body = json!({ "marker_id": marker, "original_name": found.name }).to_string();
    let item =
        repositories::insert_queue_item(conn, &queue_name, &body, now, QUEUE_RETRIES, &uuid4())
            .await?;
    repositories::set_marker_queue_id(conn, marker, &item.to_string()).await?;
    Ok(())
}

/// The repository of that name, unless it is marked for deletion.
pub(super) async fn find_repository(
    conn: &mut Conn,
    namespace: &str,
    name: &str,
) -> Result<Repository> {
    repositories::find(conn, namespace, name)
        .await?
        .ok_or_else(|| no_such(namespace, name))
}

/// An audit event about a repository, with keys beside its names.
pub(super) fn about(kind: &'static str, found: &Repository, keys: &[(&str, Value)]) -> Event {
    let mut metadata = json!({ "repo": found.name, "namespace": found.namespace });
    for (key, value) in keys {
        metadata[*key] = value.clone();
    }
    Event {
        kind,
        account: UserId(found.namespace_id.0),
        repository: Some(found.id),
        metadata,
    }
}

fn no_such(namespace: &str, name: &str) -> AccountsError {
    AccountsError::NoSuchRepository {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
