//! Bitbucket Cloud, by OAuth 1.0a and version 2.0 of its API (<https://developer.atlassian.com/cloud/bitbucket/rest/>).
//!
//! Quay speaks version 1.0, which Bitbucket switched off in 2019: the flow and what is stored are Quay's, the calls are the
//! ones that took the place of Quay's. Who owns repositories is a workspace now.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::installing::Shelf;
use super::{
    GitHost, HostError, Installation, LOOKUPS, Namespace, Part, Reference, Repository, Result,
    Source,
};
use crate::dates;
use crate::services::hosted::connection::{Connection, Paging, path};
use crate::services::hosted::json_path::{at, string, text};
use crate::services::triggers::metadata::{CommitInfo, Metadata, Person};
use crate::services::triggers::payload::{Incoming, bitbucket as payload};

mod settings;

pub(in crate::services::triggers) use settings::Settings;

const SERVICE: &str = "Bitbucket";
const PAGING: Paging = Paging {
    size: 100,
    parameter: "pagelen",
};
/// The branch of a repository that does not say its main one.
const USUAL_BRANCH: &str = "master";

/// Bitbucket on behalf of a person.
pub(super) struct Bitbucket {
    connection: Connection,
    endpoint: String,
}

impl Bitbucket {
    /// The path of a repository, and of something in it.
    fn path(source: &str, rest: &[&str]) -> Result<String> {
        let segments = source
            .split_once('/')
            .map(|(workspace, name)| [&["repositories", workspace, name], rest].concat());
        segments
            .and_then(|segments| path(&segments))
            .ok_or_else(|| {
                HostError::Refused(format!(
                    "Unable to find Bitbucket repository for source: {source}"
                ))
            })
    }

    async fn names(&self, source: &str, of: &str, limit: Option<usize>) -> Result<Vec<String>> {
        let path = Self::path(source, &["refs", of])?;
        let found = self.connection.linked(&path, &[], PAGING, limit).await?;
        Ok(found
            .iter()
            .filter_map(|item| string(item, "name"))
            .collect())
    }

    async fn target(&self, source: &str, reference: &Reference) -> Result<String> {
        let (kind, name) = match reference {
            Reference::Branch(name) => ("branches", name),
            Reference::Tag(name) => ("tags", name),
        };
        let segments: Vec<&str> = ["refs", kind].into_iter().chain(name.split('/')).collect();
        let Ok(path) = Self::path(source, &segments) else {
            return Err(reference.missing());
        };
        let found = match self.connection.get(&path, &[]).await {
            Err(HostError::Answered { .. }) => return Err(reference.missing()),
            found => found?,
        };
        string(&found, "target.hash").ok_or_else(|| reference.missing())
    }

    async fn repositories(&self, workspace: &str, role: &str) -> Result<Vec<Value>> {
        let Some(path) = path(&["repositories", workspace]) else {
            return Ok(Vec::new());
        };
        let query = [("role", role), ("sort", "-updated_on")];
        let found = self.connection.linked(&path, &query, PAGING, None).await;
        found.map_err(unreadable)
    }
}

fn unreadable(error: HostError) -> HostError {
    match error {
        HostError::Answered { .. } => {
            HostError::Refused(format!("Could not read repository list: {error}"))
        }
        other => other,
    }
}

/// What a repository calls a list of such parts.
fn list_of(part: Part) -> &'static str {
    match part {
        Part::Key => "deploy-keys",
        Part::Webhook => "hooks",
    }
}

/// What names a part.
fn id_of(part: Part) -> &'static str {
    match part {
        Part::Key => "id",
        Part::Webhook => "uuid",
    }
}

/// A refusal with what was not possible before it.
fn unable(what: &str) -> impl Fn(HostError) -> HostError {
    move |error| match error {
        HostError::Answered { .. } => HostError::Refused(format!("Unable to {what}: {error}")),
        other => other,
    }
}

#[async_trait]
impl GitHost for Bitbucket {
    async fn namespaces(&self) -> Result<Vec<Namespace>> {
        let found = self
            .connection
            .linked("/user/workspaces", &[], PAGING, None)
            .await
            .map_err(unreadable)?;
        // Whose workspace is the own one is worth knowing, but no reason to show none.
        let nickname = match self.connection.get("/user", &[]).await {
            Err(HostError::Answered { .. }) => None,
            user => string(&user?, "nickname"),
        };
        let workspaces = found.iter().filter_map(|access| at(access, "workspace"));
        Ok(workspaces
            .filter_map(|workspace| {
                let slug = string(workspace, "slug")?;
                Some(Namespace {
                    personal: Some(&slug) == nickname.as_ref(),
                    title: string(workspace, "name").unwrap_or_else(|| slug.clone()),
                    avatar_url: string(workspace, "links.avatar.href"),
                    url: format!("{}/{slug}", self.endpoint),
                    score: 1,
                    id: slug,
                })
            })
            .collect())
    }

    async fn sources(&self, namespace: &str) -> Result<Vec<Source>> {
        let all = self.repositories(namespace, "member").await?;
        let administered = self.repositories(namespace, "admin").await?;
        let administered: Vec<&str> = administered
            .iter()
            .filter_map(|repository| text(repository, "full_name"))
            .collect();
        let sources = all.iter().filter_map(|repository| {
            let full_name = string(repository, "full_name")?;
            let (_, slug) = full_name.split_once('/')?;
            Some(Source {
                name: slug.to_owned(),
                description: string(repository, "description").unwrap_or_default(),
                last_updated: text(repository, "updated_on")
                    .and_then(dates::epoch_of_rfc3339)
                    .unwrap_or_default(),
                url: format!("{}/{full_name}", self.endpoint),
                has_admin_permissions: administered.contains(&&*full_name),
                private: at(repository, "is_private").and_then(Value::as_bool) == Some(true),
                full_name,
            })
        });
        Ok(sources.collect())
    }

    /// One that cannot be read has the usual default branch, as in Quay.
    async fn repository(&self, source: &str) -> Result<Repository> {
        let path = Self::path(source, &[])?;
        let default_branch = match self.connection.get(&path, &[]).await {
            Err(HostError::Answered { .. }) => None,
            found => string(&found?, "mainbranch.name"),
        };
        Ok(Repository {
            default_branch: default_branch.or_else(|| Some(USUAL_BRANCH.to_owned())),
            git_url: Some(payload::git_url(source)),
            page: Some(format!("{}/{source}", self.endpoint)),
        })
    }

    async fn branches(&self, source: &str, limit: Option<usize>) -> Result<Vec<String>> {
        let found = self.names(source, "branches", limit).await;
        found.map_err(|error| error.or_told("Could not list the branches of the repository"))
    }

    async fn tags(&self, source: &str, limit: Option<usize>) -> Result<Vec<String>> {
        let found = self.names(source, "tags", limit).await;
        found.map_err(|error| error.or_told("Could not list the tags of the repository"))
    }

    /// As in Quay those of the topmost folder alone.
    async fn files(&self, source: &str, branch: &str) -> Result<Vec<String>> {
        let hash = self
            .target(source, &Reference::Branch(branch.to_owned()))
            .await?;
        let path = format!("{}/", Self::path(source, &["src", &hash])?);
        let entries = self.connection.linked(&path, &[], PAGING, None).await;
        let entries =
            entries.map_err(|error| error.or_told("Could not list the files of the repository"))?;
        let files = entries
            .iter()
            .filter(|entry| text(entry, "type") == Some("commit_file"));
        Ok(files.filter_map(|entry| string(entry, "path")).collect())
    }

    async fn file(
        &self,
        source: &str,
        file: &str,
        _: &Map<String, Value>,
    ) -> Result<Option<Vec<u8>>> {
        let default = self.repository(source).await?.default_branch;
        let default = default.unwrap_or_else(|| USUAL_BRANCH.to_owned());
        let hash = match self.target(source, &Reference::Branch(default)).await {
            Err(HostError::Refused(_)) => return Ok(None),
            hash => hash?,
        };
        let segments: Vec<&str> = ["src", &*hash].into_iter().chain(file.split('/')).collect();
        let Ok(path) = Self::path(source, &segments) else {
            return Ok(None);
        };
        match self.connection.ask(&path, &[]).await {
            Err(HostError::Answered { .. }) => Ok(None),
            found => Ok(Some(found?.body.to_vec())),
        }
    }

    async fn hash(&self, source: &str, reference: &Reference) -> Result<String> {
        self.target(source, reference).await
    }

    async fn metadata(
        &self,
        source: &str,
        repository: &Repository,
        hash: &str,
        reference: &Reference,
    ) -> Result<Metadata> {
        let commit = self
            .connection
            .get(&Self::path(source, &["commit", hash])?, &[])
            .await;
        let commit = commit.map_err(|error| error.instead("Could not lookup commit SHA"))?;
        let hash = text(&commit, "hash").unwrap_or(hash);
        Ok(Metadata {
            commit: Some(hash.to_owned()),
            reference: Some(reference.full_name()),
            default_branch: repository.default_branch.clone(),
            git_url: repository.git_url.clone(),
            commit_info: CommitInfo {
                url: repository
                    .page
                    .as_ref()
                    .map(|page| format!("{page}/commits/{hash}")),
                message: string(&commit, "message"),
                date: string(&commit, "date"),
                author: Person::named(
                    string(&commit, "author.user.display_name"),
                    None,
                    string(&commit, "author.user.links.avatar.href"),
                ),
                committer: None,
            },
        })
    }

    async fn before_installation(&self, _: &str) -> Result<Map<String, Value>> {
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
                "label": format!("{} webhook key", installation.title),
                "key": installation.public_key,
            }),
            Part::Webhook => json!({
                "description": format!("Webhook for invoking builds on {}", installation.short_title),
                "url": installation.webhook.expose(),
                "active": true,
                "events": ["repo:push"],
                "skip_cert_verification": false,
            }),
        };
        let path = Self::path(source, &[list_of(part)])?;
        self.connection.create(&path, &body, id_of(part)).await
    }

    fn shelf(&self, source: &str, part: Part) -> Result<Shelf> {
        let content = match part {
            Part::Key => "key",
            Part::Webhook => "url",
        };
        Ok(Shelf {
            path: Self::path(source, &[list_of(part)])?,
            content,
            id: id_of(part),
        })
    }

    async fn kept(&self, shelf: &Shelf) -> Result<Vec<Value>> {
        self.connection.linked(&shelf.path, &[], PAGING, None).await
    }

    fn connection(&self) -> &Connection {
        &self.connection
    }

    fn not_added(&self, _: &str, part: Part, error: HostError) -> HostError {
        unable(match part {
            Part::Key => "add deploy key to repository",
            Part::Webhook => "add webhook to repository",
        })(error)
    }

    fn setting(&self, part: Part) -> &'static str {
        match part {
            Part::Key => "deploy_key_id",
            Part::Webhook => "webhook_id",
        }
    }

    fn renewed(&self) -> Box<dyn GitHost> {
        Box::new(Self {
            connection: self.connection.renewed(),
            endpoint: self.endpoint.clone(),
        })
    }

    async fn pushed(&self, source: Option<&str>, report: Value) -> Result<Incoming> {
        let Some(source) = source else {
            return Ok(Incoming::malformed("The trigger has no build_source"));
        };
        if let Err(problem) = payload::check(&report) {
            return Ok(Incoming::Malformed(problem));
        }
        let hurried = Self {
            connection: self.connection.within(LOOKUPS),
            endpoint: self.endpoint.clone(),
        };
        let default_branch = match hurried.repository(source).await {
            Err(HostError::Failed(_)) => None,
            found => found?.default_branch,
        };
        Ok(payload::read(&report, default_branch.as_deref()).into())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn a_source_is_a_workspace_and_a_name() {
        let path = |source: &str| Bitbucket::path(source, &["hooks"]).unwrap_or_default();
        assert_eq!(path("tide/ledger"), "/repositories/tide/ledger/hooks");
        for wrong in ["tide", "tide/", "../ledger", "tide/.."] {
            assert_eq!(path(wrong), "", "{wrong}");
        }
        // A further slash is part of the name, which then does not exist.
        assert_eq!(path("a/b/c"), "/repositories/a/b%2Fc/hooks");
    }

    #[test]
    fn what_bitbucket_refuses_is_told_with_what_was_tried() {
        let error = HostError::Answered {
            service: SERVICE,
            status: StatusCode::FORBIDDEN,
            told: Some("Access denied".to_owned()),
            first_error: None,
        };
        assert_eq!(
            unable("add deploy key to repository")(error).to_string(),
            "Unable to add deploy key to repository: Bitbucket answered 403 Forbidden: Access denied"
        );
    }
}
