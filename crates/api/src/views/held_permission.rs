//! What a team or a robot may do with a repository.

use pierhead_auth::accounts::HeldPermission;
use serde::Serialize;
use utoipa::ToSchema;

/// A list of permissions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeldPermissions {
    /// Every permission.
    permissions: Vec<HeldPermissionView>,
}

/// A permission.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeldPermissionView {
    /// On what.
    repository: PermittedRepository,
    /// `admin`, `write` or `read`.
    role: String,
}

/// A repository.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PermittedRepository {
    /// Its name, without the namespace.
    name: String,
    /// Everybody sees it.
    is_public: bool,
}

impl From<Vec<HeldPermission>> for HeldPermissions {
    fn from(permissions: Vec<HeldPermission>) -> Self {
        let permissions = permissions
            .into_iter()
            .map(|held| HeldPermissionView {
                repository: PermittedRepository {
                    name: held.repository,
                    is_public: held.public,
                },
                role: held.role,
            })
            .collect();
        Self { permissions }
    }
}
