//! Invitations to teams: of accounts, and of addresses whose owners may not have an account yet.
//!
//! An account is told by a notification, an address by mail (which the caller sends). Asking again gives the code that the
//! first invitation has, so that every link that was sent works. Who accepts joins every team of the organization to which
//! they were invited, also by their address if it is confirmed.

use pierhead_db::queries::account_refs::AccountRef;
use pierhead_db::queries::organizations::{self, Team};
use pierhead_db::queries::team_invites::{self, Invite};
use pierhead_db::queries::users::{self, Account};
use pierhead_db::{Conn, UserId};
use serde_json::json;

use super::audit::Event;
use super::organizations::find_organization;
use super::teams::{about, find_team};
use super::{Accounts, AccountsError, Actor, Result, names, uuid4};

/// The kind of notification that tells of an invitation.
const NOTIFICATION: &str = "org_team_invite";

/// A team that somebody has joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedTeam {
    /// The team's organization.
    pub organization: String,
    /// The team.
    pub team: String,
}

impl Accounts {
    /// Invites an address to a team; returns the code of the invitation.
    ///
    /// # Errors
    /// When the address is malformed, there is no such organization or team, or an external group decides who is in it.
    pub async fn invite_email(
        &self,
        actor: &Actor,
        organization: &str,
        team: &str,
        email: &str,
    ) -> Result<String> {
        names::check_address(email)?;
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        let (organization, team) = (organization.to_owned(), team.to_owned());
        let email = email.to_owned();
        self.write(move |conn| {
            Box::pin(async move {
                let inviter = actor.user.ok_or(AccountsError::NobodyInvites)?;
                let org = find_organization(conn, &organization).await?;
                let found = find_team(conn, org.id, &organization, &team).await?;
                if accounts.config().team_syncing
                    && organizations::team_is_synced(conn, found.id).await?
                {
                    return Err(AccountsError::TeamIsSynced(team));
                }
                let code = code(conn, &found, None, Some(&email), inviter).await?;
                let metadata = json!({ "email": email, "member": email, "team": team });
                let event = about("org_invite_team_member", &org, metadata);
                accounts.record(conn, &actor, now, event).await?;
                Ok(code)
            })
        })
        .await
    }

    /// Takes back the invitation of an address.
    ///
    /// # Errors
    /// When there is no such organization or team, or the address was not invited.
    pub async fn delete_email_invite(
        &self,
        actor: &Actor,
        organization: &str,
        team: &str,
        email: &str,
    ) -> Result<()> {
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        let (organization, team) = (organization.to_owned(), team.to_owned());
        let email = email.to_owned();
        self.write(move |conn| {
            Box::pin(async move {
                let org = find_organization(conn, &organization).await?;
                let found = find_team(conn, org.id, &organization, &team).await?;
                if team_invites::delete_of_email(conn, found.id, &email).await? == 0 {
                    return Err(AccountsError::NoSuchInvite { email, team });
                }
                let metadata = json!({ "email": email, "member": email, "team": team });
                let event = about("org_delete_team_member_invite", &org, metadata);
                accounts.record(conn, &actor, now, event).await
            })
        })
        .await
    }

    /// Makes a person a member of the team that the code is for, and of every other team of the organization to which
    /// they were invited.
    ///
    /// # Errors
    /// When no invitation has that code, or it is for somebody else.
    pub async fn accept_team_invite(
        &self,
        actor: &Actor,
        user: UserId,
        code: &str,
    ) -> Result<JoinedTeam> {
        let (accounts, now, actor, code) =
            (self.clone(), self.now(), actor.clone(), code.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let invite = find_invite(conn, &code).await?;
                let person = find_user(conn, user).await?;
                let email = person.verified.then_some(person.email.as_str());
                let by_name = invite.user_id == Some(user);
                let by_email = invite.user_id.is_none() && email == invite.email.as_deref();
                if !by_name && !by_email {
                    return Err(for_somebody_else(&invite));
                }
                team_invites::join_teams(conn, invite.organization_id, user, email).await?;
                team_invites::delete_in_organization(conn, invite.organization_id, user, email)
                    .await?;
                let about = ("org", invite.organization.as_str());
                accounts
                    .take_back_about(conn, NOTIFICATION, user, about)
                    .await?;
                let event = outcome("org_team_member_invite_accepted", &invite, &person);
                accounts.record(conn, &actor, now, event).await?;
                Ok(JoinedTeam {
                    organization: invite.organization,
                    team: invite.team,
                })
            })
        })
        .await
    }

    /// Lets a person decline an invitation that names them.
    ///
    /// # Errors
    /// When no invitation has that code, or it does not name them.
    pub async fn decline_team_invite(&self, actor: &Actor, user: UserId, code: &str) -> Result<()> {
        let (accounts, now, actor, code) =
            (self.clone(), self.now(), actor.clone(), code.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let invite = find_invite(conn, &code).await?;
                if invite.user_id != Some(user) {
                    return Err(AccountsError::InvalidInvite);
                }
                let person = find_user(conn, user).await?;
                team_invites::delete(conn, invite.id).await?;
                accounts
                    .take_back_about(conn, NOTIFICATION, user, ("code", &code))
                    .await?;
                let event = outcome("org_team_member_invite_declined", &invite, &person);
                accounts.record(conn, &actor, now, event).await
            })
        })
        .await
    }

    /// Invites an account inside a transaction, and tells it so; returns the code.
    pub(super) async fn invite(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        org: &Account,
        team: &Team,
        invited: &AccountRef,
    ) -> Result<String> {
        let inviter = actor.user.ok_or(AccountsError::NobodyInvites)?;
        let inviter = find_user(conn, inviter).await?;
        let code = code(conn, team, Some(invited.id), None, inviter.id).await?;
        self.take_back_about(conn, NOTIFICATION, invited.id, ("code", &code))
            .await?;
        let metadata = json!({
            "code": code,
            "inviter": inviter.username,
            "org": org.username,
            "team": team.name,
        });
        self.notify(conn, NOTIFICATION, invited.id, &metadata, None)
            .await?;
        Ok(code)
    }
}

/// The code of a new invitation, or of the one that there is.
async fn code(
    conn: &mut Conn,
    team: &Team,
    user: Option<UserId>,
    email: Option<&str>,
    inviter: UserId,
) -> Result<String> {
    if let Some(code) = team_invites::find_code(conn, team.id, user, email).await? {
        return Ok(code);
    }
    let code = format!("urn:teaminvite:{}", uuid4());
    team_invites::insert(conn, user, email, team.id, inviter, &code).await?;
    Ok(code)
}

async fn find_invite(conn: &mut Conn, code: &str) -> Result<Invite> {
    team_invites::find(conn, code)
        .await?
        .ok_or(AccountsError::InvalidInvite)
}

async fn find_user(conn: &mut Conn, user: UserId) -> Result<Account> {
    users::find_by_id(conn, user)
        .await?
        .ok_or_else(|| AccountsError::NoSuchUser(user.to_string()))
}

fn for_somebody_else(invite: &Invite) -> AccountsError {
    let invited = match (&invite.username, &invite.email) {
        (Some(username), _) => format!("user \"{username}\""),
        (None, email) => format!("email \"{}\"", email.as_deref().unwrap_or_default()),
    };
    AccountsError::InviteForSomebodyElse { invited }
}

fn outcome(kind: &'static str, invite: &Invite, person: &Account) -> Event {
    Event {
        kind,
        account: invite.organization_id,
        repository: None,
        metadata: json!({
            "member": person.username,
            "team": invite.team,
            "inviter": invite.inviter,
        }),
    }
}

#[cfg(test)]
mod tests;
