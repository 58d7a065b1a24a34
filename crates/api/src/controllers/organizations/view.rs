//! An organization as its viewer may see it: everybody sees its name and picture, members its teams and quota,
//! administrators the rest. It costs two statements, and those of the quota where one is kept.

use std::collections::BTreeMap;

use pierhead_auth::TeamRole;
use pierhead_auth::accounts::{Organization, TeamOverview, known_address};
use pierhead_db::UserId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::controllers::teams;
use crate::error::Result;
use crate::state::Api;
use crate::views::avatar::{Avatar, Of};
use crate::views::quota::{self, NamespaceQuotas};

/// The role of teams whose members administer the organization.
const ADMIN: &str = "admin";

/// Who looks.
pub(crate) struct Viewer {
    is_admin: bool,
    is_member: bool,
    user: Option<UserId>,
}

impl Viewer {
    /// A caller with that role in the organization. Superusers who may see everything count as administrators.
    pub(crate) fn new(caller: &Caller, role: Option<TeamRole>) -> Self {
        let sees_all = caller.has_full_access() || caller.is_global_readonly();
        Self {
            is_admin: sees_all || role >= Some(TeamRole::Admin),
            is_member: sees_all || role.is_some(),
            user: caller.user().map(|user| user.id),
        }
    }
}

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrganizationView {
    /// Its name.
    name: String,
    /// Its address, for administrators.
    email: String,
    /// What a client draws its picture from.
    avatar: Avatar,
    /// The viewer administers it.
    is_admin: bool,
    /// The viewer is in one of its teams.
    is_member: bool,
    /// Its teams by name, for members.
    #[serde(skip_serializing_if = "Option::is_none")]
    teams: Option<BTreeMap<String, OrganizationTeamView>>,
    /// The names of its teams in the order they were made, for members.
    #[serde(skip_serializing_if = "Option::is_none")]
    ordered_teams: Option<Vec<String>>,
    #[serde(flatten)]
    settings: Option<OrganizationSettings>,
    #[serde(flatten)]
    quota: Option<NamespaceQuotas>,
}

/// What only administrators see.
#[derive(Debug, Serialize, ToSchema)]
struct OrganizationSettings {
    /// Invoices are mailed.
    invoice_email: bool,
    /// Where to.
    invoice_email_address: Option<String>,
    /// How long deleted tags can be brought back, in seconds.
    tag_expiration_s: i64,
    /// It pays nothing.
    is_free_account: bool,
}

/// A team of an organization.
#[derive(Debug, Serialize, ToSchema)]
struct OrganizationTeamView {
    /// Its name.
    name: String,
    /// For people, as Markdown.
    description: String,
    /// `admin`, `creator` or `member`.
    role: String,
    /// What a client draws its picture from.
    avatar: Avatar,
    /// The viewer may see who is in it.
    can_view: bool,
    /// Repositories on which it has a permission.
    repo_count: i64,
    /// People and robots in it.
    member_count: i64,
    /// An external group decides who is in it.
    is_synced: bool,
}

impl OrganizationView {
    /// What a viewer sees.
    pub(crate) async fn of(api: &Api, organization: Organization, viewer: &Viewer) -> Result<Self> {
        let teams = if viewer.is_member {
            let (id, user) = (organization.id, viewer.user);
            Some(api.accounts().team_overview(id, user).await?)
        } else {
            None
        };
        Self::with_teams(api, organization, viewer, teams).await
    }

    /// The same in an answer about something of the organization, which lists no teams.
    pub(crate) async fn without_teams(
        api: &Api,
        organization: Organization,
        viewer: &Viewer,
    ) -> Result<Self> {
        Self::with_teams(api, organization, viewer, Some(Vec::new())).await
    }

    async fn with_teams(
        api: &Api,
        organization: Organization,
        viewer: &Viewer,
        overview: Option<Vec<TeamOverview>>,
    ) -> Result<Self> {
        let (mut teams, mut ordered_teams, mut quota) = (None, None, None);
        if let Some(overview) = overview {
            ordered_teams = Some(overview.iter().map(|team| team.name.clone()).collect());
            // Whatever a token is limited to: who administers the organization may see its teams.
            let administers = overview
                .iter()
                .any(|team| team.has_viewer && team.role == ADMIN);
            let sees_all = viewer.is_admin || administers;
            let views = overview
                .into_iter()
                .map(|team| team_view(api, team, sees_all));
            teams = Some(views.map(|view| (view.name.clone(), view)).collect());
        }
        if viewer.is_member && quota::is_on(api.config()) {
            let mut conn = api.db().read().await?;
            quota = NamespaceQuotas::of(api, &mut conn, organization.id).await?;
        }
        let settings = viewer.is_admin.then(|| OrganizationSettings {
            invoice_email: organization.invoice_email,
            invoice_email_address: organization.invoice_email_address,
            tag_expiration_s: organization.removed_tag_expiration_s,
            is_free_account: organization.stripe_id.is_none(),
        });
        let email = if viewer.is_admin {
            known_address(&organization.email).to_owned()
        } else {
            String::new()
        };
        Ok(Self {
            avatar: api.avatar(Of::User, &organization.username, Some(&organization.email)),
            name: organization.username,
            email,
            is_admin: viewer.is_admin,
            is_member: viewer.is_member,
            teams,
            ordered_teams,
            settings,
            quota,
        })
    }
}

fn team_view(api: &Api, team: TeamOverview, sees_all: bool) -> OrganizationTeamView {
    OrganizationTeamView {
        avatar: api.avatar(Of::Team, &team.name, None),
        name: team.name,
        description: team.description,
        role: team.role,
        can_view: sees_all || team.has_viewer,
        repo_count: team.repo_count,
        member_count: team.member_count,
        is_synced: team.is_synced && teams::syncing_is_on(api.config()),
    }
}
