//! The routes that also take what registry clients have: user name and password, robots, tokens (`Authorization: Basic`).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use pierhead_auth::{Credential, SignInError};

use super::{Guard, Rule};
use crate::error::Error;
use crate::extract::basic;
use crate::state::Api;

/// A credential that was proved by Basic authentication; [`Caller`](crate::caller::Caller) looks for it first.
#[derive(Clone)]
pub(crate) struct BasicCredential(pub(crate) Credential);

/// The guard `G`, for whom Basic authentication counts, too.
pub(crate) struct WithBasic<G>(G);

impl<G: Guard> Guard for WithBasic<G> {
    const RULE: Rule = G::RULE;
}

impl<G: Guard> FromRequestParts<Api> for WithBasic<G> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        if let Some((username, password)) = basic(&parts.headers) {
            match api.auth().basic(&username, &password).await {
                Ok(credential) => {
                    parts.extensions.insert(BasicCredential(credential));
                }
                Err(SignInError::Database(error)) => return Err(error.into()),
                // As in Quay, a credential that does not count is like none.
                Err(_) => {}
            }
        }
        Ok(Self(G::from_request_parts(parts, api).await?))
    }
}

impl<G> std::ops::Deref for WithBasic<G> {
    type Target = G;

    fn deref(&self) -> &G {
        &self.0
    }
}
