//! What a credential may do with a repository: credential, account, namespace, repository and roles in one statement.
//!
//! One row always comes back: what does not exist is NULL. Every table is reached through an index on both engines (the
//! few rows of `proxycacheconfig` apart, which Quay does not index by organization); tests read the plans.

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::{NamespaceId, RepositoryId, UserId};
use crate::queries::principals::{
    CredentialRow, CredentialTable, access_token_columns, app_token_columns, oauth_token_columns,
    password_columns, robot_columns,
};
use crate::statement::{fetch_one, fetch_optional, statements};

/// A namespace and a repository in it, as far as they exist.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RepositoryRow {
    /// The namespace.
    pub namespace_id: Option<NamespaceId>,
    /// Whether it is enabled.
    pub namespace_enabled: Option<bool>,
    /// Whether it is an organization.
    pub namespace_is_organization: Option<bool>,
    /// Whether it has no billing account.
    pub namespace_free: bool,
    /// The repository.
    pub repository_id: Option<RepositoryId>,
    /// `repository.state`.
    pub state: Option<i32>,
    /// `repository.kind_id`.
    pub kind_id: Option<i32>,
    /// `repository.visibility_id`.
    pub visibility_id: Option<i32>,
    /// `repository.trust_enabled`.
    pub trusted: Option<bool>,
    /// The robot that may push to a mirrored repository.
    pub mirror_robot_id: Option<UserId>,
    /// Whether the namespace is a proxy cache.
    pub proxied: bool,
    /// Whether the organization as a whole is mirrored.
    pub mirrored: bool,
}

/// The highest role an account has, by its source: 3 is admin, 2 is write (or creator), 1 is read (or member).
#[derive(Clone, Copy, Debug, Default, sqlx::FromRow)]
pub struct RoleRow {
    /// Granted to the account itself.
    pub user_role: Option<i32>,
    /// Granted to one of its teams.
    pub team_role: Option<i32>,
    /// Its highest team role in the organization.
    pub organization_role: Option<i32>,
}

/// Everything that decides what an account may do with a repository.
#[derive(Clone, sqlx::FromRow)]
pub struct AccountRightsRow {
    /// The credential as it is now.
    #[sqlx(flatten)]
    pub credential: CredentialRow,
    /// The repository.
    #[sqlx(flatten)]
    pub repository: RepositoryRow,
    /// The account's roles.
    #[sqlx(flatten)]
    pub roles: RoleRow,
}

/// The same for a repository's access token.
#[derive(Clone, sqlx::FromRow)]
pub struct TokenRightsRow {
    /// The credential as it is now.
    #[sqlx(flatten)]
    pub credential: CredentialRow,
    /// The repository.
    #[sqlx(flatten)]
    pub repository: RepositoryRow,
}

/// Ids of the enumeration rows that the statements compare with.
#[derive(Clone, Copy, Debug)]
pub struct RoleIds {
    /// `role` admin.
    pub admin: i32,
    /// `role` write.
    pub write: i32,
    /// `teamrole` admin.
    pub team_admin: i32,
    /// `teamrole` creator.
    pub team_creator: i32,
}

macro_rules! repository_columns {
    () => {
        "n.id AS namespace_id, n.enabled AS namespace_enabled, n.organization AS namespace_is_organization, \
         n.stripe_id IS NULL AS namespace_free, \
         r.id AS repository_id, r.state AS state, r.kind_id AS kind_id, r.visibility_id AS visibility_id, \
         r.trust_enabled AS trusted, \
         CASE r.state \
           WHEN 2 THEN (SELECT m.internal_robot_id FROM repomirrorconfig m WHERE m.repository_id = r.id) \
           WHEN 4 THEN (SELECT MIN(mc.internal_robot_id) FROM orgmirrorrepository mr \
                        JOIN orgmirrorconfig mc ON mc.id = mr.org_mirror_config_id WHERE mr.repository_id = r.id) \
         END AS mirror_robot_id, \
         CASE WHEN n.organization THEN EXISTS (SELECT 1 FROM proxycacheconfig p WHERE p.organization_id = n.id) \
              ELSE false END AS proxied, \
         CASE WHEN n.organization THEN EXISTS (SELECT 1 FROM orgmirrorconfig om WHERE om.organization_id = n.id) \
              ELSE false END AS mirrored"
    };
}

macro_rules! role_columns {
    () => {
        "(SELECT MAX(CASE rp.role_id WHEN $4 THEN 3 WHEN $5 THEN 2 ELSE 1 END) FROM repositorypermission rp \
           WHERE rp.user_id = u.id AND rp.repository_id = r.id) AS user_role, \
         (SELECT MAX(CASE tp.role_id WHEN $4 THEN 3 WHEN $5 THEN 2 ELSE 1 END) FROM teammember tm \
           JOIN repositorypermission tp ON tp.team_id = tm.team_id AND tp.repository_id = r.id \
           WHERE tm.user_id = u.id) AS team_role, \
         (SELECT MAX(CASE t.role_id WHEN $6 THEN 3 WHEN $7 THEN 2 ELSE 1 END) FROM teammember tm \
           JOIN team t ON t.id = tm.team_id WHERE tm.user_id = u.id AND t.organization_id = n.id) AS organization_role"
    };
}

macro_rules! repository_joins {
    () => {
        " LEFT JOIN \"user\" n ON n.username = $1 AND n.robot = false \
          LEFT JOIN repository r ON r.namespace_user_id = n.id AND r.name = $2"
    };
}

macro_rules! account_rights {
    ($columns:expr, $joins:literal) => {
        concat!(
            "SELECT ",
            $columns,
            ", ",
            repository_columns!(),
            ", ",
            role_columns!(),
            " FROM (SELECT 1 AS one) b ",
            $joins,
            repository_joins!()
        )
    };
}

statements! {
    /// `$1` namespace, `$2` repository, `$3` the credential's row, `$4` to `$7` role ids.
    PASSWORD_RIGHTS = account_rights!(
        password_columns!(),
        "LEFT JOIN \"user\" u ON u.id = $3"
    );
    /// The same; `$8` is the robot's owner.
    ROBOT_RIGHTS = account_rights!(
        robot_columns!(),
        "LEFT JOIN robotaccounttoken c ON c.id = $3 LEFT JOIN \"user\" u ON u.id = c.robot_account_id \
         LEFT JOIN \"user\" o ON o.username = $8"
    );
    /// As for a password.
    APP_TOKEN_RIGHTS = account_rights!(
        app_token_columns!(),
        "LEFT JOIN appspecificauthtoken c ON c.id = $3 LEFT JOIN \"user\" u ON u.id = c.user_id"
    );
    /// As for a password.
    OAUTH_TOKEN_RIGHTS = account_rights!(
        oauth_token_columns!(),
        "LEFT JOIN oauthaccesstoken c ON c.id = $3 LEFT JOIN oauthapplication a ON a.id = c.application_id \
         LEFT JOIN \"user\" u ON u.id = c.authorized_user_id"
    );
    /// `$1` namespace, `$2` repository, `$3` the token's row.
    ACCESS_TOKEN_RIGHTS = concat!(
        "SELECT ", access_token_columns!(), ", ", repository_columns!(),
        " FROM (SELECT 1 AS one) b LEFT JOIN accesstoken c ON c.id = $3", repository_joins!()
    );
    /// `$1` namespace, `$2` a user's row (0 is nobody's), `$3` and `$4` team role ids.
    NAMESPACE = "SELECT n.id AS id, n.organization AS organization, n.enabled AS enabled, \
           (SELECT MAX(CASE t.role_id WHEN $3 THEN 3 WHEN $4 THEN 2 ELSE 1 END) FROM teammember tm \
             JOIN team t ON t.id = tm.team_id WHERE tm.user_id = $2 AND t.organization_id = n.id) AS role \
         FROM \"user\" n WHERE n.username = $1 AND n.robot = false";
    /// `$1` namespace, `$2` repository.
    REPOSITORY = concat!(
        "SELECT ", repository_columns!(), " FROM (SELECT 1 AS one) b", repository_joins!()
    );
}

/// A person or organization, and the role of somebody in its teams.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct NamespaceRow {
    /// The namespace.
    pub id: UserId,
    /// Whether it is an organization.
    pub organization: bool,
    /// Whether it is enabled.
    pub enabled: bool,
    /// The highest team role: 3 is admin, 2 is creator, 1 is member.
    pub role: Option<i32>,
}

/// A namespace by name, and the highest team role that `user` has in it; nobody has one in the namespace of a person.
pub async fn namespace(
    conn: &mut Conn,
    name: &str,
    user: Option<UserId>,
    ids: &RoleIds,
) -> Result<Option<NamespaceRow>> {
    fetch_optional!(
        conn,
        NAMESPACE,
        name,
        user.map_or(0, |user| user.0),
        ids.team_admin,
        ids.team_creator
    )
}

/// A namespace and a repository in it.
pub async fn repository(conn: &mut Conn, namespace: &str, name: &str) -> Result<RepositoryRow> {
    fetch_one!(conn, REPOSITORY, namespace, name)
}

/// A repository and the access token with that row.
pub async fn access_token_rights(
    conn: &mut Conn,
    namespace: &str,
    name: &str,
    row: i32,
) -> Result<TokenRightsRow> {
    fetch_one!(conn, ACCESS_TOKEN_RIGHTS, namespace, name, row)
}

/// A repository, a credential that belongs to an account, and the account's roles. `owner` is the name of a robot's owner,
/// and not used otherwise. An access token belongs to no account: for it, ask [`access_token_rights`].
pub async fn account_rights(
    conn: &mut Conn,
    namespace: &str,
    name: &str,
    (table, row, owner): (CredentialTable, i32, &str),
    ids: &RoleIds,
) -> Result<AccountRightsRow> {
    let sql = match table {
        CredentialTable::Robot => {
            return fetch_one!(
                conn,
                ROBOT_RIGHTS,
                namespace,
                name,
                row,
                ids.admin,
                ids.write,
                ids.team_admin,
                ids.team_creator,
                owner
            );
        }
        CredentialTable::AppToken => APP_TOKEN_RIGHTS,
        CredentialTable::OAuthToken => OAUTH_TOKEN_RIGHTS,
        CredentialTable::Password | CredentialTable::AccessToken => PASSWORD_RIGHTS,
    };
    fetch_one!(
        conn,
        sql,
        namespace,
        name,
        row,
        ids.admin,
        ids.write,
        ids.team_admin,
        ids.team_creator
    )
}
