//! `/api/v1/organization/{orgname}/prototypes`: what new repositories of an organization start with (api-v1.md §5.5).

use axum::extract::State;
use pierhead_auth::accounts::{AccountsError, Delegate, PrototypeRow, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::extract::{Body, Path, body};
use crate::guard::{AllSuperusers, InOrganization, OrgAdmin};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::state::Api;
use crate::views::avatar::{Avatar, Of};

/// The routes of default permissions.
pub(crate) fn routes() -> Routes {
    Routes::tagged("prototype")
        .add(route!(get_organization_prototype_permissions))
        .add(route!(create_organization_prototype_permission))
        .add(route!(update_organization_prototype_permission))
        .add(route!(delete_organization_prototype_permission))
}

/// A default permission in a path.
#[derive(Debug, Deserialize)]
struct PrototypePath {
    prototypeid: String,
}

/// What a permission grants.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PrototypeRole {
    /// Pull.
    Read,
    /// Pull and push.
    Write,
    /// Everything.
    Admin,
}

impl From<PrototypeRole> for Role {
    fn from(role: PrototypeRole) -> Self {
        match role {
            PrototypeRole::Read => Self::Read,
            PrototypeRole::Write => Self::Write,
            PrototypeRole::Admin => Self::Admin,
        }
    }
}

/// A new default permission.
#[derive(Debug, Deserialize, ToSchema)]
struct NewPrototype {
    /// What it grants.
    role: PrototypeRole,
    /// Whose new repositories it is for; everybody's if it is missing.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(nullable = false)]
    activating_user: Option<ActivatingUser>,
    /// Who gets it.
    delegate: DelegateName,
}

/// A person or robot by name.
#[derive(Debug, Deserialize, ToSchema)]
struct ActivatingUser {
    /// The name.
    name: String,
}

/// A person, robot or team by name.
#[derive(Debug, Deserialize, ToSchema)]
struct DelegateName {
    /// The name.
    name: String,
    /// Which of them.
    kind: DelegateKind,
}

/// What kind of name it is.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DelegateKind {
    /// A person or robot.
    User,
    /// A team.
    Team,
}

/// The new role of a default permission.
#[derive(Debug, Deserialize, ToSchema)]
struct PrototypeUpdate {
    /// What it grants.
    role: PrototypeRole,
}

/// Default permissions.
#[derive(Debug, Serialize, ToSchema)]
struct Prototypes {
    /// Every one.
    prototypes: Vec<PrototypeView>,
}

/// A default permission.
#[derive(Debug, Serialize, ToSchema)]
struct PrototypeView {
    /// Whose new repositories it is for; everybody's if it is null.
    activating_user: Option<PrototypeUser>,
    /// Who gets it.
    delegate: PrototypeDelegate,
    /// `read`, `write` or `admin`.
    role: String,
    /// For its routes.
    id: String,
}

/// Who gets a default permission.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum PrototypeDelegate {
    /// A person or robot.
    User(PrototypeUser),
    /// A team.
    Team(PrototypeTeam),
}

/// A person or robot.
#[derive(Debug, Serialize, ToSchema)]
struct PrototypeUser {
    /// The name.
    name: String,
    /// It is a robot.
    is_robot: bool,
    /// `user`, of robots too.
    #[schema(value_type = String)]
    kind: &'static str,
    /// They are in a team of the organization; robots count.
    is_org_member: bool,
    /// What a client draws a picture from.
    avatar: Avatar,
}

/// A team.
#[derive(Debug, Serialize, ToSchema)]
struct PrototypeTeam {
    /// The name.
    name: String,
    /// `team`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// What a client draws a picture from.
    avatar: Avatar,
}

impl PrototypeUser {
    fn of(
        api: &Api,
        name: Option<String>,
        email: Option<&str>,
        robot: Option<bool>,
        member: bool,
    ) -> Option<Self> {
        let (name, is_robot) = (name?, robot.unwrap_or_default());
        let of = if is_robot { Of::Robot } else { Of::User };
        Some(Self {
            avatar: api.avatar(of, &name, email),
            name,
            is_robot,
            kind: "user",
            is_org_member: is_robot || member,
        })
    }
}

impl PrototypeView {
    fn of(api: &Api, row: PrototypeRow) -> Self {
        let delegate = PrototypeUser::of(
            api,
            row.delegate_username,
            row.delegate_email.as_deref(),
            row.delegate_robot,
            row.delegate_member,
        );
        let delegate = delegate.map_or_else(
            || {
                let name = row.delegate_team.unwrap_or_default();
                PrototypeDelegate::Team(PrototypeTeam {
                    avatar: api.avatar(Of::Team, &name, None),
                    name,
                    kind: "team",
                })
            },
            PrototypeDelegate::User,
        );
        Self {
            activating_user: PrototypeUser::of(
                api,
                row.activating_username,
                row.activating_email.as_deref(),
                row.activating_robot,
                row.activating_member,
            ),
            delegate,
            role: row.role,
            id: row.uuid,
        }
    }
}

/// List the existing prototypes for this organization.
#[utoipa::path(get, path = "/api/v1/organization/{orgname}/prototypes",
    operation_id = "getOrganizationPrototypePermissions",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 200, body = Prototypes, description = "Every default permission")))]
async fn get_organization_prototype_permissions(
    guard: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
) -> Result<Json<Prototypes>> {
    let organization = guard.organization()?.id;
    let rows = api.accounts().prototypes(organization).await?;
    let prototypes = rows.into_iter().map(|row| PrototypeView::of(&api, row));
    Ok(Json(Prototypes {
        prototypes: prototypes.collect(),
    }))
}

/// Create a new permission prototype.
#[utoipa::path(post, path = "/api/v1/organization/{orgname}/prototypes",
    operation_id = "createOrganizationPrototypePermission",
    params(("orgname" = String, Path, description = "The name of the organization")),
    request_body = NewPrototype,
    responses((status = 200, body = PrototypeView, description = "The new default permission")))]
async fn create_organization_prototype_permission(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Body(new): Body<NewPrototype>,
) -> Result<Json<PrototypeView>> {
    let organization = &guard.organization()?.name;
    let delegate = match new.delegate.kind {
        DelegateKind::User => Delegate::User(new.delegate.name),
        DelegateKind::Team => Delegate::Team(new.delegate.name),
    };
    let activating_user = new.activating_user.map(|user| user.name);
    let row = api
        .accounts()
        .create_prototype(
            &guard.caller().actor(),
            name_of(guard.caller()),
            organization,
            new.role.into(),
            activating_user.filter(|name| !name.is_empty()),
            delegate,
        )
        .await
        .map_err(|error| match error {
            AccountsError::UnknownActivatingUser | AccountsError::MissingDelegate => {
                Error::invalid_request(error.to_string())
            }
            other => Error::from_data_model(other),
        })?;
    Ok(Json(PrototypeView::of(&api, row)))
}

/// Update the role of an existing permission prototype.
#[utoipa::path(put, path = "/api/v1/organization/{orgname}/prototypes/{prototypeid}",
    operation_id = "updateOrganizationPrototypePermission",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("prototypeid" = String, Path, description = "The ID of the prototype")),
    request_body = PrototypeUpdate,
    responses((status = 200, body = PrototypeView, description = "The changed default permission")))]
async fn update_organization_prototype_permission(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Path(path): Path<PrototypePath>,
    Body(update): Body<PrototypeUpdate>,
) -> Result<Json<PrototypeView>> {
    let organization = &guard.organization()?.name;
    let row = api
        .accounts()
        .change_prototype(
            &guard.caller().actor(),
            name_of(guard.caller()),
            organization,
            &path.prototypeid,
            update.role.into(),
        )
        .await?;
    Ok(Json(PrototypeView::of(&api, row)))
}

/// Delete an existing permission prototype.
#[utoipa::path(delete, path = "/api/v1/organization/{orgname}/prototypes/{prototypeid}",
    operation_id = "deleteOrganizationPrototypePermission",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("prototypeid" = String, Path, description = "The ID of the prototype")),
    responses((status = 204, description = "It is deleted")))]
async fn delete_organization_prototype_permission(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Path(path): Path<PrototypePath>,
) -> Result<NoContent> {
    let organization = &guard.organization()?.name;
    api.accounts()
        .delete_prototype(
            &guard.caller().actor(),
            name_of(guard.caller()),
            organization,
            &path.prototypeid,
        )
        .await?;
    Ok(NoContent)
}

fn name_of(caller: &Caller) -> &str {
    caller.user().map_or("", |user| user.username.as_str())
}
