//! Routes of a repository, which the path names as `{repository}`.
//!
//! As in Quay, who lacks the right is refused whether the repository exists or not; who would have it (in the own namespace,
//! as administrator of the organization, as superuser) is told that it does not.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use pierhead_auth::{Repository, RepositoryRights, RepositoryState, Role, Scope};
use pierhead_oci::RepositoryName;

use super::superuser::{Elevated, Superusers};
use super::{Guard, Rule, Who};
use crate::caller::Caller;
use crate::error::Error;
use crate::state::Api;

/// A role on a repository.
pub(crate) trait RepositoryRole: Send + Sync + 'static {
    const ROLE: Role;
    const WHO: Who;
    const SCOPE: Scope;
}

/// Readers, and everybody if the repository is public.
pub(crate) struct Read;
/// Writers.
pub(crate) struct Write;
/// Administrators.
pub(crate) struct Admin;

impl RepositoryRole for Read {
    const ROLE: Role = Role::Read;
    const WHO: Who = Who::RepositoryRead;
    const SCOPE: Scope = Scope::RepoRead;
}

impl RepositoryRole for Write {
    const ROLE: Role = Role::Write;
    const WHO: Who = Who::RepositoryWrite;
    const SCOPE: Scope = Scope::RepoWrite;
}

impl RepositoryRole for Admin {
    const ROLE: Role = Role::Admin;
    const WHO: Who = Who::RepositoryAdmin;
    const SCOPE: Scope = Scope::RepoAdmin;
}

/// Whoever has that role on the repository.
pub(crate) struct InRepository<R: RepositoryRole, X: Elevated = Superusers> {
    caller: Caller,
    name: RepositoryName,
    repository: Option<Arc<Repository>>,
    rights: RepositoryRights,
    role: PhantomData<(R, X)>,
}

impl<R: RepositoryRole, X: Elevated> InRepository<R, X> {
    /// Who calls.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The name in the path.
    pub(crate) fn name(&self) -> &RepositoryName {
        &self.name
    }

    /// The repository.
    ///
    /// # Errors
    /// 404 when there is none of that name.
    pub(crate) fn repository(&self) -> Result<&Arc<Repository>, Error> {
        self.repository.as_ref().ok_or_else(Error::not_found)
    }

    /// Whether the caller has at least that role, superusers with full access included.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.rights.role >= Some(role) || self.caller.has_full_access()
    }
}

impl<R: RepositoryRole, X: Elevated> Guard for InRepository<R, X> {
    const RULE: Rule = Rule {
        global_readonly: X::GLOBAL_READONLY || matches!(R::ROLE, Role::Read),
        ..Rule::of(R::WHO, Some(R::SCOPE))
    };
}

impl<R: RepositoryRole, X: Elevated> FromRequestParts<Api> for InRepository<R, X> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let name = named(parts, api).await?;
        let rights = api
            .auth()
            .repository_rights(caller.credential(), &name)
            .await?;
        let repository = rights.repository.clone();
        let public = repository.as_ref().is_some_and(|found| found.public);
        let may = rights.role >= Some(R::ROLE)
            || caller.has_full_access()
            || (matches!(R::ROLE, Role::Read) && (public || caller.is_global_readonly()))
            || X::admits(&parts.method, &caller);
        if !may {
            return Err(Error::unauthorized(&caller));
        }
        Ok(Self {
            caller,
            name,
            repository,
            rights,
            role: PhantomData,
        })
    }
}

/// The repository name in the path.
async fn named(parts: &mut Parts, api: &Api) -> Result<RepositoryName, Error> {
    let params = parts
        .extract::<RawPathParams>()
        .await
        .map_err(|_| Error::no_such_page())?;
    let path = params
        .iter()
        .find(|(key, _)| *key == "repository")
        .map(|(_, value)| value.to_owned())
        .ok_or_else(Error::no_such_page)?;
    RepositoryName::parse(&path, &api.auth().config().names).map_err(|_| Error::no_such_page())
}

/// The same, while the repository takes pushes, and not in a restricted user's own namespace.
pub(crate) struct Normal<G>(G);

impl<R: RepositoryRole, X: Elevated> Guard for Normal<InRepository<R, X>> {
    const RULE: Rule = Rule {
        normal: true,
        ..InRepository::<R, X>::RULE
    };
}

impl<R: RepositoryRole, X: Elevated> FromRequestParts<Api> for Normal<InRepository<R, X>> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let guard = InRepository::<R, X>::from_request_parts(parts, api).await?;
        let caller = &guard.caller;
        let state = guard.repository.as_ref().map(|found| found.state);
        if let Some(state) = state.filter(|state| *state != RepositoryState::Normal) {
            // Quay shows the number of the state.
            return Err(Error::message(
                StatusCode::SERVICE_UNAVAILABLE,
                format!(
                    "Repository is in read only or mirror mode: {}",
                    state.number()
                ),
            ));
        }
        let own = caller
            .user()
            .is_some_and(|user| user.username == guard.name.namespace());
        if own && caller.is_restricted() {
            return Err(Error::message(
                StatusCode::FORBIDDEN,
                "Operation not allowed on restricted user owned namespace",
            ));
        }
        Ok(Self(guard))
    }
}

impl<G> std::ops::Deref for Normal<G> {
    type Target = G;

    fn deref(&self) -> &G {
        &self.0
    }
}
