//! Audit logs of repositories, people, organizations and the whole registry, and their exports (api-v1.md §5.13, §5.22).

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::dates;
use crate::error::Result;
use crate::extract::Query;
use crate::guard::{
    Admin, AdminUser, AllSuperusers, Fresh, InOrganization, InRepository, OrgAdmin, SignedIn,
    SuperuserOnly,
};
use crate::json::Json;
use crate::route::{Routes, route};
use crate::services::logs::{self, Count, Of, Span};
use crate::state::Api;
use crate::views::log_entry::LogEntry;

mod export;

/// The routes of this domain.
pub(crate) fn routes() -> Routes {
    Routes::tagged("logs")
        .add(route!(list_repo_logs))
        .add(route!(list_user_logs))
        .add(route!(list_org_logs))
        .add(route!(list_all_logs).when(|config| config.users.feature_super_users))
        .add(
            route!(aggregate_repo_logs)
                .when(|config| config.logs.feature_aggregated_log_count_retrieval),
        )
        .add(
            route!(aggregate_user_logs)
                .when(|config| config.logs.feature_aggregated_log_count_retrieval),
        )
        .add(
            route!(aggregate_org_logs)
                .when(|config| config.logs.feature_aggregated_log_count_retrieval),
        )
        .add(
            route!(aggregate_all_logs)
                .when(|config| config.users.feature_super_users)
                .internal(),
        )
        .merge(export::routes())
}

/// Which part of a log is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct RepositoryPart {
    /// The first day, as `MM/DD/YYYY` in UTC; yesterday if it is missing.
    starttime: Option<String>,
    /// The last day, as `MM/DD/YYYY` in UTC; today if it is missing.
    endtime: Option<String>,
    /// The `next_page` of the page before.
    next_page: Option<String>,
}

/// Which part of a log is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct NamespacePart {
    /// The first day, as `MM/DD/YYYY` in UTC; yesterday if it is missing.
    starttime: Option<String>,
    /// The last day, as `MM/DD/YYYY` in UTC; today if it is missing.
    endtime: Option<String>,
    /// Only what this person or robot did.
    performer: Option<String>,
    /// The `next_page` of the page before.
    next_page: Option<String>,
}

/// Which part of a log is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct RegistryPart {
    /// The first day, as `MM/DD/YYYY` in UTC; yesterday if it is missing.
    starttime: Option<String>,
    /// The last day, as `MM/DD/YYYY` in UTC; today if it is missing.
    endtime: Option<String>,
    /// Not used: pages are asked for by `next_page`.
    #[serde(rename = "page")]
    _page: Option<i64>,
    /// The `next_page` of the page before.
    next_page: Option<String>,
}

/// Which days are counted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Days {
    /// The first day, as `MM/DD/YYYY` in UTC; yesterday if it is missing.
    starttime: Option<String>,
    /// The last day, as `MM/DD/YYYY` in UTC; today if it is missing.
    endtime: Option<String>,
}

/// Which days of a namespace are counted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct NamespaceDays {
    /// The first day, as `MM/DD/YYYY` in UTC; yesterday if it is missing.
    starttime: Option<String>,
    /// The last day, as `MM/DD/YYYY` in UTC; today if it is missing.
    endtime: Option<String>,
    /// Only what this person or robot did.
    performer: Option<String>,
}

/// A page of an audit log, newest rows first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogPage {
    /// From when, RFC 2822.
    start_time: String,
    /// Before when, RFC 2822.
    end_time: String,
    logs: Vec<LogEntry>,
    /// Asks for the next page; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
}

/// How often things happened, by day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AggregatedLogs {
    aggregated: Vec<AggregatedLog>,
}

/// How often something happened on a day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AggregatedLog {
    /// What happened.
    kind: String,
    /// How often.
    count: i64,
    /// The day, RFC 2822.
    datetime: String,
}

impl From<Count> for AggregatedLog {
    fn from(count: Count) -> Self {
        Self {
            kind: count.kind,
            count: count.times,
            datetime: dates::rfc2822(count.day),
        }
    }
}

fn span(api: &Api, start: Option<&String>, end: Option<&String>) -> Span {
    let now = api.accounts().now();
    Span::new(start.map(String::as_str), end.map(String::as_str), now)
}

async fn page(
    api: &Api,
    of: Of,
    span: Span,
    token: Option<&str>,
    max_pages: Option<u32>,
) -> Result<Json<LogPage>> {
    let page = logs::page(api, of, span, token, max_pages).await?;
    Ok(Json(LogPage {
        start_time: dates::rfc2822(span.start),
        end_time: dates::rfc2822(span.end),
        logs: page.entries,
        next_page: page.next,
    }))
}

async fn counts(api: &Api, of: Of, span: Span) -> Result<Json<AggregatedLogs>> {
    let counts = logs::counts(api, of, span).await?;
    Ok(Json(AggregatedLogs {
        aggregated: counts.into_iter().map(AggregatedLog::from).collect(),
    }))
}

/// The audit log of a repository.
#[utoipa::path(get, path = "/api/v1/repository/{repository}/logs", operation_id = "listRepoLogs",
    params(("repository" = String, Path, description = "Namespace and name of the repository"), RepositoryPart),
    responses((status = 200, body = LogPage, description = "A page of the log")))]
pub(crate) async fn list_repo_logs(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
    Query(part): Query<RepositoryPart>,
) -> Result<Json<LogPage>> {
    let of = Of::Repository(guard.repository()?.id);
    let span = span(&api, part.starttime.as_ref(), part.endtime.as_ref()).checked()?;
    let most = api.config().logs.action_log_max_page;
    page(&api, of, span, part.next_page.as_deref(), most).await
}

/// The audit log of the caller's own namespace.
#[utoipa::path(get, path = "/api/v1/user/logs", operation_id = "listUserLogs", params(NamespacePart),
    responses((status = 200, body = LogPage, description = "A page of the log")))]
pub(crate) async fn list_user_logs(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Query(part): Query<NamespacePart>,
) -> Result<Json<LogPage>> {
    let span = span(&api, part.starttime.as_ref(), part.endtime.as_ref()).checked()?;
    let most = api.config().logs.action_log_max_page;
    let of = Of::User(guard.user().id, part.performer);
    page(&api, of, span, part.next_page.as_deref(), most).await
}

/// The audit log of an organization, or of a person's namespace, and its repositories.
#[utoipa::path(get, path = "/api/v1/organization/{orgname}/logs", operation_id = "listOrgLogs",
    params(("orgname" = String, Path, description = "The organization"), NamespacePart),
    responses((status = 200, body = LogPage, description = "A page of the log")))]
pub(crate) async fn list_org_logs(
    guard: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
    Query(part): Query<NamespacePart>,
) -> Result<Json<LogPage>> {
    let namespace = guard.namespace()?.id;
    let span = span(&api, part.starttime.as_ref(), part.endtime.as_ref()).checked()?;
    let most = api.config().logs.action_log_max_page;
    let of = Of::Organization(namespace, part.performer);
    page(&api, of, span, part.next_page.as_deref(), most).await
}

/// The audit log of the whole registry.
#[utoipa::path(get, path = "/api/v1/superuser/logs", operation_id = "listAllLogs", params(RegistryPart),
    responses((status = 200, body = LogPage, description = "A page of the log")))]
pub(crate) async fn list_all_logs(
    _: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Query(part): Query<RegistryPart>,
) -> Result<Json<LogPage>> {
    let span = span(&api, part.starttime.as_ref(), part.endtime.as_ref());
    page(&api, Of::All, span, part.next_page.as_deref(), None).await
}

/// How often things happened in a repository, by day.
#[utoipa::path(get, path = "/api/v1/repository/{repository}/aggregatelogs", operation_id = "getAggregateRepoLogs",
    params(("repository" = String, Path, description = "Namespace and name of the repository"), Days),
    responses((status = 200, body = AggregatedLogs, description = "The counts")))]
pub(crate) async fn aggregate_repo_logs(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
    Query(days): Query<Days>,
) -> Result<Json<AggregatedLogs>> {
    let of = Of::Repository(guard.repository()?.id);
    let span = span(&api, days.starttime.as_ref(), days.endtime.as_ref()).checked()?;
    counts(&api, of, span).await
}

/// How often things happened in the caller's own namespace, by day.
#[utoipa::path(get, path = "/api/v1/user/aggregatelogs", operation_id = "getAggregateUserLogs", params(NamespaceDays),
    responses((status = 200, body = AggregatedLogs, description = "The counts")))]
pub(crate) async fn aggregate_user_logs(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Query(days): Query<NamespaceDays>,
) -> Result<Json<AggregatedLogs>> {
    let span = span(&api, days.starttime.as_ref(), days.endtime.as_ref()).checked()?;
    counts(&api, Of::User(guard.user().id, days.performer), span).await
}

/// How often things happened in an organization, by day.
#[utoipa::path(get, path = "/api/v1/organization/{orgname}/aggregatelogs", operation_id = "getAggregateOrgLogs",
    params(("orgname" = String, Path, description = "The organization"), NamespaceDays),
    responses((status = 200, body = AggregatedLogs, description = "The counts")))]
pub(crate) async fn aggregate_org_logs(
    guard: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
    Query(days): Query<NamespaceDays>,
) -> Result<Json<AggregatedLogs>> {
    let namespace = guard.namespace()?.id;
    let span = span(&api, days.starttime.as_ref(), days.endtime.as_ref()).checked()?;
    counts(&api, Of::Organization(namespace, days.performer), span).await
}

/// How often things happened in the whole registry, by day.
#[utoipa::path(get, path = "/api/v1/superuser/aggregatelogs", operation_id = "listAllAggregateLogs", params(Days),
    responses((status = 200, body = AggregatedLogs, description = "The counts")))]
pub(crate) async fn aggregate_all_logs(
    _: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Query(days): Query<Days>,
) -> Result<Json<AggregatedLogs>> {
    let span = span(&api, days.starttime.as_ref(), days.endtime.as_ref());
    counts(&api, Of::All, span).await
}
