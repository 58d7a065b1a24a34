//! Organizations and their teams.

use pierhead_db::enums::{Named, TeamRole};
use pierhead_db::queries::organizations::{self, Team};
use pierhead_db::queries::users::{self, Account, NewAccount};
use pierhead_db::{Conn, TeamId, UserId};
use serde_json::json;

use super::audit::Event;
use super::users::{email_or_uuid, find_person, insert_account};
use super::{Accounts, AccountsError, Actor, Result, names, uuid4};

/// The team that every organization begins with.
const OWNERS: &str = "owners";

/// An organization to be made.
#[derive(Clone, Debug)]
pub struct NewOrganization {
    /// See [`super::MIN_NAME_LEN`]; shared with people.
    pub name: String,
    /// For people who want to reach it.
    pub email: Option<String>,
    /// The person who administers it first.
    pub owner: String,
}

/// A new organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatedOrganization {
    /// The organization.
    pub id: UserId,
    /// Its team `owners`.
    pub owners: TeamId,
    /// The person in it.
    pub owner: UserId,
}

impl Accounts {
    /// Makes an organization with the team `owners`, in which the owner is.
    ///
    /// # Errors
    /// When the name or address is malformed or taken, or there is no such owner.
    pub async fn create_organization(
        &self,
        actor: &Actor,
        new: NewOrganization,
    ) -> Result<CreatedOrganization> {
        names::check_namespace(&new.name)?;
        let email = new.email.filter(|email| !email.is_empty());
        if email.is_some() {
            names::check_email(email.as_deref(), self.config())?;
        }
        let account = NewAccount {
            uuid: uuid4(),
            username: new.name,
            password_hash: None,
            email: email_or_uuid(email.as_deref()),
            verified: false,
            organization: true,
            robot: false,
            removed_tag_expiration_s: self.config().default_tag_expiration_s,
            now: self.now(),
        };
        let (accounts, shared_email, actor) =
            (self.clone(), self.config().org_shared_email, actor.clone());
        let admin = self.id_of(TeamRole::Admin);
        self.write(move |conn| {
            Box::pin(async move {
                let owner = find_person(conn, &new.owner).await?;
                if let Some(email) = &email
                    && !shared_email
                    && users::find_by_email(conn, email).await?.is_some()
                {
                    return Err(AccountsError::EmailTaken(email.clone()));
                }
                let id = insert_account(conn, &account).await?;
                let owners = insert_team(conn, id, &account.username, OWNERS, admin, "").await?;
                organizations::insert_member(conn, owner.id, owners).await?;
                let event = Event {
                    kind: "org_create",
                    account: id,
                    repository: None,
                    metadata: json!({ "email": email, "namespace": account.username }),
                };
                accounts.record(conn, &actor, account.now, event).await?;
                Ok(CreatedOrganization {
                    id,
                    owners,
                    owner: owner.id,
                })
            })
        })
        .await
    }

    /// At most `limit` organizations by name, after a name (the empty one to begin).
    pub async fn list_organizations(&self, after: &str, limit: u32) -> Result<Vec<Account>> {
        Ok(users::list(&mut self.read().await?, true, after, limit.into()).await?)
    }

    /// Makes a team without members.
    ///
    /// # Errors
    /// When the name is malformed or taken in the organization, or there is no such organization.
    pub async fn create_team(
        &self,
        actor: &Actor,
        organization: &str,
        name: &str,
        role: TeamRole,
        description: &str,
    ) -> Result<TeamId> {
        names::check_team(name)?;
        let (accounts, now, actor, organization) = (
            self.clone(),
            self.now(),
            actor.clone(),
            organization.to_owned(),
        );
        let (name, role, description) = (name.to_owned(), self.id_of(role), description.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let org = find_organization(conn, &organization).await?;
                let team =
                    insert_team(conn, org.id, &organization, &name, role, &description).await?;
                let event = Event {
                    kind: "org_create_team",
                    account: org.id,
                    repository: None,
                    metadata: json!({ "team": name }),
                };
                accounts.record(conn, &actor, now, event).await?;
                Ok(team)
            })
        })
        .await
    }

    /// Every team of an organization, by name.
    ///
    /// # Errors
    /// When there is no such organization.
    pub async fn list_teams(&self, organization: &str) -> Result<Vec<Team>> {
        let mut conn = self.read().await?;
        let org = find_organization(&mut conn, organization).await?;
        Ok(organizations::list_teams(&mut conn, org.id).await?)
    }

    /// The names of a team's members.
    ///
    /// # Errors
    /// When there is no such organization or team.
    pub async fn list_team_members(&self, organization: &str, team: &str) -> Result<Vec<String>> {
        let mut conn = self.read().await?;
        let org = find_organization(&mut conn, organization).await?;
        let team = find_team(&mut conn, org.id, organization, team).await?;
        Ok(organizations::list_members(&mut conn, team.id).await?)
    }

    /// Makes a person, or a robot of the organization, a member of a team. Returns who that is.
    ///
    /// # Errors
    /// When somebody of these does not exist, is a member already, or is a robot from elsewhere; or when an external group
    /// decides who is in the team.
    pub async fn add_team_member(
        &self,
        actor: &Actor,
        organization: &str,
        team: &str,
        member: &str,
    ) -> Result<UserId> {
        self.change_member(actor, organization, team, member, true)
            .await
    }

    /// Ends a membership. Returns whose.
    ///
    /// # Errors
    /// When somebody of these does not exist or is not a member, when an external group decides who is in the team, or
    /// when the actor would leave the only team through which they administer the organization.
    pub async fn remove_team_member(
        &self,
        actor: &Actor,
        organization: &str,
        team: &str,
        member: &str,
    ) -> Result<UserId> {
        self.change_member(actor, organization, team, member, false)
            .await
    }

    async fn change_member(
        &self,
        actor: &Actor,
        organization: &str,
        team: &str,
        member: &str,
        add: bool,
    ) -> Result<UserId> {
        let (accounts, now, actor, organization) = (
            self.clone(),
            self.now(),
            actor.clone(),
            organization.to_owned(),
        );
        let (team, member) = (team.to_owned(), member.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let org = find_organization(conn, &organization).await?;
                let found = find_team(conn, org.id, &organization, &team).await?;
                let user = find_member(conn, &organization, &member).await?;
                if !user.robot && organizations::team_is_synced(conn, found.id).await? {
                    return Err(AccountsError::TeamIsSynced(team));
                }
                let kind = if add {
                    if organizations::insert_member(conn, user.id, found.id).await? == 0 {
                        return Err(AccountsError::AlreadyMember { member, team });
                    }
                    "org_add_team_member"
                } else {
                    let leaves =
                        actor.user == Some(user.id) && found.role == TeamRole::Admin.name();
                    let admin_teams =
                        organizations::count_admin_teams(conn, org.id, user.id).await?;
                    if organizations::delete_member(conn, user.id, found.id).await? == 0 {
                        return Err(AccountsError::NotMember { member, team });
                    }
                    if leaves && admin_teams <= 1 {
                        return Err(AccountsError::OnlyAdminTeam);
                    }
                    "org_remove_team_member"
                };
                let event = Event {
                    kind,
                    account: org.id,
                    repository: None,
                    metadata: json!({ "member": member, "team": team }),
                };
                accounts.record(conn, &actor, now, event).await?;
                Ok(user.id)
            })
        })
        .await
    }
}

async fn insert_team(
    conn: &mut Conn,
    id: UserId,
    organization: &str,
    name: &str,
    role: i32,
    description: &str,
) -> Result<TeamId> {
    organizations::insert_team(conn, id, name, role, description)
        .await?
        .ok_or_else(|| AccountsError::TeamExists {
            organization: organization.to_owned(),
            team: name.to_owned(),
        })
}

async fn find_organization(conn: &mut Conn, name: &str) -> Result<Account> {
    users::find(conn, name)
        .await?
        .filter(|account| account.organization)
        .ok_or_else(|| AccountsError::NoSuchOrganization(name.to_owned()))
}

/// The team of that name in the organization with this id and name.
pub(super) async fn find_team(
    conn: &mut Conn,
    id: UserId,
    organization: &str,
    team: &str,
) -> Result<Team> {
    organizations::find_team(conn, id, team)
        .await?
        .ok_or_else(|| AccountsError::NoSuchTeam {
            organization: organization.to_owned(),
            team: team.to_owned(),
        })
}

/// A person, or a robot of the organization.
async fn find_member(conn: &mut Conn, organization: &str, member: &str) -> Result<Account> {
    let account = users::find(conn, member)
        .await?
        .filter(|account| !account.organization)
        .ok_or_else(|| AccountsError::NoSuchUser(member.to_owned()))?;
    if account.robot && !super::robots::belongs_to(&account.username, organization) {
        return Err(AccountsError::ForeignRobot {
            robot: account.username,
            namespace: organization.to_owned(),
        });
    }
    Ok(account)
}

#[cfg(test)]
mod tests;
