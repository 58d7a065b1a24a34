//! Asking for an export of an audit log, and fetching the file.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use pierhead_db::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Days, span};
use crate::error::Result;
use crate::extract::{Body, Path, Query, body};
use crate::guard::{Admin, AdminUser, Anyone, InRepository, LogExporter, SignedIn, Superusers};
use crate::json::Json;
use crate::route::{Routes, route};
use crate::services::log_export::{self, Export, To};
use crate::services::stored_files;
use crate::state::Api;

/// The routes of exports.
pub(super) fn routes() -> Routes {
    Routes::tagged("logs")
        .add(route!(export_repo_logs).when(|config| config.logs.feature_log_export))
        .add(route!(export_user_logs).when(|config| config.logs.feature_log_export))
        .add(route!(export_org_logs).when(|config| config.logs.feature_log_export))
        .get("/exportedlogs/{file_id}", exported_logs)
}

/// Who is told where the exported log lies.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ExportLogs {
    /// A URL that gets a POST with the address of the file.
    #[serde(default, deserialize_with = "body::present")]
    callback_url: Option<String>,
    /// An e-mail address that gets the address of the file.
    #[serde(default, deserialize_with = "body::present")]
    callback_email: Option<String>,
}

/// The export was queued.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueuedExport {
    /// Its id, which the callback tells as well.
    export_id: String,
}

/// Exports the audit log of a repository.
#[utoipa::path(post, path = "/api/v1/repository/{repository}/exportlogs", operation_id = "exportRepoLogs",
    params(("repository" = String, Path, description = "Namespace and name of the repository"), Days),
    request_body = ExportLogs, responses((status = 200, body = QueuedExport, description = "The export was queued")))]
pub(crate) async fn export_repo_logs(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Query(days): Query<Days>,
    Body(to): Body<ExportLogs>,
) -> Result<Json<QueuedExport>> {
    let repository = match guard.repository() {
        Ok(repository) => repository,
        Err(error) => {
            let (actor, name) = (guard.caller().actor(), guard.name());
            let told = To {
                url: to.callback_url.as_deref().filter(|url| !url.is_empty()),
                email: to.callback_email.as_deref().filter(|to| !to.is_empty()),
                repository: Some(name.repository()),
            };
            let reason = "non-existent repository";
            log_export::refuse(&api, actor, name.namespace(), &told, reason).await?;
            return Err(error);
        }
    };
    let export = Export {
        namespace: UserId(repository.namespace_id.0),
        namespace_name: repository.name.namespace().to_owned(),
        repository: Some((repository.id, repository.name.repository().to_owned())),
        span: span(&api, days.starttime.as_ref(), days.endtime.as_ref()),
        callback_url: to.callback_url,
        callback_email: to.callback_email,
    };
    let export_id = log_export::queue(&api, guard.caller().actor(), export).await?;
    Ok(Json(QueuedExport { export_id }))
}

/// Exports the audit log of the caller's own namespace.
#[utoipa::path(post, path = "/api/v1/user/exportlogs", operation_id = "exportUserLogs", params(Days),
    request_body = ExportLogs, responses((status = 200, body = QueuedExport, description = "The export was queued")))]
pub(crate) async fn export_user_logs(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Query(days): Query<Days>,
    Body(to): Body<ExportLogs>,
) -> Result<Json<QueuedExport>> {
    let export = Export {
        namespace: guard.user().id,
        namespace_name: guard.user().username.clone(),
        repository: None,
        span: span(&api, days.starttime.as_ref(), days.endtime.as_ref()),
        callback_url: to.callback_url,
        callback_email: to.callback_email,
    };
    let export_id = log_export::queue(&api, guard.caller().actor(), export).await?;
    Ok(Json(QueuedExport { export_id }))
}

/// Exports the audit log of an organization and its repositories.
#[utoipa::path(post, path = "/api/v1/organization/{orgname}/exportlogs", operation_id = "exportOrgLogs",
    params(("orgname" = String, Path, description = "The organization"), Days),
    request_body = ExportLogs, responses((status = 200, body = QueuedExport, description = "The export was queued")))]
pub(crate) async fn export_org_logs(
    guard: LogExporter,
    State(api): State<Api>,
    Query(days): Query<Days>,
    Body(to): Body<ExportLogs>,
) -> Result<Json<QueuedExport>> {
    let namespace = guard.namespace()?;
    let export = Export {
        namespace: namespace.id,
        namespace_name: namespace.name.to_owned(),
        repository: None,
        span: span(&api, days.starttime.as_ref(), days.endtime.as_ref()),
        callback_url: to.callback_url,
        callback_email: to.callback_email,
    };
    let export_id = log_export::queue(&api, guard.caller().actor(), export).await?;
    Ok(Json(QueuedExport { export_id }))
}

/// An exported log. Its name cannot be guessed, and whoever knows it may fetch it, as in Quay.
async fn exported_logs(
    _: Anyone,
    State(api): State<Api>,
    Path(file_id): Path<String>,
) -> Result<Response> {
    let file = stored_files::exported_log(&api, &file_id).await?;
    let mut response = file.into_body().into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}
