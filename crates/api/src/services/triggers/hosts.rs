//! The hosted git services that triggers build from: GitHub, GitLab, Bitbucket. [`GitHosts`] knows how each is reached, and
//! [`GitHost`] is what the rules of triggers ask of one of them on behalf of the person who set a trigger up.
//!
//! A redirect to a host that the operator did not name must be to a public one. What a service says is told to the caller only
//! where it is a sentence about the caller's own repository.

use std::time::Duration;

use async_trait::async_trait;
use pierhead_auth::Clock;
use pierhead_client::{Client, Limits, Transport};
use pierhead_config::{Config, Secret};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Service;
use super::metadata::Metadata;
use super::payload::Incoming;
use crate::services::hosted::connection::Connection;
use crate::services::hosted::json_path::text;
use crate::services::hosted::oauth2::NoToken;
use crate::services::hosted::{self, HostError, Result};

mod bitbucket;
mod github;
mod gitlab;
mod installing;

use installing::Shelf;
pub(super) use installing::{Installation, Part, install, uninstall};

/// Largest answer of a service in bytes: GitHub's list of the files of a commit has at most 7 MB.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;
/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);
/// Until an answer is there, of whatever service.
const LONGEST_CALL: Duration = Duration::from_secs(20);
/// How long everything together may take that a build can do without, while a service waits for what is said to its report.
const LOOKUPS: Duration = Duration::from_secs(5);

/// A service that sends a person back with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByCode {
    GitHub,
    GitLab,
}

/// How the services are reached.
#[derive(Clone, Debug)]
pub struct GitHosts {
    github: github::Settings,
    gitlab: gitlab::Settings,
    bitbucket: bitbucket::Settings,
}

impl GitHosts {
    /// As `GITHUB_TRIGGER_CONFIG`, `GITLAB_TRIGGER_CONFIG` and `BITBUCKET_TRIGGER_CONFIG` say.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(config: &Config, transport: &Transport) -> Result<Self, pierhead_client::Error> {
        let client = client(config, transport)?;
        Ok(Self {
            github: github::Settings::new(config, &client),
            gitlab: gitlab::Settings::new(config, &client),
            bitbucket: bitbucket::Settings::new(config, &client),
        })
    }

    /// A service on behalf of who has this token there; `None` for servers that cannot be asked.
    pub(super) fn open(
        &self,
        service: Service,
        token: Option<&Secret>,
        clock: &Clock,
    ) -> Option<Box<dyn GitHost>> {
        match service {
            Service::CustomGit => None,
            Service::GitHub => Some(Box::new(self.github.open(token))),
            Service::GitLab => Some(Box::new(self.gitlab.open(token))),
            Service::Bitbucket => Some(Box::new(self.bitbucket.open(token, clock))),
        }
    }

    /// The token that a service gives for a code.
    pub(super) async fn exchange(
        &self,
        service: ByCode,
        code: &str,
        base_url: &str,
    ) -> Result<Secret, HostError> {
        match service {
            ByCode::GitHub => self.github.exchange(code, base_url).await,
            ByCode::GitLab => self.gitlab.exchange(code, base_url).await,
        }
    }

    /// Bitbucket, where tokens are given in two steps.
    pub(super) fn bitbucket(&self) -> &bitbucket::Settings {
        &self.bitbucket
    }
}

/// A client for these services, wherever the operator says they are.
fn client(config: &Config, transport: &Transport) -> Result<Client, pierhead_client::Error> {
    let builds = &config.builds;
    let github = builds.github_trigger_config.as_ref();
    let gitlab = builds.gitlab_trigger_config.as_ref();
    let bitbucket = builds.bitbucket_trigger_config.as_ref();
    let named = [
        github.and_then(|github| github.github_endpoint.as_ref()),
        github.and_then(|github| github.api_endpoint.as_ref()),
        gitlab.map(|gitlab| &gitlab.gitlab_endpoint),
        bitbucket.map(|bitbucket| &bitbucket.bitbucket_endpoint),
        bitbucket.map(|bitbucket| &bitbucket.api_endpoint),
    ];
    let limits = Limits {
        connect: CONNECT,
        total: LONGEST_CALL,
        body: LARGEST_ANSWER,
        ..Limits::default()
    };
    hosted::client(named.into_iter().flatten(), config, transport, limits)
}

/// What is said of a code that brought no token.
fn without_token(service: &'static str, error: NoToken) -> HostError {
    match error {
        NoToken::Status(status) if !status.is_client_error() => HostError::Failed(format!(
            "{service} answered {status} instead of giving a token"
        )),
        NoToken::NoCode | NoToken::Status(_) | NoToken::Told(_) => {
            HostError::Refused("Could not exchange token. It may have expired.".to_owned())
        }
        NoToken::Missing => HostError::Failed(format!("{service} answered without a token")),
        NoToken::Failed(error) => error,
    }
}

/// An owner of repositories at a service.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TriggerNamespace)]
pub(crate) struct Namespace {
    /// It is the person's own.
    pub(crate) personal: bool,
    /// What to ask for its repositories with.
    pub(crate) id: String,
    /// For people.
    pub(crate) title: String,
    pub(crate) avatar_url: Option<String>,
    /// Its page.
    pub(crate) url: String,
    /// How likely it is the one.
    pub(crate) score: i64,
}

/// A repository at a service.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TriggerSource)]
pub(crate) struct Source {
    /// Without its namespace.
    pub(crate) name: String,
    /// The `build_source` of a trigger.
    pub(crate) full_name: String,
    pub(crate) description: String,
    /// Seconds since 1970.
    pub(crate) last_updated: i64,
    /// Its page.
    pub(crate) url: String,
    /// Whether the person may add keys and webhooks, as far as the service says.
    pub(crate) has_admin_permissions: bool,
    pub(crate) private: bool,
}

/// What is asked of a repository first.
#[derive(Clone, Debug, Default)]
pub(super) struct Repository {
    pub(super) default_branch: Option<String>,
    /// Where it is fetched from, by SSH.
    git_url: Option<String>,
    /// Its page.
    page: Option<String>,
}

/// A branch or a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    Branch(String),
    Tag(String),
}

impl Reference {
    /// `refs/heads/…` or `refs/tags/…`.
    pub(super) fn full_name(&self) -> String {
        match self {
            Self::Branch(name) => format!("refs/heads/{name}"),
            Self::Tag(name) => format!("refs/tags/{name}"),
        }
    }

    /// What is said when the repository has none of that name.
    fn missing(&self) -> HostError {
        let kind = match self {
            Self::Branch(_) => "branch",
            Self::Tag(_) => "tag",
        };
        HostError::Refused(format!("Could not find {kind} in repository"))
    }
}

/// A service, on behalf of a person. A `source` is a repository there, such as `owner/name`.
#[async_trait]
pub(super) trait GitHost: Send + Sync {
    /// Whose repositories the person can build.
    async fn namespaces(&self) -> Result<Vec<Namespace>>;

    /// The repositories of a namespace; none if there is no such namespace.
    async fn sources(&self, namespace: &str) -> Result<Vec<Source>>;

    /// A repository.
    async fn repository(&self, source: &str) -> Result<Repository>;

    /// At most `limit` names of branches.
    async fn branches(&self, source: &str, limit: Option<usize>) -> Result<Vec<String>>;

    /// At most `limit` names of tags.
    async fn tags(&self, source: &str, limit: Option<usize>) -> Result<Vec<String>>;

    /// The paths of the files of a branch, as far as the service lists them at once; [`HostError::Empty`] if there is no
    /// commit.
    async fn files(&self, source: &str, branch: &str) -> Result<Vec<String>>;

    /// A file, for a trigger with these settings; `None` if it is not there.
    async fn file(
        &self,
        source: &str,
        path: &str,
        config: &Map<String, Value>,
    ) -> Result<Option<Vec<u8>>>;

    /// The hash of the commit that a branch or tag points to.
    async fn hash(&self, source: &str, reference: &Reference) -> Result<String>;

    /// What a build remembers of a commit.
    async fn metadata(
        &self,
        source: &str,
        repository: &Repository,
        hash: &str,
        reference: &Reference,
    ) -> Result<Metadata>;

    /// What the settings must keep of a repository to which something is to be added.
    async fn before_installation(&self, source: &str) -> Result<Map<String, Value>>;

    /// Adds a part, and gives its id. The error is the service's own: [`GitHost::not_added`] says what it means.
    async fn add(&self, source: &str, part: Part, installation: &Installation<'_>)
    -> Result<Value>;

    /// Where the parts of a repository are kept.
    fn shelf(&self, source: &str, part: Part) -> Result<Shelf>;

    /// What is kept there.
    async fn kept(&self, shelf: &Shelf) -> Result<Vec<Value>>;

    /// The service's API.
    fn connection(&self) -> &Connection;

    /// The ids of the parts of this installation that are there.
    async fn added(
        &self,
        source: &str,
        part: Part,
        installation: &Installation<'_>,
    ) -> Result<Vec<Value>> {
        let shelf = self.shelf(source, part)?;
        let kept = self.kept(&shelf).await?;
        let own = kept
            .iter()
            .filter(|item| installation.has(part, text(item, shelf.content)));
        Ok(own.filter_map(|item| item.get(shelf.id).cloned()).collect())
    }

    /// Removes a part; one that is gone already is as good.
    async fn remove(&self, source: &str, part: Part, id: &Value) -> Result<()> {
        let shelf = self.shelf(source, part)?;
        self.connection().delete(&shelf.place(id)?).await
    }

    /// What the caller is told of a part that could not be added.
    fn not_added(&self, source: &str, part: Part, error: HostError) -> HostError;

    /// The setting that keeps the id of a part.
    fn setting(&self, part: Part) -> &'static str;

    /// The same with all its time before it.
    fn renewed(&self) -> Box<dyn GitHost>;

    /// What a report of the service to the trigger's webhook means.
    async fn pushed(&self, source: Option<&str>, payload: Value) -> Result<Incoming>;
}
