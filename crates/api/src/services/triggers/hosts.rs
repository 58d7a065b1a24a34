//! The hosted git services that triggers build from: GitHub, GitLab, Bitbucket. [`GitHosts`] knows how each is reached, and
//! [`GitHost`] is what the rules of triggers ask of one of them on behalf of the person who set a trigger up.
//!
//! The services are the operator's choice, so their hosts may be in the own network; a redirect to another host must be to
//! a public one. Every call has a time and a size limit, and so have all calls of one request together. What a service says
//! is told to the caller only where it is a sentence about the caller's own repository; tokens are in headers and bodies,
//! never in an address.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::StatusCode;
use pierhead_auth::Clock;
use pierhead_client::{AddressGuard, Client, Limits, Transport};
use pierhead_config::{AllowedHost, Config, HttpUrl, Secret};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Service;
use super::metadata::Metadata;
use super::payload::Incoming;
use crate::error::{Error, ErrorType};

mod bitbucket;
mod connection;
mod github;
mod gitlab;
mod installing;
mod oauth1;
mod oauth2;

pub(super) use installing::{Installation, Part, install, uninstall};

/// Largest answer of a service in bytes: GitHub's list of the files of a commit has at most 7 MB.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;
/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);
/// Until an answer is there, of whatever service.
const LONGEST_CALL: Duration = Duration::from_secs(20);
/// How long everything together may take that a build can do without, while a service waits for what is said to its report.
const LOOKUPS: Duration = Duration::from_secs(5);

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

    /// The token that GitHub gives for a code.
    pub(super) async fn exchange_github(
        &self,
        code: &str,
        base_url: &str,
    ) -> Result<Secret, HostError> {
        self.github.exchange(code, base_url).await
    }

    /// The token that GitLab gives for a code.
    pub(super) async fn exchange_gitlab(
        &self,
        code: &str,
        base_url: &str,
    ) -> Result<Secret, HostError> {
        self.gitlab.exchange(code, base_url).await
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
    let named = named.into_iter().flatten().filter_map(allowed);
    let exempt = config.mirroring.ssrf_allowed_hosts.iter().cloned();
    let allowed: Vec<AllowedHost> = exempt.chain(named).collect();
    let limits = Limits {
        connect: CONNECT,
        total: LONGEST_CALL,
        body: LARGEST_ANSWER,
        ..Limits::default()
    };
    Client::with_transport(AddressGuard::public_only(&allowed), limits, transport)
}

/// The host of an address.
fn allowed(endpoint: &HttpUrl) -> Option<AllowedHost> {
    let host = endpoint.as_url().host_str()?;
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    Some(match address {
        Ok(address) => AllowedHost::Network(address.into()),
        Err(_) => AllowedHost::Name(host.to_owned()),
    })
}

/// Why a service gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HostError {
    /// An answer of another status than 2xx.
    #[error("{service} answered {status}{}", .told.as_deref().map(|told| format!(": {told}")).unwrap_or_default())]
    Answered {
        service: &'static str,
        status: StatusCode,
        /// What it says about that.
        told: Option<String>,
        /// The first of the errors that it lists.
        first_error: Option<String>,
    },
    /// What the person who set the trigger up must change.
    #[error("{0}")]
    Refused(String),
    /// There is no commit yet.
    #[error("The repository is empty")]
    Empty,
    /// It could not be reached, or not be understood.
    #[error("{0}")]
    Failed(String),
}

impl HostError {
    /// Lets the caller know what the service said, or this if it said nothing.
    pub(super) fn or_told(self, default: &str) -> Self {
        match self {
            Self::Answered { told, .. } => {
                Self::Refused(told.unwrap_or_else(|| default.to_owned()))
            }
            other => other,
        }
    }

    /// Lets the caller know the first error that the service lists, or this if it lists none.
    pub(super) fn or_first(self, default: &str) -> Self {
        match self {
            Self::Answered { first_error, .. } => {
                Self::Refused(first_error.unwrap_or_else(|| default.to_owned()))
            }
            other => other,
        }
    }

    /// Tells the caller this instead of what the service said.
    pub(super) fn instead(self, text: &str) -> Self {
        match self {
            Self::Answered { .. } => Self::Refused(text.to_owned()),
            other => other,
        }
    }

    pub(super) fn is_status(&self, expected: StatusCode) -> bool {
        matches!(self, Self::Answered { status, .. } if *status == expected)
    }

    /// Whether the service has failed rather than decided: it may have done what it was asked, and may do it later.
    pub(super) fn is_failure(&self) -> bool {
        match self {
            Self::Failed(_) => true,
            Self::Answered { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Refused(_) | Self::Empty => false,
        }
    }

    /// The status and text for a caller: whether the caller or the service must change.
    pub(super) fn outcome(&self) -> (StatusCode, String) {
        let is_callers = match self {
            Self::Refused(_) | Self::Empty => true,
            Self::Answered { status, .. } => *status == StatusCode::UNAUTHORIZED,
            Self::Failed(_) => false,
        };
        let status = if is_callers {
            StatusCode::BAD_REQUEST
        } else {
            // What Quay answers for services that fail.
            StatusCode::from_u16(520).unwrap_or(StatusCode::BAD_GATEWAY)
        };
        (status, self.to_string())
    }
}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        let (status, text) = error.outcome();
        if status == StatusCode::BAD_REQUEST {
            Self::invalid_request(text)
        } else {
            Self::exception(ErrorType::ExternalServiceTimeout, status, text)
        }
    }
}

type Result<T, E = HostError> = std::result::Result<T, E>;

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

    /// The ids of the parts of this installation that are there.
    async fn added(
        &self,
        source: &str,
        part: Part,
        installation: &Installation<'_>,
    ) -> Result<Vec<Value>>;

    /// Removes a part; one that is gone already is as good.
    async fn remove(&self, source: &str, part: Part, id: &Value) -> Result<()>;

    /// What the caller is told of a part that could not be added.
    fn not_added(&self, source: &str, part: Part, error: HostError) -> HostError;

    /// The setting that keeps the id of a part.
    fn setting(&self, part: Part) -> &'static str;

    /// The same with all its time before it.
    fn renewed(&self) -> Box<dyn GitHost>;

    /// What a report of the service to the trigger's webhook means.
    async fn pushed(&self, source: Option<&str>, payload: Value) -> Result<Incoming>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_told_what_the_caller_can_change() {
        let answered = |status, told: Option<&str>| HostError::Answered {
            service: "GitHub",
            status,
            told: told.map(str::to_owned),
            first_error: None,
        };
        let missing = answered(StatusCode::NOT_FOUND, Some("Not Found"));
        assert_eq!(missing.outcome().0.as_u16(), 520);
        assert_eq!(
            missing.outcome().1,
            "GitHub answered 404 Not Found: Not Found"
        );
        let told = missing.clone().or_told("Unable to look");
        assert_eq!(told, HostError::Refused("Not Found".to_owned()));
        assert_eq!(told.outcome().0, StatusCode::BAD_REQUEST);
        let silent = answered(StatusCode::NOT_FOUND, None).or_told("Unable to look");
        assert_eq!(silent.to_string(), "Unable to look");
        let refused = answered(StatusCode::UNAUTHORIZED, Some("Bad credentials"));
        assert_eq!(refused.outcome().0, StatusCode::BAD_REQUEST);
        let listed = HostError::Answered {
            service: "GitHub",
            status: StatusCode::UNPROCESSABLE_ENTITY,
            told: Some("Validation Failed".to_owned()),
            first_error: Some("too many".to_owned()),
        };
        assert_eq!(listed.clone().or_first("x").to_string(), "too many");
        assert_eq!(listed.or_told("x").to_string(), "Validation Failed");
        assert_eq!(missing.or_first("x").to_string(), "x");
        let failed = HostError::Failed("away".to_owned());
        assert!(failed.is_failure() && answered(StatusCode::BAD_GATEWAY, None).is_failure());
        assert!(!refused.is_failure());
        assert_eq!(failed.clone().or_told("x").instead("y"), failed);
    }
}
