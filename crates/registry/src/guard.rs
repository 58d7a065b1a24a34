//! Who asks, and whether they may: the bearer token, the access it gives, and the challenge when it does not.
//!
//! A refusal is the same 401 for a repository that does not exist, one that is private, and one that is only readable
//! (Quay): it does not say which.

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use pierhead_auth::{Access, Bearer, BearerError, Repository, RepositoryKind};

use crate::audit::Attempt;
use crate::error::{Challenge, Code, Error, Result};
use crate::route::Guard;
use crate::state::Registry;

/// A caller whose guard was passed. Only [`Registry::admit`] makes one.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// The token.
    pub bearer: Arc<Bearer>,
    /// What it may do.
    pub access: Access,
    _private: (),
}

impl Admitted {
    /// The repository. Some callers may read a name that does not exist (their own): then it is unknown.
    pub(crate) fn repository(&self) -> Result<&Arc<Repository>> {
        self.access
            .repository
            .as_ref()
            .ok_or_else(|| Code::NAME_UNKNOWN.into())
    }

    /// Identifies the principal, for what belongs to it.
    pub(crate) fn owner(&self) -> String {
        self.bearer.subject().map_or_else(
            || "(anonymous)".to_owned(),
            |subject| match subject.user_id {
                Some(user) => format!("user:{user}"),
                None => format!("token:{}", subject.credential.row),
            },
        )
    }
}

impl Registry {
    /// The token of a request; anonymous if it has none.
    pub async fn bearer(&self, headers: &HeaderMap, scope: Option<&str>) -> Result<Arc<Bearer>> {
        let Some(header) = headers.get(AUTHORIZATION) else {
            return Ok(self.auth.anonymous());
        };
        let token = header.to_str().ok().and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| token.trim_matches(' '))
        });
        let Some(token) = token else {
            return Err(self.challenge(
                headers,
                scope,
                Some("Invalid bearer token format".to_owned()),
            ));
        };
        let outcome = self.auth.bearer(token).await;
        self.measures.bearer(outcome.is_ok());
        match outcome {
            Ok(bearer) => Ok(bearer),
            Err(BearerError::Database(error)) => Err(error.into()),
            Err(error) => Err(self.challenge(headers, scope, Some(error.to_string()))),
        }
    }

    /// Lets a request pass that its guard allows.
    pub(crate) async fn admit(
        &self,
        headers: &HeaderMap,
        attempt: &Attempt<'_>,
    ) -> Result<Admitted> {
        let (name, guard) = (attempt.name, attempt.operation.guard());
        let scope = || format!("repository:{name}:{}", guard.scope());
        let bearer = match headers.get(AUTHORIZATION) {
            None => self.auth.anonymous(),
            Some(_) => self.bearer(headers, Some(&scope())).await?,
        };
        let access = self.auth.access(&bearer, name).await?;
        let allowed = match guard {
            Guard::Pull => access.pull,
            Guard::Push => access.push,
        };
        if !allowed {
            self.record_refusal(attempt, &bearer).await?;
            return Err(self.challenge(headers, Some(&scope()), None));
        }
        // Nobody has any access to a namespace that is disabled; the token service says so.
        if let Some(repository) = &access.repository
            && repository.kind != RepositoryKind::Image
        {
            return Err(Error::saying(
                Code::UNSUPPORTED,
                "This repository is for managing application and not container images.",
            ));
        }
        Ok(Admitted {
            bearer,
            access,
            _private: (),
        })
    }

    /// A 401 with the way to a token, for a client that sent these headers.
    pub fn challenge(
        &self,
        headers: &HeaderMap,
        scope: Option<&str>,
        message: Option<String>,
    ) -> Error {
        let (realm, service) = (self.config.realm(headers), &self.config.hostname);
        let mut header = format!("Bearer realm=\"{realm}\",service=\"{service}\"");
        if let Some(scope) = scope {
            header.push_str(",scope=\"");
            header.push_str(scope);
            header.push('"');
        }
        Error::Unauthorized(Box::new(Challenge {
            // Names are checked and hostnames validated, so this holds no character that a header may not have.
            header: HeaderValue::from_str(&header)
                .unwrap_or_else(|_| HeaderValue::from_static("Bearer")),
            message,
        }))
    }
}
