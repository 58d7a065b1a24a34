//! Labels of a manifest.

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};
use pierhead_db::queries::labels::LabelRow;
use pierhead_registry::{LabelError, NewLabel};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ManifestPath, checked};
use crate::controllers::tags::author;
use crate::error::{Error, Result};
use crate::extract::{Body, Path, Query};
use crate::guard::{AllSuperusers, InRepository, Normal, Read, Superusers, Write};
use crate::json::{Created, Json, NoContent};
use crate::route::{Routes, route};
use crate::state::Api;

pub(super) fn routes() -> Routes {
    Routes::tagged("manifest")
        .add(route!(list_manifest_labels))
        .add(route!(add_manifest_label))
        .add(route!(get_manifest_label))
        .add(route!(delete_manifest_label))
}

/// The label in the path.
#[derive(Debug, Deserialize)]
pub(crate) struct LabelPath {
    manifestref: String,
    labelid: String,
}

/// A label of a manifest.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LabelView {
    id: String,
    key: String,
    value: String,
    /// `manifest`, `api` or `internal`.
    source_type: String,
    media_type: String,
}

impl From<LabelRow> for LabelView {
    fn from(row: LabelRow) -> Self {
        Self {
            id: row.uuid,
            key: row.key,
            value: row.value,
            source_type: row.source_type,
            media_type: row.media_type,
        }
    }
}

/// Quay's answer to what was refused.
fn refusal(error: LabelError) -> Error {
    match error {
        LabelError::Reserved
        | LabelError::InvalidKey
        | LabelError::InvalidMediaType
        | LabelError::OfContent => Error::bad_request(error.to_string()),
        LabelError::NoSuchManifest | LabelError::NoSuchLabel => Error::not_found(),
        LabelError::Accounts(error) => error.into(),
        LabelError::Database(error) => error.into(),
        LabelError::Registry(error) => error.into(),
    }
}

/// Which labels.
#[derive(Debug, Deserialize)]
pub(crate) struct Listing {
    filter: Option<String>,
}

/// The labels of a manifest.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LabelList {
    labels: Vec<LabelView>,
}

/// List the labels of a manifest.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/manifest/{manifestref}/labels",
    operation_id = "listManifestLabels",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("manifestref" = String, Path, description = "The digest of the manifest"),
        ("filter" = Option<String>, Query, description = "If specified, only labels matching the given prefix will be returned")
    ),
    responses(
        (status = 200, body = LabelList, description = "The labels"),
        (status = 404, description = "No such manifest")
    )
)]
pub(crate) async fn list_manifest_labels(
    guard: InRepository<Read, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<ManifestPath>,
    Query(listing): Query<Listing>,
) -> Result<Json<LabelList>> {
    let digest = path.digest()?;
    let repository = guard.repository()?.id;
    let labels = api
        .registry()
        .list_labels(repository, &digest, listing.filter.as_deref())
        .await
        .map_err(refusal)?;
    Ok(Json(LabelList {
        labels: labels.into_iter().map(LabelView::from).collect(),
    }))
}

/// The type of a label's value.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub(crate) enum LabelMediaType {
    /// Text.
    #[serde(rename = "text/plain")]
    Text,
    /// JSON.
    #[serde(rename = "application/json")]
    Json,
}

/// A label to add.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AddLabel {
    /// The key for the label.
    key: String,
    /// The value for the label.
    value: String,
    /// The media type for this label; guessed from the value if it is null.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true)]
    media_type: Option<LabelMediaType>,
}

/// A label that was added.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AddedLabel {
    label: LabelView,
}

/// Adds a new label into the tag manifest.
#[utoipa::path(
    post,
    path = "/api/v1/repository/{repository}/manifest/{manifestref}/labels",
    operation_id = "addManifestLabel",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("manifestref" = String, Path, description = "The digest of the manifest")
    ),
    request_body = AddLabel,
    responses(
        (status = 201, body = AddedLabel, description = "The label was added"),
        (status = 400, description = "The key is malformed or reserved"),
        (status = 404, description = "No such manifest")
    )
)]
pub(crate) async fn add_manifest_label(
    guard: Normal<InRepository<Write, Superusers>>,
    State(api): State<Api>,
    Path(path): Path<ManifestPath>,
    Body(new): Body<AddLabel>,
) -> Result<Response> {
    let digest = path.digest()?;
    let repository = guard.repository()?;
    let new = NewLabel {
        key: new.key,
        value: new.value,
        media_type: new.media_type.map(|media_type| {
            let name = match media_type {
                LabelMediaType::Text => "text/plain",
                LabelMediaType::Json => "application/json",
            };
            name.to_owned()
        }),
    };
    let author = author(&api, guard.caller(), repository);
    let reserved = &api.config().tags.label_key_reserved_prefixes;
    let label = api
        .registry()
        .add_label(&author, digest.clone(), new, reserved)
        .await
        .map_err(refusal)?;
    let location = format!(
        "/api/v1/repository/{}/manifest/{digest}/labels/{}",
        repository.name, label.uuid
    );
    let added = AddedLabel {
        label: label.into(),
    };
    Ok(([(LOCATION, location)], Created(added)).into_response())
}

/// Retrieves the label with the specific ID under the manifest.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/manifest/{manifestref}/labels/{labelid}",
    operation_id = "getManifestLabel",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("manifestref" = String, Path, description = "The digest of the manifest"),
        ("labelid" = String, Path, description = "The ID of the label")
    ),
    responses(
        (status = 200, body = LabelView, description = "The label"),
        (status = 404, description = "No such manifest or label")
    )
)]
pub(crate) async fn get_manifest_label(
    guard: InRepository<Read, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<LabelPath>,
) -> Result<Json<LabelView>> {
    let digest = checked(path.manifestref)?;
    let repository = guard.repository()?.id;
    let label = api
        .registry()
        .label(repository, &digest, &path.labelid)
        .await
        .map_err(refusal)?;
    Ok(Json(label.into()))
}

/// Deletes an existing label from a manifest.
#[utoipa::path(
    delete,
    path = "/api/v1/repository/{repository}/manifest/{manifestref}/labels/{labelid}",
    operation_id = "deleteManifestLabel",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("manifestref" = String, Path, description = "The digest of the manifest"),
        ("labelid" = String, Path, description = "The ID of the label")
    ),
    responses(
        (status = 204, description = "The label is gone"),
        (status = 400, description = "The label belongs to the content"),
        (status = 404, description = "No such manifest or label")
    )
)]
pub(crate) async fn delete_manifest_label(
    guard: Normal<InRepository<Write, Superusers>>,
    State(api): State<Api>,
    Path(path): Path<LabelPath>,
) -> Result<NoContent> {
    let digest = checked(path.manifestref)?;
    let author = author(&api, guard.caller(), guard.repository()?);
    api.registry()
        .delete_label(&author, digest, path.labelid)
        .await
        .map_err(refusal)?;
    Ok(NoContent)
}
