//! `/api/v1/entities`: names to complete while somebody types (api-v1.md §5.20).
//!
//! Quay says of every person that they are in the organization, because it looks at the wrong column; here it is told as it
//! is, so that a console can warn before an outsider gets a permission.

use axum::extract::State;
use pierhead_config::sections::auth::AuthenticationType;
use pierhead_db::queries::account_refs::Match;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::extract::{Path, Query, query};
use crate::guard::{AnyScope, SignedIn};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::services::entities::{self, Search};
use crate::state::Api;
use crate::views::avatar::{Avatar, Of};

/// The routes of names to complete.
pub(crate) fn routes() -> Routes {
    Routes::tagged("search")
        .add(route!(get_matching_entities))
        .add(route!(link_external_user).internal().when(|config| {
            // Where accounts are in the database alone, nobody is to be linked.
            !matches!(
                config.auth.authentication_type,
                AuthenticationType::Database | AuthenticationType::AppToken
            )
        }))
}

/// What was typed.
#[derive(Debug, Deserialize)]
struct PrefixPath {
    prefix: String,
}

/// An external user in a path.
#[derive(Debug, Deserialize)]
struct UsernamePath {
    username: String,
}

/// What else to look for.
#[derive(Debug, Deserialize)]
struct Options {
    #[serde(default)]
    namespace: String,
    #[serde(default, rename = "includeTeams", deserialize_with = "query::flag")]
    include_teams: bool,
    #[serde(default, rename = "includeOrgs", deserialize_with = "query::flag")]
    include_orgs: bool,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
struct Entities {
    /// Teams, then people and robots, then the organization.
    results: Vec<Entity>,
}

/// Something that a permission can be given to.
#[derive(Debug, Serialize, ToSchema)]
struct Entity {
    /// Its name.
    name: String,
    /// `team`, `user` or `org`; robots are users.
    #[schema(value_type = String)]
    kind: &'static str,
    /// Whether a user is a robot.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_robot: Option<bool>,
    /// Whether it belongs to the organization that was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_org_member: Option<bool>,
    /// What a client draws a picture from.
    avatar: Avatar,
}

/// Get a list of entities that match the specified prefix.
#[utoipa::path(get, path = "/api/v1/entities/{prefix}", operation_id = "getMatchingEntities",
    params(("prefix" = String, Path, description = "The prefix of the entities being looked up"),
        ("namespace" = Option<String>, Query, description = "Namespace to use when querying for org entities."),
        ("includeTeams" = Option<bool>, Query, description = "Whether to include team names."),
        ("includeOrgs" = Option<bool>, Query, description = "Whether to include orgs names.")),
    responses((status = 200, body = Entities, description = "What was found")))]
async fn get_matching_entities(
    caller: Caller,
    State(api): State<Api>,
    Path(path): Path<PrefixPath>,
    Query(options): Query<Options>,
) -> Result<Json<Entities>> {
    let search = Search {
        prefix: path.prefix,
        namespace: options.namespace,
        teams: options.include_teams,
        organizations: options.include_orgs,
    };
    let found = entities::search(&api, &caller, search).await?;
    let in_organization = found.in_organization;
    let teams = found.teams.into_iter().map(|name| Entity {
        avatar: api.avatar(Of::Team, &name, None),
        name,
        kind: "team",
        is_robot: None,
        is_org_member: Some(true),
    });
    let accounts = found.accounts.into_iter();
    let accounts = accounts.map(|Match { account, member }| Entity {
        avatar: api.account_avatar(&account),
        name: account.username,
        kind: "user",
        is_robot: Some(account.robot),
        is_org_member: in_organization.then_some(account.robot || member),
    });
    let organization = found.organization.into_iter();
    let organization = organization.map(|(name, email)| Entity {
        avatar: api.avatar(Of::Org, &name, Some(&email)),
        name,
        kind: "org",
        is_robot: None,
        is_org_member: Some(true),
    });
    Ok(Json(Entities {
        results: teams.chain(accounts).chain(organization).collect(),
    }))
}

/// Link a user of the external identity provider to an account.
#[utoipa::path(post, path = "/api/v1/entities/link/{username}", operation_id = "linkExternalUser",
    params(("username" = String, Path, description = "The user at the provider")),
    responses((status = 400, description = "The provider does not know the user")))]
async fn link_external_user(
    _: SignedIn<AnyScope>,
    Path(path): Path<UsernamePath>,
) -> Result<NoContent> {
    let payload = json!({ "username": path.username });
    let message = "Users of the external identity provider cannot be looked up";
    Err(Error::invalid_request(message)
        .with_payload(payload.as_object().cloned().unwrap_or_default()))
}
