//! `/api/v1/find`: searching (api-v1.md §5.20).

use std::collections::HashMap;

use axum::extract::State;
use pierhead_auth::accounts::Visibility;
use pierhead_db::queries::search::{FoundAccount, FoundRepository, FoundTeam};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::error::Result;
use crate::extract::{Query, query};
use crate::guard::Scoped;
use crate::json::Json;
use crate::route::{Routes, route};
use crate::services::search;
use crate::state::Api;
use crate::views::avatar::{Avatar, Of};

const OF_REPOSITORIES: f64 = 4.0;
const OF_TEAMS: f64 = 2.0;
const OF_ENTITIES: f64 = 1.0;

pub(crate) fn routes() -> Routes {
    Routes::tagged("search")
        .add(route!(find_all))
        .add(route!(find_repositories))
}

#[derive(Deserialize)]
struct FindAll {
    #[serde(default)]
    query: String,
}

/// Everything that was found, the best first.
#[derive(Serialize, ToSchema)]
struct SearchResults {
    results: Vec<SearchResult>,
}

/// One thing that was found.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum SearchResult {
    Repository(Box<RepositoryResult>),
    Entity(EntityResult),
    Team(Box<TeamResult>),
}

/// A person, organization or robot.
#[derive(Serialize, ToSchema)]
struct EntityResult {
    #[schema(value_type = String)]
    title: &'static str,
    #[schema(value_type = String, pattern = "^(user|organization|robot)$")]
    kind: &'static str,
    avatar: Option<Avatar>,
    name: String,
    score: f64,
    href: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_name: Option<String>,
}

/// A team.
#[derive(Serialize, ToSchema)]
struct TeamResult {
    #[schema(value_type = String, pattern = "^team$")]
    kind: &'static str,
    name: String,
    organization: EntityResult,
    avatar: Avatar,
    score: f64,
    href: String,
}

/// A repository.
#[derive(Serialize, ToSchema)]
struct RepositoryResult {
    #[schema(value_type = String, pattern = "^repository$")]
    kind: &'static str,
    #[schema(value_type = String)]
    title: &'static str,
    namespace: EntityResult,
    name: String,
    description: Option<String>,
    is_public: bool,
    score: f64,
    href: String,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stars: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    popularity: Option<f64>,
}

/// Get a list of entities and resources that match the specified query.
#[utoipa::path(
    get,
    path = "/api/v1/find/all",
    operation_id = "conductSearch",
    params(("query" = Option<String>, Query, description = "The search query.")),
    responses((status = 200, description = "What was found", body = SearchResults))
)]
async fn find_all(
    guard: Scoped,
    State(api): State<Api>,
    Query(asked): Query<FindAll>,
) -> Result<Json<SearchResults>> {
    let text = asked.query.as_str();
    if text.is_empty() {
        return Ok(Json(SearchResults {
            results: Vec::new(),
        }));
    }
    let user = guard.user();
    let found = search::everything(&api, text, user).await?;
    let own = user.map(|user| user.username.as_str());
    let entity = |account: &FoundAccount| entity(&api, account, own);
    let mut results: Vec<(f64, SearchResult)> = Vec::new();
    for team in &found.teams {
        let score = OF_TEAMS * search::score(&team.team, text);
        let team = team_result(&api, team, score, own);
        results.push((score, SearchResult::Team(Box::new(team))));
    }
    for account in found.robots.iter().chain(&found.namespaces) {
        let mut result = entity(account);
        let name = result.short_name.as_deref().unwrap_or(&result.name);
        result.score = OF_ENTITIES * search::score(name, text);
        results.push((result.score, SearchResult::Entity(result)));
    }
    for repository in &found.repositories {
        let score = OF_REPOSITORIES * search::score(&repository.name, text);
        let result = repository_result(&api, repository, score, own);
        results.push((score, SearchResult::Repository(Box::new(result))));
    }
    results.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let results = results.into_iter().map(|(_, result)| result).collect();
    Ok(Json(SearchResults { results }))
}

#[derive(Deserialize)]
struct FindRepositories {
    #[serde(default)]
    query: String,
    #[serde(default = "first_page")]
    page: i64,
    #[serde(default, rename = "includeUsage", deserialize_with = "query::flag")]
    include_usage: bool,
}

fn first_page() -> i64 {
    1
}

/// A page of repositories.
#[derive(Serialize, ToSchema)]
struct RepositorySearchResults {
    results: Vec<RepositoryResult>,
    has_additional: bool,
    page: u32,
    page_size: u32,
    start_index: u32,
}

/// Get a list of repositories that match the specified query.
#[utoipa::path(
    get,
    path = "/api/v1/find/repositories",
    operation_id = "conductRepoSearch",
    params(
        ("query" = Option<String>, Query, description = "The search query."),
        ("page" = Option<i64>, Query, description = "The page."),
        ("includeUsage" = Option<bool>, Query, description = "Whether to include usage metadata")
    ),
    responses((status = 200, description = "A page of repositories", body = RepositorySearchResults))
)]
async fn find_repositories(
    caller: Caller,
    State(api): State<Api>,
    Query(asked): Query<FindRepositories>,
) -> Result<Json<RepositorySearchResults>> {
    let config = &api.config().health;
    let page_size = config.search_results_per_page;
    let last_page = i64::from(config.search_max_result_page_count.max(1));
    let page = u32::try_from(asked.page.clamp(1, last_page)).unwrap_or(1);
    let start_index = (page - 1).saturating_mul(page_size);
    let user = caller.user();
    let mut found =
        search::repositories(&api, &asked.query, user, start_index, page_size + 1).await?;
    let has_additional = found.len() > page_size as usize;
    found.truncate(page_size as usize);
    let own = user.map(|user| user.username.as_str());
    let mut results: Vec<RepositoryResult> = found
        .iter()
        .map(|repository| repository_result(&api, repository, OF_REPOSITORIES, own))
        .collect();
    if asked.include_usage {
        let ids: Vec<_> = found.iter().map(|repository| repository.id).collect();
        let usage: HashMap<_, _> = search::usage(&api, &ids)
            .await?
            .into_iter()
            .map(|usage| (usage.repository_id, usage))
            .collect();
        for (result, repository) in results.iter_mut().zip(&found) {
            if let Some(usage) = usage.get(&repository.id) {
                result.last_modified = usage.last_tag_start_ms.map(|ms| ms / 1000);
                result.stars = Some(usage.stars);
                result.popularity = Some(usage.actions as f64);
            }
        }
    }
    Ok(Json(RepositorySearchResults {
        results,
        has_additional,
        page,
        page_size,
        start_index,
    }))
}

fn repository_result(
    api: &Api,
    found: &FoundRepository,
    score: f64,
    own: Option<&str>,
) -> RepositoryResult {
    RepositoryResult {
        kind: "repository",
        title: "repo",
        namespace: entity(api, &found.namespace, own),
        name: found.name.clone(),
        description: found.description.clone(),
        is_public: found.visibility_id == api.enums().id(Visibility::Public),
        score,
        href: format!("/repository/{}/{}", found.namespace.username, found.name),
        last_modified: None,
        stars: None,
        popularity: None,
    }
}

fn team_result(api: &Api, found: &FoundTeam, score: f64, own: Option<&str>) -> TeamResult {
    let organization = &found.organization;
    TeamResult {
        kind: "team",
        name: found.team.clone(),
        organization: entity(api, organization, own),
        avatar: api.avatar(Of::Team, &found.team, None),
        score,
        href: format!(
            "/organization/{}/teams/{}",
            organization.username, found.team
        ),
    }
}

fn entity(api: &Api, account: &FoundAccount, own: Option<&str>) -> EntityResult {
    let name = account.username.as_str();
    let (title, kind, avatar, href, short_name) = match name.split_once('+') {
        Some((owner, short)) => {
            let place = if own == Some(owner) {
                "user"
            } else {
                "organization"
            };
            let href = format!("/{place}/{owner}?tab=robots&showRobot={name}");
            ("robot", "robot", None, href, Some(short.to_owned()))
        }
        None if account.organization => {
            let avatar = api.avatar(Of::Org, name, Some(&account.email));
            (
                "org",
                "organization",
                Some(avatar),
                format!("/organization/{name}"),
                None,
            )
        }
        None => {
            let avatar = api.avatar(Of::User, name, Some(&account.email));
            ("user", "user", Some(avatar), format!("/user/{name}"), None)
        }
    };
    EntityResult {
        title,
        kind,
        avatar,
        name: name.to_owned(),
        score: OF_ENTITIES,
        href,
        short_name,
    }
}
