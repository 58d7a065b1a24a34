//! Who is in a team: people, and robots of the organization.
//!
//! Where mail is sent and invitations are asked for, people from outside the organization are invited and join when they
//! accept; everybody else is added at once. The operator at the command line always adds at once.

use pierhead_db::queries::account_refs::{self, AccountRef};
use pierhead_db::queries::organizations::{self, Team};
use pierhead_db::queries::team_invites::{self, PendingInvite};
use pierhead_db::queries::teams;
use pierhead_db::{Conn, TeamId, UserId};
use serde_json::json;

use super::organizations::find_organization;
use super::teams::{about, administers, find_team, is_only_admin_team};
use super::{Accounts, AccountsError, Actor, Result};

/// What asking for a member came to.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The person or robot.
    pub account: AccountRef,
    /// The team.
    pub team: TeamId,
    /// The code of the invitation, where they have to accept first.
    pub invite: Option<String>,
}

/// What ending a membership came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Whose it was.
    pub user: UserId,
    /// They had only been invited.
    pub was_invited: bool,
}

/// A team with everybody in it.
#[derive(Clone, Debug)]
pub struct TeamMembers {
    /// The team.
    pub team: Team,
    /// People and robots, in the order they joined.
    pub members: Vec<AccountRef>,
    /// Who was invited, if that was asked for.
    pub invites: Vec<PendingInvite>,
}

impl Accounts {
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

    /// Everybody in a team, and who was invited if `pending`.
    ///
    /// # Errors
    /// When there is no such organization or team.
    pub async fn team_members(
        &self,
        organization: &str,
        team: &str,
        pending: bool,
    ) -> Result<TeamMembers> {
        let mut conn = self.read().await?;
        let org = find_organization(&mut conn, organization).await?;
        let team = find_team(&mut conn, org.id, organization, team).await?;
        Ok(TeamMembers {
            members: account_refs::list_team(&mut conn, team.id).await?,
            invites: if pending {
                team_invites::list(&mut conn, team.id).await?
            } else {
                Vec::new()
            },
            team,
        })
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
        let joined = self.join(actor, organization, team, member, false).await?;
        Ok(joined.account.id)
    }

    /// Like [`Accounts::add_team_member`], but where the configuration wants it, people from outside the organization are
    /// only invited and told so by a notification.
    ///
    /// # Errors
    /// As for adding.
    pub async fn add_or_invite_team_member(
        &self,
        actor: &Actor,
        organization: &str,
        team: &str,
        member: &str,
    ) -> Result<Joined> {
        let invites = self.config().team_invites;
        self.join(actor, organization, team, member, invites).await
    }

    async fn join(
        &self,
        actor: &Actor,
        organization: &str,
        team: &str,
        member: &str,
        invites: bool,
    ) -> Result<Joined> {
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        let (organization, team) = (organization.to_owned(), team.to_owned());
        let member = member.to_owned();
        self.write(move |conn| {
            Box::pin(async move {
                let org = find_organization(conn, &organization).await?;
                let found = find_team(conn, org.id, &organization, &team).await?;
                let account = find_member(conn, &organization, &member).await?;
                accounts.check_sync(conn, &found, account.robot).await?;
                let invite = if invites
                    && !account.robot
                    && !teams::is_member_of_organization(conn, org.id, account.id).await?
                {
                    let metadata = json!({ "user": member, "member": member, "team": team });
                    let event = about("org_invite_team_member", &org, metadata);
                    let code = accounts
                        .invite(conn, &actor, &org, &found, &account)
                        .await?;
                    accounts.record(conn, &actor, now, event).await?;
                    Some(code)
                } else {
                    if organizations::insert_member(conn, account.id, found.id).await? == 0 {
                        return Err(AccountsError::AlreadyMember { member, team });
                    }
                    let metadata = json!({ "member": member, "team": team });
                    let event = about("org_add_team_member", &org, metadata);
                    accounts.record(conn, &actor, now, event).await?;
                    None
                };
                Ok(Joined {
                    account,
                    team: found.id,
                    invite,
                })
            })
        })
        .await
    }

    /// Takes back an invitation, or else ends a membership. Returns whose.
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
    ) -> Result<Left> {
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        let (organization, team) = (organization.to_owned(), team.to_owned());
        let member = member.to_owned();
        self.write(move |conn| {
            Box::pin(async move {
                let org = find_organization(conn, &organization).await?;
                let found = find_team(conn, org.id, &organization, &team).await?;
                let account = account_refs::find(conn, &member)
                    .await?
                    .ok_or_else(|| AccountsError::NoSuchUser(member.clone()))?;
                accounts.check_sync(conn, &found, account.robot).await?;
                let was_invited =
                    team_invites::delete_of_user(conn, found.id, account.id).await? > 0;
                let event = if was_invited {
                    let metadata = json!({ "user": member, "member": member, "team": team });
                    about("org_delete_team_member_invite", &org, metadata)
                } else {
                    let leaves = actor.user == Some(account.id) && administers(&found);
                    let only = leaves && is_only_admin_team(conn, &actor, &org, &found).await?;
                    if organizations::delete_member(conn, account.id, found.id).await? == 0 {
                        return Err(AccountsError::NotMember { member, team });
                    }
                    if only {
                        return Err(AccountsError::OnlyAdminTeam);
                    }
                    let metadata = json!({ "member": member, "team": team });
                    about("org_remove_team_member", &org, metadata)
                };
                accounts.record(conn, &actor, now, event).await?;
                Ok(Left {
                    user: account.id,
                    was_invited,
                })
            })
        })
        .await
    }

    /// Robots may always be changed; people not where an external group decides.
    async fn check_sync(&self, conn: &mut Conn, team: &Team, robot: bool) -> Result<()> {
        if self.config().team_syncing
            && !robot
            && organizations::team_is_synced(conn, team.id).await?
        {
            return Err(AccountsError::TeamIsSynced(team.name.clone()));
        }
        Ok(())
    }
}

/// A person, or a robot of the organization.
async fn find_member(conn: &mut Conn, organization: &str, member: &str) -> Result<AccountRef> {
    let account = account_refs::find(conn, member)
        .await?
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
