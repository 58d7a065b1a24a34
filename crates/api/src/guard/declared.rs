//! Routes whose description names another scope than the one their guard asks for: what they do with repositories depends on
//! the content of the request, so their rules ask for the right themselves.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use pierhead_auth::Scope;

use super::{Guard, Rule};
use crate::error::Error;
use crate::state::Api;

/// A scope that a route's description names.
pub(crate) trait DeclaredScope: Send + Sync + 'static {
    const SCOPE: Scope;
}

/// `repo:read`.
pub(crate) struct ReadsRepositories;
/// `repo:create`.
pub(crate) struct CreatesRepositories;

impl DeclaredScope for ReadsRepositories {
    const SCOPE: Scope = Scope::RepoRead;
}

impl DeclaredScope for CreatesRepositories {
    const SCOPE: Scope = Scope::RepoCreate;
}

/// The guard `G`, described with the scope `S`.
pub(crate) struct Declares<S, G>(G, PhantomData<S>);

impl<S: DeclaredScope, G: Guard> Guard for Declares<S, G> {
    const RULE: Rule = Rule {
        scope: Some(S::SCOPE),
        ..G::RULE
    };
}

impl<S: DeclaredScope, G: Guard> FromRequestParts<Api> for Declares<S, G> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let guard = G::from_request_parts(parts, api).await?;
        Ok(Self(guard, PhantomData))
    }
}

impl<S, G> std::ops::Deref for Declares<S, G> {
    type Target = G;

    fn deref(&self) -> &G {
        &self.0
    }
}
