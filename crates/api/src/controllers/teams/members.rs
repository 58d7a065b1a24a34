//! Who is in a team.

use axum::extract::State;
use pierhead_auth::accounts::{AccountRef, AccountsError, PendingInvite};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::invites;
use crate::error::{Error, Result};
use crate::extract::{Path, Query, query};
use crate::guard::{InOrganization, OrgAdmin, TeamViewer};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::services::users;
use crate::state::Api;
use crate::views::avatar::{Avatar, Of};

/// The routes of team members.
pub(super) fn routes() -> Routes {
    Routes::tagged("team")
        .add(route!(get_organization_team_members))
        .add(route!(update_organization_team_member))
        .add(route!(delete_organization_team_member))
}

/// A member of a team in a path.
#[derive(Debug, Deserialize)]
struct MemberPath {
    teamname: String,
    membername: String,
}

/// What to list.
#[derive(Debug, Deserialize)]
struct Listing {
    #[serde(default, rename = "includePending", deserialize_with = "query::flag")]
    include_pending: bool,
}

/// A team with everybody in it.
#[derive(Debug, Serialize, ToSchema)]
struct TeamMembersView {
    /// The team.
    name: String,
    /// People and robots, then who was invited.
    members: Vec<MemberOrInvite>,
    /// The caller may change who is in it.
    can_edit: bool,
}

/// Somebody in a team, or invited to it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum MemberOrInvite {
    /// An account.
    Member(TeamMemberView),
    /// An address.
    Invite(EmailInviteView),
}

/// Somebody in a team, or invited to it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TeamMemberView {
    /// Their name.
    name: String,
    /// `user`, of robots too.
    #[schema(value_type = String)]
    kind: &'static str,
    /// It is a robot.
    is_robot: bool,
    /// What a client draws their picture from.
    avatar: Avatar,
    /// They have not accepted yet.
    invited: bool,
}

/// An address that was invited.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EmailInviteView {
    /// The address.
    email: String,
    /// `invite`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// What a client draws a picture from.
    avatar: Avatar,
    /// Always.
    invited: bool,
}

impl TeamMemberView {
    fn of(api: &Api, account: AccountRef, invited: bool) -> Self {
        Self {
            avatar: api.account_avatar(&account),
            name: account.username,
            kind: "user",
            is_robot: account.robot,
            invited,
        }
    }
}

impl EmailInviteView {
    pub(super) fn of(api: &Api, email: String) -> Self {
        Self {
            avatar: api.avatar(Of::User, &email, Some(&email)),
            email,
            kind: "invite",
            invited: true,
        }
    }
}

impl MemberOrInvite {
    fn pending(api: &Api, invite: PendingInvite) -> Self {
        match invite.username {
            Some(name) => {
                let robot = invite.robot.unwrap_or_default();
                let of = if robot { Of::Robot } else { Of::User };
                Self::Member(TeamMemberView {
                    avatar: api.avatar(of, &name, invite.account_email.as_deref()),
                    name,
                    kind: "user",
                    is_robot: robot,
                    invited: true,
                })
            }
            None => Self::Invite(EmailInviteView::of(api, invite.email.unwrap_or_default())),
        }
    }
}

/// Retrieve the list of members for the specified team.
#[utoipa::path(get, path = "/api/v1/organization/{orgname}/team/{teamname}/members",
    operation_id = "getOrganizationTeamMembers",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("teamname" = String, Path, description = "The name of the team"),
        ("includePending" = Option<bool>, Query, description = "Whether to include pending members")),
    responses((status = 200, body = TeamMembersView, description = "The team with everybody in it")))]
async fn get_organization_team_members(
    guard: TeamViewer,
    State(api): State<Api>,
    Path(path): Path<super::TeamPath>,
    Query(listing): Query<Listing>,
) -> Result<Json<TeamMembersView>> {
    let name = &guard.organization()?.name;
    let pending = listing.include_pending && guard.may_edit();
    let found = api
        .accounts()
        .team_members(name, &path.teamname, pending)
        .await?;
    let members = found.members.into_iter();
    let members = members.map(|member| TeamMemberView::of(&api, member, false));
    let invites = found.invites.into_iter();
    let invites = invites.map(|invite| MemberOrInvite::pending(&api, invite));
    Ok(Json(TeamMembersView {
        name: path.teamname,
        members: members.map(MemberOrInvite::Member).chain(invites).collect(),
        can_edit: guard.may_edit(),
    }))
}

/// Adds or invites a member to an existing team.
#[utoipa::path(put, path = "/api/v1/organization/{orgname}/team/{teamname}/members/{membername}",
    operation_id = "updateOrganizationTeamMember",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("teamname" = String, Path, description = "The name of the team"),
        ("membername" = String, Path, description = "The username of the team member")),
    responses((status = 200, body = TeamMemberView, description = "The member, who may have to accept first")))]
async fn update_organization_team_member(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Path(path): Path<MemberPath>,
) -> Result<Json<TeamMemberView>> {
    let name = &guard.organization()?.name;
    let joined = api
        .accounts()
        .add_or_invite_team_member(
            &guard.caller().actor(),
            name,
            &path.teamname,
            &path.membername,
        )
        .await
        .map_err(|error| match error {
            AccountsError::NoSuchUser(_) => Error::invalid_request("Unknown user"),
            AccountsError::ForeignRobot { .. } => Error::bad_request(
                "Cannot add the specified robot to this team, as it is not a member of the organization",
            ),
            other => synced_or(other),
        })?;
    let invited = joined.invite.is_some();
    match joined.invite {
        Some(code) => {
            let letter = invites::letter(guard.caller(), name, &path.teamname, code);
            users::notify(&api, &joined.account.email, letter);
        }
        None => api.auth().forget_principal(joined.account.id),
    }
    Ok(Json(TeamMemberView::of(&api, joined.account, invited)))
}

/// Delete a member of a team.
///
/// If the user is merely invited to join the team, then the invite is removed instead.
#[utoipa::path(delete, path = "/api/v1/organization/{orgname}/team/{teamname}/members/{membername}",
    operation_id = "deleteOrganizationTeamMember",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("teamname" = String, Path, description = "The name of the team"),
        ("membername" = String, Path, description = "The username of the team member")),
    responses((status = 204, description = "The invitation or the membership has ended")))]
async fn delete_organization_team_member(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Path(path): Path<MemberPath>,
) -> Result<NoContent> {
    let name = &guard.organization()?.name;
    let left = api
        .accounts()
        .remove_team_member(
            &guard.caller().actor(),
            name,
            &path.teamname,
            &path.membername,
        )
        .await
        .map_err(synced_or)?;
    if !left.was_invited {
        api.auth().forget_principal(left.user);
    }
    Ok(NoContent)
}

/// The answer where an external group decides who is in the team.
pub(super) fn synced_or(error: AccountsError) -> Error {
    match error {
        AccountsError::TeamIsSynced(_) => {
            Error::invalid_request("Cannot call this method on an auth-synced team")
        }
        other => other.into(),
    }
}
