//! Invitations to teams by mail, and their acceptance.

use axum::extract::State;
use pierhead_auth::accounts::AccountsError;
use pierhead_mail::Letter;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::members::{EmailInviteView, synced_or};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::extract::Path;
use crate::guard::{AdminUser, InOrganization, OrgAdmin, SignedIn};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::services::users;
use crate::state::Api;

/// The routes of invitations.
pub(super) fn routes() -> Routes {
    Routes::tagged("team")
        .add(route!(invite_team_member_email).when(|config| config.mail.feature_mailing))
        .add(route!(delete_team_member_email_invite).when(|config| config.mail.feature_mailing))
        .add(
            route!(accept_organization_team_invite)
                .when(|config| config.mail.feature_mailing)
                .internal(),
        )
        .add(
            route!(decline_organization_team_invite)
                .when(|config| config.mail.feature_mailing)
                .internal(),
        )
}

/// An address in a path.
#[derive(Debug, Deserialize)]
struct InvitePath {
    teamname: String,
    email: String,
}

/// An invitation in a path.
#[derive(Debug, Deserialize)]
struct CodePath {
    code: String,
}

/// A team that the caller is in now.
#[derive(Debug, Serialize, ToSchema)]
struct JoinedTeamView {
    /// The organization.
    org: String,
    /// The team.
    team: String,
}

/// Invites an email address to an existing team.
#[utoipa::path(put, path = "/api/v1/organization/{orgname}/team/{teamname}/invite/{email}",
    operation_id = "inviteTeamMemberEmail",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("teamname" = String, Path, description = "The name of the team"),
        ("email" = String, Path, description = "The address")),
    responses((status = 200, body = EmailInviteView, description = "The invitation")))]
async fn invite_team_member_email(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Path(path): Path<InvitePath>,
) -> Result<Json<EmailInviteView>> {
    let name = &guard.organization()?.name;
    let slot = users::reserve_mail(&api)?;
    let code = api
        .accounts()
        .invite_email(&guard.caller().actor(), name, &path.teamname, &path.email)
        .await
        .map_err(|error| match error {
            AccountsError::InvalidEmail(_) => Error::invalid_request("Invalid email address"),
            other => synced_or(other),
        })?;
    let letter = letter(guard.caller(), name, &path.teamname, code);
    slot.send(&path.email, letter);
    Ok(Json(EmailInviteView::of(&api, path.email)))
}

/// Delete an invite of an email address to join a team.
#[utoipa::path(delete, path = "/api/v1/organization/{orgname}/team/{teamname}/invite/{email}",
    operation_id = "deleteTeamMemberEmailInvite",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("teamname" = String, Path, description = "The name of the team"),
        ("email" = String, Path, description = "The address")),
    responses((status = 204, description = "The invitation is taken back")))]
async fn delete_team_member_email_invite(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Path(path): Path<InvitePath>,
) -> Result<NoContent> {
    let name = &guard.organization()?.name;
    api.accounts()
        .delete_email_invite(&guard.caller().actor(), name, &path.teamname, &path.email)
        .await?;
    Ok(NoContent)
}

/// Accepts an invite to join a team in an organization.
#[utoipa::path(put, path = "/api/v1/teaminvite/{code}", operation_id = "acceptOrganizationTeamInvite",
    params(("code" = String, Path, description = "The code of the invitation")),
    responses((status = 200, body = JoinedTeamView, description = "The team that the caller is in now")))]
async fn accept_organization_team_invite(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(path): Path<CodePath>,
) -> Result<Json<JoinedTeamView>> {
    let user = guard.user().id;
    let joined = api
        .accounts()
        .accept_team_invite(&guard.caller().actor(), user, &path.code)
        .await?;
    api.auth().forget_principal(user);
    Ok(Json(JoinedTeamView {
        org: joined.organization,
        team: joined.team,
    }))
}

/// Delete an existing invitation to join a team.
#[utoipa::path(delete, path = "/api/v1/teaminvite/{code}", operation_id = "declineOrganizationTeamInvite",
    params(("code" = String, Path, description = "The code of the invitation")),
    responses((status = 204, description = "It is declined")))]
async fn decline_organization_team_invite(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(path): Path<CodePath>,
) -> Result<NoContent> {
    api.accounts()
        .decline_team_invite(&guard.caller().actor(), guard.user().id, &path.code)
        .await?;
    Ok(NoContent)
}

/// The mail that tells somebody of an invitation.
pub(super) fn letter(inviter: &Caller, organization: &str, team: &str, code: String) -> Letter {
    Letter::TeamInvite {
        inviter: inviter
            .user()
            .map(|user| user.username.clone())
            .unwrap_or_default(),
        organization: organization.to_owned(),
        team: team.to_owned(),
        code,
    }
}
