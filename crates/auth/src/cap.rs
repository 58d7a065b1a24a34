//! How far the scopes of an OAuth token let it use the rights of its user (registry.md §3.4).
//!
//! Combined scopes give the maximum of each dimension; one unknown scope voids them all. Direct sign-ins (password, app
//! specific token, robot) are not capped.

/// A role on a repository; the order is that of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Read,
    Write,
    Admin,
}

/// A role in an organization; the order is that of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TeamRole {
    Member,
    Creator,
    Admin,
}

/// The most that a credential may do of what its account may do. `None` is less than every role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cap {
    pub(crate) repository: Option<Role>,
    pub(crate) team: Option<TeamRole>,
    pub(crate) superuser: bool,
}

impl Cap {
    /// Everything the account may do.
    pub(crate) const NONE: Self = Self {
        repository: Some(Role::Admin),
        team: Some(TeamRole::Admin),
        superuser: true,
    };

    /// The cap of `oauthaccesstoken.scope`: scopes separated by spaces or commas.
    pub(crate) fn of_scopes(scopes: &str) -> Self {
        const NOTHING: Cap = Cap {
            repository: None,
            team: None,
            superuser: false,
        };
        let mut cap = NOTHING;
        for scope in scopes.split([' ', ',']) {
            match scope {
                "repo:read" => cap.repository = cap.repository.max(Some(Role::Read)),
                "repo:write" => cap.repository = cap.repository.max(Some(Role::Write)),
                "repo:admin" => cap.repository = cap.repository.max(Some(Role::Admin)),
                "repo:create" => cap.team = cap.team.max(Some(TeamRole::Creator)),
                "org:admin" => cap.team = cap.team.max(Some(TeamRole::Admin)),
                "super:user" => cap.superuser = true,
                "user:read" | "user:admin" => {}
                _ => return NOTHING,
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
        let cap = Cap::of_scopes("repo:write,repo:read repo:create user:admin");
        assert_eq!(
            cap,
            Cap {
                repository: Some(Role::Write),
                team: Some(TeamRole::Creator),
                superuser: false
            }
        );
        assert!(Cap::of_scopes("super:user").superuser);
        assert_eq!(
            Cap::of_scopes("org:admin repo:create").team,
            Some(TeamRole::Admin)
        );
    }

    #[test]
    fn one_unknown_scope_voids_them_all() {
        for scopes in [
            "repo:admin repo:delete",
            "",
            "repo:admin  repo:read",
            "direct_user_login",
        ] {
            assert_eq!(Cap::of_scopes(scopes).repository, None, "{scopes:?}");
        }
    }
}
