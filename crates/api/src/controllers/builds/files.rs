//! Files of builds outside of `/api/v1`: contexts that are uploaded and fetched, and logs (api-v1.md §6.5).

use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use serde_json::json;

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::extract::{Path, Query};
use crate::guard::{Anyone, RegistryClient};
use crate::json;
use crate::route::{Route, Routes};
use crate::services::builds::{self, BuildLogs, Shown, Sight};
use crate::services::stored_files;
use crate::state::Api;

/// The pages of builds.
pub(super) fn routes() -> Routes {
    Routes::pages()
        .get("/userfiles/{file_id}", get_context)
        .add(Route::page(
            Method::PUT,
            "/userfiles/{file_id}",
            put_context,
        ))
        .add(
            Route::page(Method::GET, "/logarchive/{file_id}", archived_log)
                .when(|config| config.builds.feature_build_support),
        )
        .add(
            Route::page(Method::GET, "/buildlogs/{build_uuid}", build_log)
                .when(|config| config.builds.feature_build_support),
        )
}

fn typed(bytes: impl Into<HttpBody>, media_type: &'static str) -> Response {
    let media_type = HeaderValue::from_static(media_type);
    ([(CONTENT_TYPE, media_type)], bytes.into()).into_response()
}

fn attachment(name: &str) -> Result<HeaderValue> {
    HeaderValue::try_from(format!("attachment;filename={name}")).map_err(|_| Error::no_such_page())
}

/// A build context, for the builder and for people. Whoever knows its id may fetch it, as in Quay.
async fn get_context(
    _: Anyone,
    State(api): State<Api>,
    Path(file_id): Path<String>,
) -> Result<Response> {
    let slice = stored_files::build_context(&api, &file_id).await?;
    let mut response = typed(slice.into_body(), "application/octet-stream");
    response
        .headers_mut()
        .insert(CONTENT_DISPOSITION, attachment(&file_id)?);
    Ok(response)
}

/// What allows an upload.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Upload {
    permit: String,
}

/// Uploads a build context to a URL of `/api/v1/filedrop/`.
async fn put_context(
    _: Anyone,
    State(api): State<Api>,
    Path(file_id): Path<String>,
    Query(upload): Query<Upload>,
    body: HttpBody,
) -> Result<&'static str> {
    if api.is_read_only() {
        return Err(Error::ReadOnly);
    }
    let bytes = body.into_data_stream();
    stored_files::store_context(&api, &file_id, &upload.permit, bytes).await?;
    Ok("Okay")
}

/// A build whose log the caller may read: who may push, and readers where `FEATURE_READER_BUILD_LOGS` is on. Others are not
/// told whether there is such a build.
async fn readable(api: &Api, caller: &Caller, uuid: &str) -> Result<Shown> {
    let refused = || Error::web(StatusCode::FORBIDDEN, "You may not read this log.");
    let build = builds::find_anywhere(api, uuid).await?;
    let build = build.ok_or_else(refused)?;
    let sight = Sight::of(api, caller, &build.build.namespace, &build.build.name).await?;
    let readers = api.config().builds.feature_reader_build_logs;
    if sight.write || (readers && (sight.public || sight.read)) {
        Ok(build)
    } else {
        Err(refused())
    }
}

/// A log from the archive.
async fn archived_log(
    guard: RegistryClient,
    State(api): State<Api>,
    Path(file_id): Path<String>,
) -> Result<Response> {
    readable(&api, guard.caller(), &file_id).await?;
    match stored_files::build_log(&api, &file_id).await? {
        Some(log) => Ok(typed(log, "application/json")),
        None => Err(Error::web(
            StatusCode::FORBIDDEN,
            "There is no archived log of this build.",
        )),
    }
}

/// A log, wherever it is.
async fn build_log(
    guard: RegistryClient,
    State(api): State<Api>,
    Path(build_uuid): Path<String>,
) -> Result<Response> {
    let build = readable(&api, guard.caller(), &build_uuid).await?;
    match builds::logs(&api, &build, 0) {
        BuildLogs::Archived { url } => Ok(Redirect::to(&url).into_response()),
        BuildLogs::Running { .. } => {
            let mut response = json::compact(StatusCode::OK, json!({ "logs": [] }));
            let name = attachment(&format!("{}.json", build.build.uuid))?;
            response.headers_mut().insert(CONTENT_DISPOSITION, name);
            Ok(response)
        }
    }
}
