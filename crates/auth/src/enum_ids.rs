//! Ids of the enumeration rows that permissions are made of.

use pierhead_db::enums::{Enums, RepositoryKind, Role, TeamRole, Visibility};
use pierhead_db::queries::permissions::RoleIds;

/// Ids differ between installations, so they are looked up by name, once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EnumIds {
    pub(crate) roles: RoleIds,
    pub(crate) public: i32,
    pub(crate) image: i32,
}

impl EnumIds {
    pub(crate) fn new(enums: &Enums) -> Self {
        Self {
            roles: RoleIds {
                admin: enums.id(Role::Admin),
                write: enums.id(Role::Write),
                team_admin: enums.id(TeamRole::Admin),
                team_creator: enums.id(TeamRole::Creator),
            },
            public: enums.id(Visibility::Public),
            image: enums.id(RepositoryKind::Image),
        }
    }
}
