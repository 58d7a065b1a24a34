//! `/api/v1/organization/{orgname}/applications/{client_id}/tokens` (api-v1.md §5.3, Quay 3.18): tokens of an application that
//! are made by name, listed and revoked.

use axum::extract::State;
use chrono::NaiveDateTime;
use pierhead_auth::accounts::{ApplicationToken, NewOAuthToken, OAuthApplication};
use pierhead_auth::{Scope, Scopes, TeamRole};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::extract::body::present;
use crate::extract::{Body, Path, Query};
use crate::guard::{AllSuperusers, InOrganization, OrgAdmin, Superusers};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::state::Api;

/// Tokens of one answer.
const PAGE: usize = 50;
/// Most characters of a name, as the schema has it.
const MAX_NAME_LEN: usize = 255;

pub(crate) fn routes() -> Routes {
    Routes::tagged("organization")
        .add(route!(list))
        .add(route!(create))
        .add(route!(revoke))
}

#[derive(Deserialize)]
struct TokensPath {
    #[expect(dead_code, reason = "the guard reads it")]
    orgname: String,
    client_id: String,
}

#[derive(Deserialize)]
struct TokenPath {
    #[expect(dead_code, reason = "the guard reads it")]
    orgname: String,
    client_id: String,
    token_uuid: String,
}

#[derive(Deserialize)]
struct Listing {
    next_page: Option<String>,
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
struct NewToken {
    /// How people name it; white space around it is cut off.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// Scopes, separated by spaces or commas.
    scope: String,
    /// Its lifetime in seconds; ten years when missing, and at most.
    #[serde(default, deserialize_with = "present")]
    #[schema(minimum = 1)]
    expiration: Option<f64>,
}

/// A token of an application. Its text is there only when it was just made.
#[derive(Debug, Serialize, ToSchema)]
struct OAuthApplicationToken {
    uuid: String,
    /// Null for older tokens.
    name: Option<String>,
    scope: String,
    expires_at: Option<String>,
    created: Option<String>,
    created_by: Option<String>,
    last_accessed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl OAuthApplicationToken {
    fn of(token: ApplicationToken, text: Option<String>) -> Self {
        Self {
            uuid: token.uuid,
            name: token.display_name,
            scope: token.scope,
            expires_at: Some(iso(token.expires_at)),
            created: token.created.map(iso),
            created_by: token.username,
            last_accessed: token.last_accessed.map(iso),
            token: text,
        }
    }
}

/// As Python's `isoformat` writes it: with microseconds, unless they are zero.
fn iso(date: NaiveDateTime) -> String {
    let form = if date.and_utc().timestamp_subsec_micros() == 0 {
        "%Y-%m-%dT%H:%M:%SZ"
    } else {
        "%Y-%m-%dT%H:%M:%S%.6fZ"
    };
    date.format(form).to_string()
}

#[derive(Debug, Serialize, ToSchema)]
struct Tokens {
    tokens: Vec<OAuthApplicationToken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
}

/// Where a list goes on, as Quay seals it.
#[derive(Deserialize, Serialize)]
struct Position {
    start_index: i32,
    page_number: u32,
    is_datetime: bool,
    offset_val: u32,
}

#[utoipa::path(get, path = "/api/v1/organization/{orgname}/applications/{client_id}/tokens", operation_id = "listOrganizationApplicationTokens",
    params(("orgname" = String, Path, description = "The name of the organization"), ("client_id" = String, Path, description = "The OAuth client ID"),
        ("next_page" = Option<String>, Query, description = "The page token for the next page")),
    responses((status = 200, body = Tokens, description = "Tokens that have not ended, newest first")))]
async fn list(
    guard: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<TokensPath>,
    Query(listing): Query<Listing>,
) -> Result<Json<Tokens>> {
    let application = application(&api, guard.organization()?.id, &path.client_id).await?;
    let now = api.clock().now().into();
    let position: Option<Position> = listing
        .next_page
        .and_then(|token| api.page_tokens().open(&token, now));
    let from = position
        .as_ref()
        .map_or(i32::MAX, |position| position.start_index);
    let mut found = api
        .accounts()
        .list_oauth_tokens(&application, from, PAGE as i64 + 1)
        .await?;
    let next_page = match found.get(PAGE) {
        Some(next) => {
            let position = Position {
                start_index: next.id,
                page_number: position.map_or(0, |position| position.page_number) + 1,
                is_datetime: false,
                offset_val: 0,
            };
            Some(api.page_tokens().seal(&position, now)?)
        }
        None => None,
    };
    found.truncate(PAGE);
    let tokens = found
        .into_iter()
        .map(|token| OAuthApplicationToken::of(token, None))
        .collect();
    Ok(Json(Tokens { tokens, next_page }))
}

#[utoipa::path(post, path = "/api/v1/organization/{orgname}/applications/{client_id}/tokens", operation_id = "createOrganizationApplicationToken",
    params(("orgname" = String, Path, description = "The name of the organization"), ("client_id" = String, Path, description = "The OAuth client ID")),
    request_body = NewToken,
    responses((status = 200, body = OAuthApplicationToken, description = "The token with its text, which is not shown again")))]
async fn create(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<TokensPath>,
    Body(new): Body<NewToken>,
) -> Result<Json<OAuthApplicationToken>> {
    if !(1..=MAX_NAME_LEN).contains(&new.name.chars().count()) {
        return Err(Error::invalid_request(format!(
            "name must have 1 to {MAX_NAME_LEN} characters"
        )));
    }
    if new.expiration.is_some_and(|seconds| seconds < 1.0) {
        return Err(Error::invalid_request("expiration must be at least 1"));
    }
    let application = application(&api, guard.organization()?.id, &path.client_id).await?;
    let token = NewOAuthToken::new(&new.name, &new.scope, new.expiration)?;
    let caller = guard.caller();
    let user = caller
        .user()
        .filter(|user| !user.is_robot() && may_mint(&guard, token.scopes()))
        .ok_or_else(|| Error::unauthorized(caller))?;
    let limit = api.config().tokens.oauth_application_maximum_token_count;
    let made = api
        .accounts()
        .create_oauth_token(
            &caller.actor(),
            &application,
            user.id,
            &user.username,
            token,
            limit,
        )
        .await?;
    let text = made.secret.expose().to_owned();
    Ok(Json(OAuthApplicationToken::of(made.token, Some(text))))
}

/// Whether the caller has everything that these scopes name: nobody hands on more than they hold.
fn may_mint(guard: &InOrganization<OrgAdmin, Superusers>, asked: Scopes) -> bool {
    let caller = guard.caller();
    let Some(credential) = caller.credential() else {
        return false;
    };
    let held = credential.scopes;
    let administers = guard.held() >= Some(TeamRole::Admin) || caller.has_full_access();
    held.is_none_or(|held| held.covers(asked))
        && asked.iter().all(|scope| match scope {
            Scope::RepoRead
            | Scope::RepoWrite
            | Scope::RepoAdmin
            | Scope::RepoCreate
            | Scope::OrgAdmin => administers,
            Scope::UserRead => credential.reads_user(),
            Scope::UserAdmin => credential.administers_user(),
            Scope::SuperUser => caller.is_superuser(),
        })
}

#[utoipa::path(delete, path = "/api/v1/organization/{orgname}/applications/{client_id}/tokens/{token_uuid}", operation_id = "deleteOrganizationApplicationToken",
    params(("orgname" = String, Path, description = "The name of the organization"), ("client_id" = String, Path, description = "The OAuth client ID"),
        ("token_uuid" = String, Path, description = "The UUID of the token")),
    responses((status = 204, description = "The token is worthless")))]
async fn revoke(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<TokenPath>,
) -> Result<NoContent> {
    let application = application(&api, guard.organization()?.id, &path.client_id).await?;
    let user = api
        .accounts()
        .revoke_oauth_token(&guard.caller().actor(), &application, &path.token_uuid)
        .await?;
    api.auth().forget_principal(user);
    Ok(NoContent)
}

async fn application(
    api: &Api,
    organization: pierhead_db::UserId,
    client_id: &str,
) -> Result<OAuthApplication> {
    Ok(api.accounts().application(organization, client_id).await?)
}
