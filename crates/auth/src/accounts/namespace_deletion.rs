//! Deleting a namespace, a person's or an organization's: it is out of sight at once, and a worker collects what it held
//! (database.md §4.15).
//!
//! Its name stays reserved until that is done. Where the configuration gives the namespace a grace period, everything
//! linked to it is kept, so that an operator can bring it back.

use chrono::{NaiveDateTime, TimeDelta};
use pierhead_db::queries::users::Account;
use pierhead_db::queries::{namespace_deletion, repositories};
use pierhead_db::{Conn, UserId};
use serde_json::json;

use super::audit::Event;
use super::organizations::find_organization;
use super::users::find_person;
use super::{Accounts, AccountsError, Actor, Result, uuid4};

/// Attempts that a queue item has, as in Quay.
const QUEUE_RETRIES: i32 = 5;

/// The queues that hold work of namespaces, by their configured names.
#[derive(Clone, Debug)]
pub struct QueueNames {
    /// `NAMESPACE_GC_QUEUE_NAME`: namespaces to collect.
    pub namespace_gc: String,
    /// `DOCKERFILE_BUILD_QUEUE_NAME`, `NOTIFICATION_QUEUE_NAME` and `REPOSITORY_GC_QUEUE_NAME`: what waits there for a
    /// namespace goes with it.
    pub of_namespaces: Vec<String>,
}

impl Default for QueueNames {
    fn default() -> Self {
        Self {
            namespace_gc: "namespacegc".to_owned(),
            of_namespaces: ["dockerfilebuild", "notification", "repositorygc"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

impl Accounts {
    /// Deletes an organization with its teams, robots, applications and repositories. With `force`, as superusers do it, there
    /// is no grace period. Its id is left to drop caches by.
    ///
    /// # Errors
    /// When there is no such organization.
    pub async fn delete_organization(
        &self,
        actor: &Actor,
        name: &str,
        force: bool,
    ) -> Result<UserId> {
        let (accounts, now, actor, name) =
            (self.clone(), self.now(), actor.clone(), name.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let org = find_organization(conn, &name).await?;
                let event = Event {
                    kind: "org_delete",
                    account: org.id,
                    repository: None,
                    metadata: json!({ "namespace": name }),
                };
                accounts.record(conn, &actor, now, event).await?;
                accounts.delete_namespace(conn, &org, now, force).await?;
                Ok(org.id)
            })
        })
        .await
    }

    /// Deletes a person with their robots and repositories. With `force`, as superusers do it, there is no grace period,
    /// and organizations that they alone administer are left without an administrator.
    ///
    /// # Errors
    /// When there is no such person, or they alone administer organizations.
    pub async fn delete_user(&self, actor: &Actor, name: &str, force: bool) -> Result<UserId> {
        let (accounts, now, actor, name) =
            (self.clone(), self.now(), actor.clone(), name.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let user = find_person(conn, &name).await?;
                if !force {
                    let organizations =
                        namespace_deletion::solely_administered(conn, user.id).await?;
                    if !organizations.is_empty() {
                        return Err(AccountsError::AdministersAlone {
                            user: name,
                            organizations,
                        });
                    }
                }
                let event = Event {
                    kind: "user_delete",
                    account: user.id,
                    repository: None,
                    metadata: json!({ "username": name }),
                };
                accounts.record(conn, &actor, now, event).await?;
                accounts.delete_namespace(conn, &user, now, force).await?;
                Ok(user.id)
            })
        })
        .await
    }

    async fn delete_namespace(
        &self,
        conn: &mut Conn,
        namespace: &Account,
        now: NaiveDateTime,
        force: bool,
    ) -> Result<()> {
        let grace = if force {
            TimeDelta::zero()
        } else {
            self.grace_period(&namespace.username)
        };
        for queue in &self.config().queues.of_namespaces {
            namespace_deletion::delete_queued(conn, queue, &namespace.username).await?;
        }
        if grace.is_zero() {
            if namespace.organization {
                namespace_deletion::unlink_organization(conn, namespace.id).await?;
            }
            namespace_deletion::unlink_namespace(conn, namespace.id).await?;
            let robots = format!("{}+", namespace.username);
            namespace_deletion::unlink_robots(conn, &robots).await?;
        }
        let (name, email) = (&namespace.username, &namespace.email);
        let marker =
            namespace_deletion::insert_marker(conn, namespace.id, now, name, email).await?;
        namespace_deletion::hide(conn, namespace.id, &uuid4(), &uuid4(), &uuid4()).await?;
        let queue = format!("{}/{}/", self.config().queues.namespace_gc, namespace.id);
        let body = json!({ "marker_id": marker, "original_username": name }).to_string();
        let at = now.checked_add_signed(grace).unwrap_or(NaiveDateTime::MAX);
        let item =
            repositories::insert_queue_item(conn, &queue, &body, at, QUEUE_RETRIES, &uuid4())
                .await?;
        namespace_deletion::set_marker_queue_id(conn, marker, &item.to_string()).await?;
        Ok(())
    }

    fn grace_period(&self, namespace: &str) -> TimeDelta {
        let config = self.config();
        if config
            .deletion_grace_namespaces
            .iter()
            .any(|name| name == namespace)
        {
            config.deletion_grace
        } else {
            TimeDelta::zero()
        }
    }
}

#[cfg(test)]
mod tests;
