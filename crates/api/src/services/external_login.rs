//! Sign-in by identity providers (api-v1.md §6.3): where a browser is sent, who it comes back as, and what that means here.
//!
//! [`LoginServices`] has the providers that the configuration names, each behind the trait [`LoginService`]; one more is one
//! more implementation. What an identity means for accounts is in [`pierhead_auth::accounts`]; [`sign_in`] and [`attach`]
//! put both together. A refusal is a text for the person at the browser, nearly always Quay's.

use std::sync::Arc;
use std::time::Duration;

use pierhead_client::{Limits, Transport};
use pierhead_config::Config;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::services::hosted;

mod attach;
mod github;
mod google;
mod refusal;
mod service;
mod sign_in;

pub(crate) use attach::attach;
pub(crate) use refusal::{Refusal, plain};
pub(crate) use service::{LoginService, Purpose};
pub(crate) use sign_in::{Attempt, Outcome, sign_in};

/// Until a connection to a provider stands.
const CONNECT: Duration = Duration::from_secs(5);
/// Until an answer of a provider is there.
const LONGEST_CALL: Duration = Duration::from_secs(10);
/// Largest answer of a provider in bytes.
const LARGEST_ANSWER: usize = 1024 * 1024;
/// Codes that are exchanged at the same time: anybody can ask for it.
const MOST_AT_ONCE: usize = 64;

/// The identity providers that people can sign in with.
pub struct LoginServices {
    /// In the order in which they are shown.
    services: Vec<Arc<dyn LoginService>>,
    exchanges: Semaphore,
}

impl LoginServices {
    /// As `GITHUB_LOGIN_CONFIG` and `GOOGLE_LOGIN_CONFIG` say, if `FEATURE_GITHUB_LOGIN` and `FEATURE_GOOGLE_LOGIN` are on.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(config: &Config, transport: &Transport) -> Result<Self, pierhead_client::Error> {
        let auth = &config.auth;
        let github = auth.github_login_config.as_ref();
        let github = github.filter(|_| auth.feature_github_login);
        let google = auth.google_login_config.as_ref();
        let google = google.filter(|_| auth.feature_google_login);
        let named = [
            github.map(|github| &github.github_endpoint),
            github.and_then(|github| github.api_endpoint.as_ref()),
            google.map(|google| &google.google_endpoint),
            google.map(|google| &google.api_endpoint),
        ];
        // Who is redirected could take a secret along.
        let limits = Limits {
            connect: CONNECT,
            total: LONGEST_CALL,
            body: LARGEST_ANSWER,
            redirects: 0,
        };
        let client = hosted::client(named.into_iter().flatten(), config, transport, limits)?;
        let mut services: Vec<Arc<dyn LoginService>> = Vec::new();
        if let Some(github) = github {
            services.push(Arc::new(github::GitHub::new(github, &client)));
        }
        if let Some(google) = google {
            services.push(Arc::new(google::Google::new(google, &client)));
        }
        Ok(Self {
            services,
            exchanges: Semaphore::new(MOST_AT_ONCE),
        })
    }

    /// The provider of that id.
    pub(crate) fn find(&self, id: &str) -> Option<&dyn LoginService> {
        self.all().find(|service| service.id() == id)
    }

    /// Every provider.
    pub(crate) fn all(&self) -> impl Iterator<Item = &dyn LoginService> {
        self.services.iter().map(Arc::as_ref)
    }

    /// A place among those whose code is exchanged now.
    fn place(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        self.exchanges.try_acquire().map_err(|_| {
            Refusal::new("Too many people sign in at the same time. Try again in a few seconds")
        })
    }
}

impl std::fmt::Debug for LoginServices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.all().map(LoginService::id))
            .finish()
    }
}
