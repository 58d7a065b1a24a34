//! Repositories that somebody can see, by pages.

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::RepositoryId;
use crate::statement::{fetch_all, statements};

/// A repository's name.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct CatalogEntry {
    /// `repository.id`.
    pub id: RepositoryId,
    /// Name of the namespace.
    pub namespace: String,
    /// Name inside the namespace.
    pub name: String,
}

/// Who looks, and what everybody may see.
#[derive(Clone, Copy, Debug)]
pub struct Viewer {
    /// `user.id`; `None` for anonymous.
    pub user: Option<i32>,
    /// Sees every repository.
    pub everything: bool,
    /// Sees public repositories that nobody shared with it.
    pub public: bool,
}

/// Ids of enumeration rows that the query needs.
#[derive(Clone, Copy, Debug)]
pub struct CatalogIds {
    /// `repositorykind` `image`.
    pub image: i32,
    /// `visibility` `public`.
    pub public: i32,
    /// `teamrole` `admin`.
    pub team_admin: i32,
}

statements! {
    /// `$1` first id, `$2` image, `$3` everything, `$4` public wanted, `$5` public, `$6` user, `$7` team admin, `$8` limit.
    LIST = "SELECT r.id, n.username AS namespace, r.name FROM repository r JOIN \"user\" n ON n.id = r.namespace_user_id \
        WHERE r.id >= $1 AND r.kind_id = $2 AND r.state <> 3 AND n.enabled = true \
          AND ($3 = true OR ($4 = true AND r.visibility_id = $5) OR r.namespace_user_id = $6 \
            OR EXISTS (SELECT 1 FROM repositorypermission p WHERE p.repository_id = r.id AND p.user_id = $6) \
            OR EXISTS (SELECT 1 FROM repositorypermission p JOIN teammember m ON m.team_id = p.team_id \
                WHERE p.repository_id = r.id AND m.user_id = $6) \
            OR EXISTS (SELECT 1 FROM team t JOIN teammember m ON m.team_id = t.id \
                WHERE t.organization_id = r.namespace_user_id AND t.role_id = $7 AND m.user_id = $6)) \
        ORDER BY r.id LIMIT $8";
}

/// Visible repositories from id `first` on, in the order of their ids.
pub async fn list(
    conn: &mut Conn,
    ids: CatalogIds,
    viewer: Viewer,
    first: i32,
    limit: i64,
) -> Result<Vec<CatalogEntry>> {
    fetch_all!(
        conn,
        LIST,
        first,
        ids.image,
        viewer.everything,
        viewer.public,
        ids.public,
        viewer.user,
        ids.team_admin,
        limit
    )
}
