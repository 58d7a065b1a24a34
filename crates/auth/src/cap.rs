//! How far the scopes of an OAuth token let it use the rights of its user (registry.md §3.4).
//!
//! Combined scopes give the maximum of each dimension. Direct sign-ins (password, app
//! specific token, robot) are not capped.

use crate::scopes::{Scope, Scopes};

/// A role on a repository; the order is that of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Pull.
    Read,
    /// Pull and push.
    Write,
    /// Everything, permissions included.
    Admin,
}

/// A role in an organization; the order is that of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TeamRole {
    /// What its teams were granted.
    Member,
    /// Also makes repositories.
    Creator,
    /// Everything in the organization.
    Admin,
}

/// What a credential may see and change of its own account; the order is that of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum UserRole {
    Read,
    Admin,
}

/// The most that a credential may do of what its account may do. `None` is less than every role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cap {
    pub(crate) repository: Option<Role>,
    pub(crate) team: Option<TeamRole>,
    pub(crate) user: Option<UserRole>,
    pub(crate) superuser: bool,
}

impl Cap {
    /// Everything the account may do.
    pub(crate) const NONE: Self = Self {
        repository: Some(Role::Admin),
        team: Some(TeamRole::Admin),
        user: Some(UserRole::Admin),
        superuser: true,
    };

    /// The cap of an OAuth token.
    pub(crate) fn of_scopes(scopes: Scopes) -> Self {
        let mut cap = Self {
            repository: None,
            team: None,
            user: None,
            superuser: false,
        };
        for scope in scopes.iter() {
            match scope {
                Scope::RepoRead => cap.repository = cap.repository.max(Some(Role::Read)),
                Scope::RepoWrite => cap.repository = cap.repository.max(Some(Role::Write)),
                Scope::RepoAdmin => cap.repository = cap.repository.max(Some(Role::Admin)),
                Scope::RepoCreate => cap.team = cap.team.max(Some(TeamRole::Creator)),
                Scope::OrgAdmin => cap.team = cap.team.max(Some(TeamRole::Admin)),
                Scope::UserRead => cap.user = cap.user.max(Some(UserRole::Read)),
                Scope::UserAdmin => cap.user = cap.user.max(Some(UserRole::Admin)),
                Scope::SuperUser => cap.superuser = true,
            }
        }
        cap
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_combine_to_the_maximum_of_each_dimension() {
        let cap = Cap::of_scopes(Scopes::parse("repo:write,repo:read repo:create user:admin"));
        assert_eq!(
            cap,
            Cap {
                repository: Some(Role::Write),
                team: Some(TeamRole::Creator),
                user: Some(UserRole::Admin),
                superuser: false
            }
        );
        assert!(Cap::of_scopes(Scopes::parse("super:user")).superuser);
        assert_eq!(
            Cap::of_scopes(Scopes::parse("org:admin repo:create")).team,
            Some(TeamRole::Admin)
        );
    }

    #[test]
    fn no_scope_is_nothing() {
        let nothing = Cap::of_scopes(Scopes::default());
        assert_eq!(
            (nothing.repository, nothing.team, nothing.user),
            (None, None, None)
        );
        assert!(!nothing.superuser);
    }
}
