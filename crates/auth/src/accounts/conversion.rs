//! A person who becomes an organization (api-v1.md §5.1, `POST /user/convert`): the namespace stays, and with it everything in
//! it; the password, the external identities and what the person was permitted go.

use pierhead_db::enums::TeamRole;
use pierhead_db::queries::{organizations, profiles};
use pierhead_db::{Conn, UserId};
use serde_json::json;

use super::audit::Event;
use super::{Accounts, AccountsError, Actor, Result, uuid4};

/// The team that every organization begins with.
const OWNERS: &str = "owners";

impl Accounts {
    /// Makes a person an organization that another person administers.
    ///
    /// # Errors
    /// When one of the two does not exist.
    pub async fn convert_to_organization(
        &self,
        actor: &Actor,
        user: UserId,
        admin: UserId,
    ) -> Result<()> {
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        self.write(move |conn| {
            Box::pin(async move {
                accounts.make_organization(conn, user, admin).await?;
                let event = Event {
                    kind: "account_convert",
                    account: user,
                    repository: None,
                    metadata: json!({}),
                };
                accounts.record(conn, &actor, now, event).await
            })
        })
        .await
    }

    /// The rows of a person who becomes an organization.
    pub(super) async fn make_organization(
        &self,
        conn: &mut Conn,
        user: UserId,
        admin: UserId,
    ) -> Result<()> {
        let role = self.id_of(TeamRole::Admin);
        let profile = profiles::find(conn, user)
            .await?
            .ok_or_else(|| AccountsError::NoSuchUser(user.to_string()))?;
        profiles::to_organization(conn, user, &uuid4()).await?;
        profiles::delete_logins(conn, user).await?;
        profiles::delete_own_permissions(conn, user).await?;
        let owners = organizations::insert_team(conn, user, OWNERS, role, "")
            .await?
            .ok_or_else(|| AccountsError::TeamExists {
                organization: profile.username.clone(),
                team: OWNERS.to_owned(),
            })?;
        organizations::insert_member(conn, admin, owners).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
