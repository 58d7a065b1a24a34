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
            Self::Bitbucket => Some(below("https://bitbucket.org")),
        }
    }

    /// What is said where the service itself would have to be asked.
    pub(crate) fn unreachable(self) -> String {
        match self {
            Self::CustomGit => {
                "A custom-git trigger has no service that could be asked.".to_owned()
            }
            hosted => format!(
                "This registry cannot reach {}: set up a custom-git trigger instead, and add its webhook and SSH key to the \
                 git repository.",
                hosted.name()
            ),
        }
    }
}
