//! The git services that triggers listen to.

use pierhead_config::Config;
use serde_json::{Map, Value};

/// A git service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    CustomGit,
    GitHub,
    GitLab,
    Bitbucket,
}

impl Service {
    /// By its name in `buildtriggerservice`.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "github" => Self::GitHub,
            "gitlab" => Self::GitLab,
            "bitbucket" => Self::Bitbucket,
            _ => Self::CustomGit,
        }
    }

    /// Its name in `buildtriggerservice`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CustomGit => "custom-git",
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Bitbucket => "bitbucket",
        }
    }

    /// Its name for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::CustomGit => "git",
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
            Self::Bitbucket => "Bitbucket",
        }
    }

    /// Whether a trigger with these settings is set up.
    pub(crate) fn is_active(self, config: &Map<String, Value>) -> bool {
        config.contains_key(match self {
            Self::CustomGit => "credentials",
            Self::GitHub | Self::GitLab => "hook_id",
            Self::Bitbucket => "webhook_id",
        })
    }

    /// The page of a source, if the service has pages.
    pub(crate) fn page(self, config: &Config, source: &str) -> Option<String> {
        let below = |base: &str| {
            format!(
                "{}/{}",
                base.trim_end_matches('/'),
                source.trim_start_matches('/')
            )
        };
        match self {
            Self::CustomGit => None,
            Self::GitHub => {
                let server = config
                    .builds
                    .github_trigger_config
                    .as_ref()
                    .and_then(|github| github.github_endpoint.as_ref());
                Some(below(&server.map_or_else(
                    || "https://github.com".to_owned(),
                    ToString::to_string,
                )))
            }
            Self::GitLab => {
                let server = config.builds.gitlab_trigger_config.as_ref();
                Some(below(&server.map_or_else(
                    || "https://gitlab.com".to_owned(),
                    |gitlab| gitlab.gitlab_endpoint.to_string(),
                )))
            }
            Self::Bitbucket => {
                let server = config.builds.bitbucket_trigger_config.as_ref();
                Some(below(&server.map_or_else(
                    || "https://bitbucket.org".to_owned(),
                    |bitbucket| bitbucket.bitbucket_endpoint.to_string(),
                )))
            }
        }
    }
}
