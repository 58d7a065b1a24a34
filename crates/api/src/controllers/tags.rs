//! Tags of a repository: pages, changes, restoration, removal from the time machine, pull statistics (api-v1.md §5.8).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use pierhead_auth::Role;
use pierhead_oci::Tag;
use pierhead_registry::{Author, Removal, TagChange, TagError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::dates;
use crate::error::{Error, ErrorType, NOT_UNDERSTOOD, Result};
use crate::extract::{Body, Path, body};
use crate::guard::{AllSuperusers, InRepository, Normal, Read, Superusers, Write};
use crate::json::{self, Created, Json, NoContent};
use crate::route::{Routes, route};
use crate::state::Api;

mod list;

pub(crate) fn routes() -> Routes {
    Routes::tagged("tag")
        .merge(list::routes())
        .add(route!(change_tag))
        .add(route!(delete_full_tag))
        .add(route!(restore_tag))
        .add(route!(remove_tag_from_timemachine).when(|config| config.tags.permanently_delete_tags))
        .add(route!(get_tag_pull_statistics).when(|config| config.redis.feature_image_pull_stats))
}

const INVALID_TAG: &str = "Invalid tag: must match [A-Za-z0-9_.-], NOT start with \".\" or \"-\", and can contain 1-128 characters";

/// The tag in the path.
#[derive(Debug, Deserialize)]
pub(crate) struct TagPath {
    tag: String,
}

/// Who changes the repository.
pub(crate) fn author(
    api: &Api,
    caller: &Caller,
    repository: &std::sync::Arc<pierhead_auth::Repository>,
) -> Author {
    Author {
        accounts: api.accounts().clone(),
        actor: caller.actor(),
        username: caller.user().map(|user| user.username.clone()),
        repository: repository.clone(),
    }
}

/// Quay's answer to a change that was refused. `verb` is what was tried, for those that it has no better words for.
fn refusal(error: TagError, caller: &Caller, verb: &str) -> Error {
    match error {
        TagError::NoSuchTag | TagError::NoSuchManifest | TagError::NothingToRemove => {
            Error::not_found()
        }
        TagError::Immutable { .. } => Error::exception(
            ErrorType::TagImmutable,
            StatusCode::CONFLICT,
            error.to_string(),
        ),
        TagError::NotInFuture => Error::bad_request(NOT_UNDERSTOOD),
        TagError::ImmutableCannotExpire(_) | TagError::ExpiringCannotBeImmutable(_) => {
            Error::bad_request(error.to_string())
        }
        TagError::NeedsAdministrator => Error::unauthorized(caller),
        TagError::BoundToItsTag => Error::invalid_request(format!("Could not {verb} tag")),
        TagError::Accounts(error) => error.into(),
        TagError::Database(error) => error.into(),
        TagError::Registry(error) => error.into(),
    }
}

/// What to change about a tag.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ChangeTag {
    /// (If specified) The manifest digest to which the tag should point.
    #[serde(default, deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    manifest_digest: Option<Option<String>>,
    /// (If specified) When the tag expires, in seconds since 1970; null for never.
    #[serde(default, deserialize_with = "body::nullable")]
    #[schema(value_type = Option<f64>)]
    expiration: Option<Option<f64>>,
    /// (If specified) Whether the tag may be neither moved nor deleted.
    #[serde(default, deserialize_with = "body::present")]
    immutable: Option<bool>,
}

/// Change which image a tag points to or create a new tag.
#[utoipa::path(
    put,
    path = "/api/v1/repository/{repository}/tag/{tag}",
    operation_id = "changeTag",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("tag" = String, Path, description = "The name of the tag")
    ),
    request_body = ChangeTag,
    responses(
        (status = 201, body = String, description = "The tag was changed or made"),
        (status = 404, description = "No such tag or manifest"),
        (status = 409, description = "The tag is immutable")
    )
)]
pub(crate) async fn change_tag(
    guard: Normal<InRepository<Write, Superusers>>,
    State(api): State<Api>,
    Path(path): Path<TagPath>,
    Body(change): Body<ChangeTag>,
) -> Result<Created<&'static str>> {
    if !Tag::is_valid(&path.tag) {
        return Err(Error::bad_request(INVALID_TAG));
    }
    let repository = guard.repository()?;
    let change = TagChange {
        expiration: change.expiration,
        immutable: change.immutable,
        may_unset_immutable: guard.has(Role::Admin),
        // There is no manifest without a digest.
        manifest_digest: change.manifest_digest.map(Option::unwrap_or_default),
    };
    let author = author(&api, guard.caller(), repository);
    api.registry()
        .change_tag(&author, &path.tag, change)
        .await
        .map_err(|error| refusal(error, guard.caller(), "move"))?;
    Ok(Created("Updated"))
}

/// Delete the specified repository tag.
#[utoipa::path(
    delete,
    path = "/api/v1/repository/{repository}/tag/{tag}",
    operation_id = "deleteFullTag",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("tag" = String, Path, description = "The name of the tag")
    ),
    responses(
        (status = 204, description = "The tag has ended"),
        (status = 404, description = "No such tag"),
        (status = 409, description = "The tag is immutable")
    )
)]
pub(crate) async fn delete_full_tag(
    guard: Normal<InRepository<Write, Superusers>>,
    State(api): State<Api>,
    Path(path): Path<TagPath>,
) -> Result<NoContent> {
    let author = author(&api, guard.caller(), guard.repository()?);
    api.registry()
        .end_tag(&author, &path.tag)
        .await
        .map_err(|error| refusal(error, guard.caller(), "delete"))?;
    Ok(NoContent)
}

/// What to restore a tag to.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RestoreTag {
    /// The manifest digest that the tag should point to.
    #[serde(default, deserialize_with = "body::present")]
    manifest_digest: Option<String>,
}

/// Nothing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Empty {}

/// Restores a repository tag back to a previous image in the repository.
#[utoipa::path(
    post,
    path = "/api/v1/repository/{repository}/tag/{tag}/restore",
    operation_id = "restoreTag",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("tag" = String, Path, description = "The name of the tag")
    ),
    request_body = RestoreTag,
    responses(
        (status = 200, body = Empty, description = "The tag points to the manifest"),
        (status = 404, description = "No such manifest"),
        (status = 409, description = "The tag is immutable")
    )
)]
pub(crate) async fn restore_tag(
    guard: Normal<InRepository<Write, Superusers>>,
    State(api): State<Api>,
    Path(path): Path<TagPath>,
    Body(restore): Body<RestoreTag>,
) -> Result<Json<Empty>> {
    let repository = guard.repository()?;
    let Some(digest) = restore.manifest_digest else {
        return Err(Error::invalid_request("Missing manifest_digest"));
    };
    if !Tag::is_valid(&path.tag) {
        return Err(Error::bad_request(INVALID_TAG));
    }
    let author = author(&api, guard.caller(), repository);
    api.registry()
        .restore_tag(&author, &path.tag, digest)
        .await
        .map_err(|error| refusal(error, guard.caller(), "restore"))?;
    Ok(Json(Empty {}))
}

/// Which intervals of a tag to remove from the time machine.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ExpireTag {
    /// The manifest of the dead tag; required unless `is_alive`.
    #[serde(default, deserialize_with = "body::present")]
    manifest_digest: Option<String>,
    /// If set to true, expire the sub-manifests as well.
    #[serde(default)]
    include_submanifests: bool,
    /// The living tag instead of dead ones.
    #[serde(default)]
    is_alive: bool,
}

/// Updates any expired tags with the matching name and manifest with an expiry outside the time machine window
#[utoipa::path(
    post,
    path = "/api/v1/repository/{repository}/tag/{tag}/expire",
    operation_id = "removeTagFromTimemachine",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("tag" = String, Path, description = "The name of the tag")
    ),
    request_body = ExpireTag,
    responses(
        (status = 200, body = String, description = "The tag cannot be restored any more"),
        (status = 404, description = "No such tag can be restored")
    )
)]
pub(crate) async fn remove_tag_from_timemachine(
    guard: InRepository<Write, Superusers>,
    State(api): State<Api>,
    Path(path): Path<TagPath>,
    Body(expire): Body<ExpireTag>,
) -> Result<Response> {
    let repository = guard.repository()?;
    let removal = match (expire.is_alive, expire.manifest_digest) {
        (true, _) => Removal::Alive,
        (false, Some(digest)) => Removal::Dead(digest),
        (false, None) => {
            return Err(Error::invalid_request(
                "manifest_digest required when is_alive set to false",
            ));
        }
    };
    let author = author(&api, guard.caller(), repository);
    api.registry()
        .remove_from_time_machine(&author, &path.tag, removal, expire.include_submanifests)
        .await
        .map_err(|error| refusal(error, guard.caller(), "expire"))?;
    Ok(json::answer(StatusCode::OK, "").into_response())
}

/// How often and when a tag and what it points to were pulled.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TagPulls {
    tag_name: String,
    tag_pull_count: i64,
    last_tag_pull_date: Option<String>,
    current_manifest_digest: String,
    manifest_pull_count: i64,
    last_manifest_pull_date: Option<String>,
}

/// Get pull statistics for a specific tag.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/tag/{tag}/pull_statistics",
    operation_id = "getTagPullStatistics",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("tag" = String, Path, description = "The name of the tag")
    ),
    responses(
        (status = 200, body = TagPulls, description = "The statistics"),
        (status = 404, description = "No such tag")
    )
)]
pub(crate) async fn get_tag_pull_statistics(
    guard: InRepository<Read, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<TagPath>,
) -> Result<Json<TagPulls>> {
    let repository = guard.repository()?.id;
    let pulls = api.registry().tag_pulls(repository, &path.tag).await?;
    let (digest, of_tag, of_manifest) = pulls.ok_or_else(Error::not_found)?;
    Ok(Json(TagPulls {
        tag_name: path.tag,
        tag_pull_count: of_tag.as_ref().map_or(0, |pulls| pulls.count),
        last_tag_pull_date: of_tag.as_ref().map(|pulls| dates::rfc2822(pulls.last)),
        manifest_pull_count: of_manifest.as_ref().map_or(0, |pulls| pulls.count),
        last_manifest_pull_date: of_manifest.as_ref().map(|pulls| dates::rfc2822(pulls.last)),
        current_manifest_digest: of_tag.and_then(|pulls| pulls.digest).unwrap_or(digest),
    }))
}
