//! GitHub and GitHub Enterprise Server, by the REST API (<https://docs.github.com/rest>), as Quay uses it: the person's OAuth
//! token, a deploy key and a webhook for pushes. The deploy key may only read, where Quay's may also write.

use async_trait::async_trait;
use axum::http::StatusCode;
use axum::http::header::LAST_MODIFIED;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::installing::Shelf;
use super::{
    GitHost, HostError, Installation, LOOKUPS, Namespace, Part, Reference, Repository, Result,
    Source,
};
use crate::dates;
use crate::services::hosted::connection::{Connection, Paging, path};
use crate::services::hosted::json_path::{at, list, string, text};
use crate::services::triggers::metadata::{CommitInfo, Metadata, Person};
use crate::services::triggers::payload::{Incoming, github as payload};

mod settings;

pub(super) use settings::Settings;

const SERVICE: &str = "GitHub";
const PAGING: Paging = Paging {
    size: 100,
    parameter: "per_page",
};
/// The branch of a repository that nothing is known of.
const USUAL_BRANCH: &str = "master";

/// GitHub on behalf of a person.
pub(super) struct GitHub(Connection);

impl GitHub {
    /// The path of a repository, and of something in it.
    fn path(source: &str, rest: &[&str]) -> Result<String> {
        let segments = source
            .split_once('/')
            .map(|(owner, name)| [&["repos", owner, name], rest].concat());
        segments
            .and_then(|segments| path(&segments))
            .ok_or_else(|| unknown(source))
    }

    async fn user(&self, login: &str) -> Option<(Option<String>, Option<String>)> {
        let user = self.0.get(&path(&["users", login])?, &[]).await.ok()?;
        Some((string(&user, "html_url"), string(&user, "avatar_url")))
    }

    /// A report names people by their login only, mostly.
    async fn complete(&self, person: &mut Option<Person>) {
        if let Some(person) = person.as_mut().filter(|person| person.url.is_none())
            && let Some((url, avatar_url)) = self.user(&person.username).await
        {
            person.url = url;
            person.avatar_url = avatar_url;
        }
    }
}

fn unknown(source: &str) -> HostError {
    HostError::Refused(format!(
        "Unable to find GitHub repository for source: {source}"
    ))
}

/// What a repository calls a list of such parts.
fn list_of(part: Part) -> &'static str {
    match part {
        Part::Key => "keys",
        Part::Webhook => "hooks",
    }
}

fn person(value: Option<&Value>) -> Option<Person> {
    let value = value?;
    Person::named(
        string(value, "login"),
        string(value, "html_url"),
        string(value, "avatar_url"),
    )
}

fn source(repository: &Value) -> Source {
    Source {
        name: string(repository, "name").unwrap_or_default(),
        full_name: string(repository, "full_name").unwrap_or_default(),
        description: string(repository, "description").unwrap_or_default(),
        last_updated: text(repository, "pushed_at")
            .and_then(dates::epoch_of_rfc3339)
            .unwrap_or_default(),
        url: string(repository, "html_url").unwrap_or_default(),
        has_admin_permissions: true,
        private: at(repository, "private").and_then(Value::as_bool) == Some(true),
    }
}

fn names(items: &[Value]) -> Vec<String> {
    items
        .iter()
        .filter_map(|item| string(item, "name"))
        .collect()
}

#[async_trait]
impl GitHost for GitHub {
    async fn namespaces(&self) -> Result<Vec<Namespace>> {
        let user = self.0.get("/user", &[]).await?;
        let organizations = self.0.numbered("/user/orgs", &[], PAGING, None).await?;
        let login = string(&user, "login").unwrap_or_default();
        let own = Namespace {
            personal: true,
            title: string(&user, "name").unwrap_or_else(|| login.clone()),
            id: login,
            avatar_url: string(&user, "avatar_url"),
            url: string(&user, "html_url").unwrap_or_default(),
            score: at(&user, "plan.private_repos")
                .and_then(Value::as_i64)
                .unwrap_or_default(),
        };
        let others = organizations.iter().filter_map(|organization| {
            let name = string(organization, "login").or_else(|| string(organization, "name"))?;
            Some(Namespace {
                personal: false,
                id: name.clone(),
                title: name,
                avatar_url: string(organization, "avatar_url"),
                url: String::new(),
                score: 0,
            })
        });
        Ok(std::iter::once(own).chain(others).collect())
    }

    async fn sources(&self, namespace: &str) -> Result<Vec<Source>> {
        let user = self.0.get("/user", &[]).await?;
        let found = if text(&user, "login") == Some(namespace) {
            let query = [("type", "owner"), ("sort", "updated")];
            self.0.numbered("/user/repos", &query, PAGING, None).await?
        } else {
            let Some(path) = path(&["orgs", namespace, "repos"]) else {
                return Ok(Vec::new());
            };
            match self
                .0
                .numbered(&path, &[("type", "member")], PAGING, None)
                .await
            {
                Err(HostError::Answered { .. }) => Vec::new(),
                found => found?,
            }
        };
        Ok(found.iter().map(source).collect())
    }

    async fn repository(&self, source: &str) -> Result<Repository> {
        let found = self.0.get(&Self::path(source, &[])?, &[]).await?;
        Ok(Repository {
            default_branch: string(&found, "default_branch"),
            git_url: string(&found, "ssh_url"),
            page: string(&found, "html_url"),
        })
    }

    /// The default branch comes first. As in Quay a repository that cannot be read has one branch.
    async fn branches(&self, source: &str, limit: Option<usize>) -> Result<Vec<String>> {
        let path = Self::path(source, &["branches"])?;
        let listed = match self.0.numbered(&path, &[], PAGING, limit).await {
            Ok(listed) => self.repository(source).await.map(|found| (listed, found)),
            Err(error) => Err(error),
        };
        let (listed, repository) = match listed {
            Err(HostError::Answered { .. }) => return Ok(vec![USUAL_BRANCH.to_owned()]),
            listed => listed?,
        };
        let mut branches = names(&listed);
        if let Some(default) = repository.default_branch {
            branches.retain(|branch| *branch != default);
            branches.insert(0, default);
        }
        Ok(branches)
    }

    async fn tags(&self, source: &str, limit: Option<usize>) -> Result<Vec<String>> {
        let path = Self::path(source, &["tags"])?;
        match self.0.numbered(&path, &[], PAGING, limit).await {
            Err(HostError::Answered { .. }) => Ok(Vec::new()),
            found => Ok(names(&found?)),
        }
    }

    async fn files(&self, source: &str, branch: &str) -> Result<Vec<String>> {
        let failed = format!("Unable to list contents of repository: {source}");
        let head = match self
            .0
            .get(&Self::path(source, &["branches", branch])?, &[])
            .await
        {
            Err(HostError::Answered {
                told: Some(told), ..
            }) if told == "Branch not found" => return Err(HostError::Empty),
            head => head.map_err(|error| error.or_told(&failed))?,
        };
        let hash = text(&head, "commit.sha").ok_or_else(|| self.0.unexpected("a branch"))?;
        let path = Self::path(source, &["git", "trees", hash])?;
        let tree = self.0.get(&path, &[("recursive", "1")]).await;
        let tree = tree.map_err(|error| error.or_told(&failed))?;
        let files = list(&tree, "tree")
            .iter()
            .filter(|entry| text(entry, "type") == Some("blob"));
        Ok(files.filter_map(|entry| string(entry, "path")).collect())
    }

    async fn file(
        &self,
        source: &str,
        file: &str,
        _: &Map<String, Value>,
    ) -> Result<Option<Vec<u8>>> {
        // Whether the repository or the file is missing is something else for who reads it.
        let failed = format!("Unable to list contents of repository: {source}");
        let found = self.repository(source).await;
        found.map_err(|error| error.or_told(&failed))?;
        let segments: Vec<&str> = std::iter::once("contents").chain(file.split('/')).collect();
        let Ok(path) = Self::path(source, &segments) else {
            return Ok(None);
        };
        let found = match self.0.get(&path, &[]).await {
            Err(HostError::Answered { .. }) => return Ok(None),
            found => found?,
        };
        let Some(content) = text(&found, "content") else {
            return Ok(None);
        };
        if text(&found, "encoding") != Some("base64") {
            return Ok(Some(content.as_bytes().to_vec()));
        }
        let encoded: String = content.split_ascii_whitespace().collect();
        Ok(STANDARD.decode(encoded).ok())
    }

    async fn hash(&self, source: &str, reference: &Reference) -> Result<String> {
        match reference {
            Reference::Branch(name) => {
                let Ok(path) = Self::path(source, &["branches", name]) else {
                    return Err(reference.missing());
                };
                let found = match self.0.get(&path, &[]).await {
                    Err(HostError::Answered { .. }) => return Err(reference.missing()),
                    found => found?,
                };
                string(&found, "commit.sha").ok_or_else(|| reference.missing())
            }
            Reference::Tag(name) => {
                let path = Self::path(source, &["tags"])?;
                let tags = self.0.numbered(&path, &[], PAGING, None).await;
                let tags =
                    tags.map_err(|error| error.instead("Could not find tag in repository"))?;
                tags.iter()
                    .find(|tag| text(tag, "name") == Some(name))
                    .and_then(|tag| string(tag, "commit.sha"))
                    .ok_or_else(|| reference.missing())
            }
        }
    }

    async fn metadata(
        &self,
        source: &str,
        repository: &Repository,
        hash: &str,
        reference: &Reference,
    ) -> Result<Metadata> {
        let answer = self
            .0
            .ask(&Self::path(source, &["commits", hash])?, &[])
            .await;
        let answer = answer
            .map_err(|error| error.instead("Could not load commit information from GitHub"))?;
        let commit: Value =
            serde_json::from_slice(&answer.body).map_err(|_| self.0.unexpected("a commit"))?;
        // As in Quay the date is that of the answer.
        let modified = answer.headers.get(LAST_MODIFIED);
        let modified = modified
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        Ok(Metadata {
            commit: Some(hash.to_owned()),
            reference: Some(reference.full_name()),
            default_branch: repository.default_branch.clone(),
            git_url: repository.git_url.clone(),
            commit_info: CommitInfo {
                url: string(&commit, "html_url"),
                message: string(&commit, "commit.message"),
                date: modified.or_else(|| string(&commit, "commit.committer.date")),
                author: person(at(&commit, "author")),
                committer: person(at(&commit, "committer")),
            },
        })
    }

    async fn before_installation(&self, source: &str) -> Result<Map<String, Value>> {
        let repository = match self.repository(source).await {
            Err(error) if error.is_status(StatusCode::NOT_FOUND) => return Err(unknown(source)),
            found => found?,
        };
        let branch = json!(repository.default_branch);
        Ok(Map::from_iter([("master_branch".to_owned(), branch)]))
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
                "read_only": true,
            }),
            Part::Webhook => json!({
                "name": "web",
                "active": true,
                "events": ["push"],
                "config": { "url": installation.webhook.expose(), "content_type": "json" },
            }),
        };
        let path = Self::path(source, &[list_of(part)])?;
        self.0.create(&path, &body, "id").await
    }

    fn shelf(&self, source: &str, part: Part) -> Result<Shelf> {
        let content = match part {
            Part::Key => "key",
            Part::Webhook => "config.url",
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

    fn not_added(&self, source: &str, part: Part, error: HostError) -> HostError {
        let tried = match part {
            Part::Key => "add deploy key to repository",
            Part::Webhook => "create webhook on repository",
        };
        error.or_first(&format!("Unable to {tried}: {source}"))
    }

    fn setting(&self, part: Part) -> &'static str {
        match part {
            Part::Key => "deploy_key_id",
            Part::Webhook => "hook_id",
        }
    }

    fn renewed(&self) -> Box<dyn GitHost> {
        Box::new(Self(self.0.renewed()))
    }

    async fn pushed(&self, _: Option<&str>, report: Value) -> Result<Incoming> {
        // When the webhook is made, and to try it.
        if report.get("zen").is_some() {
            return Ok(Incoming::Nothing);
        }
        for (path, missing) in [
            ("repository", "Missing 'repository' on request"),
            ("repository.owner", "Missing 'owner' on repository"),
            (
                "repository.owner.name",
                "Missing owner 'name' on repository",
            ),
            ("repository.name", "Missing 'name' on repository"),
        ] {
            if at(&report, path).is_none() {
                return Ok(Incoming::malformed(missing));
            }
        }
        let part = |path| text(&report, path).unwrap_or_default();
        let source = format!(
            "{}/{}",
            part("repository.owner.name"),
            part("repository.name")
        );
        let hurried = Self(self.0.within(LOOKUPS));
        let (default_branch, may_ask) = match hurried.repository(&source).await {
            Ok(repository) => (repository.default_branch, true),
            // The token was taken back: what the report says must do.
            Err(error) if error.is_status(StatusCode::UNAUTHORIZED) => (None, false),
            Err(error) if error.is_failure() => (None, false),
            Err(error) => {
                tracing::info!(%error, source, "a push is not built: the repository cannot be read");
                return Ok(Incoming::Nothing);
            }
        };
        let mut read = payload::read(&report, default_branch.as_deref());
        if let Ok(Some(metadata)) = &mut read
            && may_ask
        {
            let info = &mut metadata.commit_info;
            hurried.complete(&mut info.author).await;
            hurried.complete(&mut info.committer).await;
        }
        Ok(read.into())
    }
}
