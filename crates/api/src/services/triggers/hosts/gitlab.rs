//! GitLab, by its REST API (<https://docs.gitlab.com/api/rest/>), as Quay uses it: the person's OAuth token, a deploy key, and a
//! webhook for pushes and tags. As in Quay what GitLab refuses is a failure of GitLab, except a token that does not count.

use std::time::Duration;

use async_trait::async_trait;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pierhead_client::Client;
use pierhead_config::{Config, Secret};
use serde_json::{Map, Value, json};

use super::installing::Shelf;
use super::{
    GitHost, HostError, Installation, LOOKUPS, Namespace, Part, Reference, Repository, Result,
    Source, without_token,
};
use crate::dates;
use crate::services::hosted::connection::{Connection, Credential, Paging, path};
use crate::services::hosted::json_path::{at, string, text};
use crate::services::hosted::oauth2::OAuthClient;
use crate::services::triggers::commit::matching_branches;
use crate::services::triggers::metadata::{CommitInfo, Metadata, Person};
use crate::services::triggers::payload::{Incoming, gitlab as payload};

const SERVICE: &str = "GitLab";
/// Quay's patience with one call.
const PATIENCE: Duration = Duration::from_secs(20);
const PAGING: Paging = Paging {
    size: 100,
    parameter: "per_page",
};
/// The access level from which on somebody may add keys and webhooks: maintainers.
const MAINTAINER: i64 = 40;
/// What Quay says of whatever GitLab refuses.
const FAILED: &str = "GitLab API error. Please contact support.";

/// How GitLab is reached.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    client: Client,
    oauth: OAuthClient,
    endpoint: String,
}

impl Settings {
    pub(super) fn new(config: &Config, client: &Client) -> Self {
        let given = config.builds.gitlab_trigger_config.as_ref();
        let named = given.map(|gitlab| &gitlab.gitlab_endpoint);
        let endpoint = named.map_or("https://gitlab.com", |url| url.as_url().as_str());
        Self {
            client: client.clone(),
            oauth: OAuthClient {
                id: given
                    .and_then(|gitlab| gitlab.client_id.clone())
                    .unwrap_or_default(),
                secret: given.and_then(|gitlab| gitlab.client_secret.clone()),
            },
            endpoint: endpoint.trim_end_matches('/').to_owned(),
        }
    }

    pub(super) fn open(&self, token: Option<&Secret>) -> GitLab {
        let nobody = Secret::new("invalid");
        let credential = Credential::token("Bearer", token.unwrap_or(&nobody));
        let api = format!("{}/api/v4", self.endpoint);
        GitLab(Connection::new(
            &self.client,
            SERVICE,
            PATIENCE,
            &api,
            credential,
        ))
    }

    pub(super) async fn exchange(&self, code: &str, base_url: &str) -> Result<Secret> {
        let url = format!("{}/oauth/token", self.endpoint);
        let redirect_uri = format!("{base_url}/oauth2/gitlab/callback/trigger");
        self.oauth
            .exchange(&self.client, SERVICE, &url, code, &redirect_uri)
            .await
            .map_err(|error| without_token(SERVICE, error))
    }
}

/// GitLab on behalf of a person.
pub(super) struct GitLab(Connection);

impl GitLab {
    /// The path of a project, and of something in it.
    fn path(source: &str, rest: &[&str]) -> Result<String> {
        path(&[&["projects", source], rest].concat()).ok_or_else(|| {
            HostError::Refused(format!(
                "Unable to find GitLab repository for source: {source}"
            ))
        })
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value> {
        self.0.get(path, query).await.map_err(failed)
    }

    async fn all(
        &self,
        path: &str,
        query: &[(&str, &str)],
        limit: Option<usize>,
    ) -> Result<Vec<Value>> {
        let found = self.0.numbered(path, query, PAGING, limit).await;
        found.map_err(failed)
    }

    async fn names(&self, source: &str, of: &str, limit: Option<usize>) -> Result<Vec<String>> {
        let path = Self::path(source, &["repository", of])?;
        let found = self.all(&path, &[], limit).await?;
        Ok(found
            .iter()
            .filter_map(|item| string(item, "name"))
            .collect())
    }

    /// The one person whom a search for an address finds.
    async fn person(&self, email: Option<&str>) -> Result<Option<Person>> {
        let Some(email) = email else {
            return Ok(None);
        };
        let found = self.all("/users", &[("search", email)], Some(2)).await?;
        Ok(match &*found {
            [one] => Person::named(
                string(one, "username"),
                string(one, "web_url"),
                string(one, "avatar_url"),
            ),
            _ => None,
        })
    }

    async fn commit(&self, source: &str, hash: &str) -> Result<Value> {
        let path = Self::path(source, &["repository", "commits", hash])?;
        self.get(&path, &[]).await
    }
}

/// A refusal as Quay's callers see it.
fn failed(error: HostError) -> HostError {
    match error {
        HostError::Answered { status, .. } if status == StatusCode::UNAUTHORIZED => {
            error.or_told("GitLab does not accept the token of this trigger any more")
        }
        HostError::Answered { status, told, .. } => {
            tracing::warn!(status = status.as_u16(), told, "the GitLab API refused");
            HostError::Failed(FAILED.to_owned())
        }
        other => other,
    }
}

/// What a project calls a list of such parts.
fn list_of(part: Part) -> &'static str {
    match part {
        Part::Key => "deploy_keys",
        Part::Webhook => "hooks",
    }
}

fn source(project: &Value) -> Source {
    let level = |of: &str| {
        let access = at(project, "permissions").and_then(|permissions| permissions.get(of));
        let access = access.filter(|access| !access.is_null())?;
        Some(
            at(access, "access_level")
                .and_then(Value::as_i64)
                .unwrap_or_default(),
        )
    };
    let levels = (level("group_access"), level("project_access"));
    Source {
        name: string(project, "path").unwrap_or_default(),
        full_name: string(project, "path_with_namespace").unwrap_or_default(),
        description: string(project, "description").unwrap_or_default(),
        last_updated: text(project, "last_activity_at")
            .and_then(dates::epoch_of_rfc3339)
            .unwrap_or_default(),
        url: string(project, "web_url").unwrap_or_default(),
        // Where GitLab does not say it, it decides when the webhook is added.
        has_admin_permissions: match levels {
            (Some(group), Some(project)) => group.max(project) >= MAINTAINER,
            _ => true,
        },
        private: text(project, "visibility") == Some("private"),
    }
}

/// A build of what a report says.
fn from_report(report: &Value, pushed: &payload::Pushed<'_>) -> Incoming {
    let commit = pushed.commit.unwrap_or(&Value::Null);
    let default_branch = text(report, "project.default_branch");
    let metadata = payload::metadata(report, pushed.hash, commit, default_branch);
    Incoming::Push(metadata.into())
}

#[async_trait]
impl GitHost for GitLab {
    async fn namespaces(&self) -> Result<Vec<Namespace>> {
        let found = self.all("/namespaces", &[], None).await?;
        let namespaces = found.iter().filter_map(|namespace| {
            Some(Namespace {
                personal: text(namespace, "kind") == Some("user"),
                id: at(namespace, "id")?.to_string(),
                title: string(namespace, "name").unwrap_or_default(),
                avatar_url: string(namespace, "avatar_url"),
                url: string(namespace, "web_url").unwrap_or_default(),
                score: 1,
            })
        });
        Ok(namespaces.collect())
    }

    async fn sources(&self, namespace: &str) -> Result<Vec<Source>> {
        let Some(path_of_namespace) = path(&["namespaces", namespace]) else {
            return Ok(Vec::new());
        };
        let found = match self.0.get(&path_of_namespace, &[]).await {
            Err(HostError::Answered { status, .. }) if status != StatusCode::UNAUTHORIZED => {
                return Ok(Vec::new());
            }
            found => found.map_err(failed)?,
        };
        let id = if text(&found, "kind") == Some("group") {
            ("groups", at(&found, "id").cloned())
        } else {
            // The id of a person's namespace is not that of the person.
            ("users", at(&self.get("/user", &[]).await?, "id").cloned())
        };
        let (kind, Some(id)) = id else {
            return Err(self.0.unexpected("a namespace"));
        };
        let projects = self
            .all(&format!("/{kind}/{id}/projects"), &[], None)
            .await?;
        Ok(projects.iter().map(source).collect())
    }

    async fn repository(&self, source: &str) -> Result<Repository> {
        let found = self.get(&Self::path(source, &[])?, &[]).await?;
        Ok(Repository {
            default_branch: string(&found, "default_branch"),
            git_url: string(&found, "ssh_url_to_repo"),
            page: string(&found, "web_url"),
        })
    }

    async fn branches(&self, source: &str, limit: Option<usize>) -> Result<Vec<String>> {
        self.names(source, "branches", limit).await
    }

    async fn tags(&self, source: &str, limit: Option<usize>) -> Result<Vec<String>> {
        self.names(source, "tags", limit).await
    }

    /// As in Quay those of the topmost folder alone.
    async fn files(&self, source: &str, branch: &str) -> Result<Vec<String>> {
        let path = Self::path(source, &["repository", "tree"])?;
        let tree = self.all(&path, &[("ref", branch)], None).await?;
        if tree.is_empty() {
            let text = format!("Unable to find GitLab repository tree for source: {source}");
            return Err(HostError::Refused(text));
        }
        let files = tree
            .iter()
            .filter(|entry| text(entry, "type") == Some("blob"));
        Ok(files.filter_map(|entry| string(entry, "name")).collect())
    }

    async fn file(
        &self,
        source: &str,
        file: &str,
        config: &Map<String, Value>,
    ) -> Result<Option<Vec<u8>>> {
        let default = self.repository(source).await?.default_branch;
        let branches = matching_branches(config, self.branches(source, None).await?);
        let Some(branch) = branches
            .iter()
            .find(|branch| Some(*branch) == default.as_ref())
            .or(branches.first())
        else {
            return Ok(None);
        };
        let Ok(path) = Self::path(source, &["repository", "files", file]) else {
            return Ok(None);
        };
        let found = match self.0.get(&path, &[("ref", branch)]).await {
            Err(HostError::Answered { .. }) => return Ok(None),
            found => found?,
        };
        Ok(text(&found, "content").and_then(|content| STANDARD.decode(content).ok()))
    }

    async fn hash(&self, source: &str, reference: &Reference) -> Result<String> {
        let (kind, name) = match reference {
            Reference::Branch(name) => ("branches", name),
            Reference::Tag(name) => ("tags", name),
        };
        let Ok(path) = Self::path(source, &["repository", kind, name]) else {
            return Err(reference.missing());
        };
        match self.0.get(&path, &[]).await {
            Err(HostError::Answered { status, .. }) if status != StatusCode::UNAUTHORIZED => {
                Err(reference.missing())
            }
            Err(error) => Err(failed(error)),
            Ok(found) => string(&found, "commit.id").ok_or_else(|| reference.missing()),
        }
    }

    async fn metadata(
        &self,
        source: &str,
        repository: &Repository,
        hash: &str,
        reference: &Reference,
    ) -> Result<Metadata> {
        let commit = self.commit(source, hash).await?;
        let committer = self.person(text(&commit, "committer_email")).await?;
        let author = if text(&commit, "author_email") == text(&commit, "committer_email") {
            committer.clone()
        } else {
            self.person(text(&commit, "author_email")).await?
        };
        let hash = text(&commit, "id").unwrap_or(hash);
        Ok(Metadata {
            commit: Some(hash.to_owned()),
            reference: Some(reference.full_name()),
            default_branch: repository.default_branch.clone(),
            git_url: repository.git_url.clone(),
            commit_info: CommitInfo {
                url: repository
                    .page
                    .as_ref()
                    .map(|page| format!("{page}/commit/{hash}")),
                message: string(&commit, "message"),
                date: string(&commit, "committed_date"),
                author,
                committer,
            },
        })
    }

    async fn before_installation(&self, source: &str) -> Result<Map<String, Value>> {
        self.get(&Self::path(source, &[])?, &[]).await?;
        Ok(Map::new())
    }

    async fn add(
        &self,
        source: &str,
        part: Part,
        installation: &Installation<'_>,
    ) -> Result<Value> {
        let body = match part {
            Part::Key => json!({
                "title": format!("{} Builder", installation.title),
                "key": installation.public_key,
            }),
            Part::Webhook => json!({
                "url": installation.webhook.expose(),
                "push_events": true,
                "tag_push_events": true,
            }),
        };
        let path = Self::path(source, &[list_of(part)])?;
        self.0.create(&path, &body, "id").await
    }

    fn shelf(&self, source: &str, part: Part) -> Result<Shelf> {
        let content = match part {
            Part::Key => "key",
            Part::Webhook => "url",
        };
        Ok(Shelf {
            path: Self::path(source, &[list_of(part)])?,
            content,
            id: "id",
        })
    }

    async fn kept(&self, shelf: &Shelf) -> Result<Vec<Value>> {
        self.0.numbered(&shelf.path, &[], PAGING, None).await
    }

    fn connection(&self) -> &Connection {
        &self.0
    }

    fn not_added(&self, _: &str, _: Part, error: HostError) -> HostError {
        failed(error)
    }

    fn setting(&self, part: Part) -> &'static str {
        match part {
            Part::Key => "key_id",
            Part::Webhook => "hook_id",
        }
    }

    fn renewed(&self) -> Box<dyn GitHost> {
        Box::new(Self(self.0.renewed()))
    }

    async fn pushed(&self, source: Option<&str>, report: Value) -> Result<Incoming> {
        let Some(source) = source else {
            return Ok(Incoming::malformed("The trigger has no build_source"));
        };
        let pushed = match payload::pushed(&report) {
            Ok(Some(pushed)) => pushed,
            Ok(None) => return Ok(Incoming::Nothing),
            Err(problem) => return Ok(Incoming::Malformed(problem)),
        };
        let hurried = Self(self.0.within(LOOKUPS));
        let default_branch = match hurried.0.get(&Self::path(source, &[])?, &[]).await {
            // Tokens of GitLab are over after two hours: from then on what the event says must do, and so it must while GitLab
            // does not answer.
            Err(error) if error.is_failure() || error.is_status(StatusCode::UNAUTHORIZED) => {
                tracing::info!(%error, source, "a push is built with what GitLab's report says");
                return Ok(from_report(&report, &pushed));
            }
            found => string(&found.map_err(failed)?, "default_branch"),
        };
        // The event names the last twenty commits of a push, and none of a tag.
        let looked_up = match pushed.commit {
            Some(_) => None,
            None => match hurried.commit(source, pushed.hash).await {
                Err(HostError::Failed(_)) => return Ok(from_report(&report, &pushed)),
                found => Some(found?),
            },
        };
        let Some(commit) = pushed.commit.or(looked_up.as_ref()) else {
            return Ok(Incoming::Nothing);
        };
        let default_branch = default_branch.as_deref();
        let mut metadata = payload::metadata(&report, pushed.hash, commit, default_branch);
        let email = text(commit, "author.email").or_else(|| text(commit, "author_email"));
        metadata.commit_info.author = hurried.person(email).await.unwrap_or_default();
        Ok(Incoming::Push(metadata.into()))
    }
}
