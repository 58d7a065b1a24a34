//! Routes of superusers, and what superusers may do on the routes of others.

use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;
use pierhead_auth::{Account, Scope};

use super::{Guard, Rule, Who};
use crate::caller::Caller;
use crate::error::Error;
use crate::state::Api;

/// Which superusers may do what the guarded role may.
pub(crate) trait Elevated: Send + Sync + 'static {
    /// Global read-only superusers may read.
    const GLOBAL_READONLY: bool;
    /// They may also do what only looks like a change, such as asking for an export.
    const GLOBAL_READONLY_CHANGES: bool = false;

    /// Whether a request of a global read-only superuser may do what the guarded role may.
    fn admits(method: &Method, caller: &Caller) -> bool {
        Self::GLOBAL_READONLY
            && (method.is_safe() || Self::GLOBAL_READONLY_CHANGES)
            && caller.is_global_readonly()
    }
}

/// Superusers with full access, as everywhere.
pub(crate) struct Superusers;
/// These, and global read-only superusers.
pub(crate) struct AllSuperusers;

/// These, whatever the method.
pub(crate) struct Auditors;

impl Elevated for Auditors {
    const GLOBAL_READONLY: bool = true;
    const GLOBAL_READONLY_CHANGES: bool = true;
}

impl Elevated for Superusers {
    const GLOBAL_READONLY: bool = false;
}

impl Elevated for AllSuperusers {
    const GLOBAL_READONLY: bool = true;
}

/// Superusers; to read, global read-only superusers too.
pub(crate) struct SuperuserOnly {
    caller: Caller,
    user: Account,
}

impl SuperuserOnly {
    /// Who calls.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The superuser's account.
    pub(crate) fn user(&self) -> &Account {
        &self.user
    }
}

impl Guard for SuperuserOnly {
    const RULE: Rule = Rule {
        global_readonly: true,
        ..Rule::of(Who::Superuser, Some(Scope::SuperUser))
    };
}

impl FromRequestParts<Api> for SuperuserOnly {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let reads = parts.method.is_safe() && caller.is_global_readonly();
        let account = caller.credential().and_then(|found| found.account.clone());
        match account {
            Some(user) if caller.is_superuser() || reads => Ok(Self { caller, user }),
            _ => Err(Error::unauthorized(&caller)),
        }
    }
}
