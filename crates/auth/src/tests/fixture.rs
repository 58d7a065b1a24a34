//! A registry with people, robots, organizations and repositories, and a second connection to its database that stands
//! for another instance: what it changes, nobody here is told about.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use pierhead_db::encoding::field::{EncryptedColumn, FieldCipher};
use pierhead_db::encoding::key::DerivedKey;
use pierhead_db::encoding::password::PasswordCipher;
use pierhead_db::enums::Enums;
use pierhead_db::migrate::migrate;
use pierhead_db::{BoxFuture, Database, NamespaceId, SqliteOptions, UserId};
use pierhead_oci::{NameRules, RepositoryName, Scope};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
use tempfile::TempDir;

use crate::{
    Access, Auth, AuthConfig, Bearer, Clock, Credential, IssuedToken, PushCreation,
    PushCreationError, ServiceKeys, ServiceKeysConfig, TokenError,
};

pub(super) const HOST: &str = "registry.example.com";
/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600;

pub(super) struct Fixture {
    pub(super) auth: Auth,
    pub(super) db: Database,
    pub(super) clock: Clock,
    pub(super) cipher: FieldCipher,
    pub(super) dir: TempDir,
}

/// Makes rows the plain way.
struct PlainCreation {
    path: PathBuf,
}

impl PushCreation for PlainCreation {
    fn create_repository<'a>(
        &'a self,
        namespace: NamespaceId,
        name: &'a RepositoryName,
        creator: UserId,
        public: bool,
    ) -> BoxFuture<'a, Result<(), PushCreationError>> {
        Box::pin(async move {
            let mut conn = connect(&self.path).await;
            let visibility = if public { "public" } else { "private" };
            let repository =
                insert_repository(&mut conn, namespace.0, name.repository(), visibility).await;
            permit(&mut conn, repository, "user_id", creator.0, "admin").await;
            Ok(())
        })
    }

    fn create_organization<'a>(
        &'a self,
        name: &'a str,
        owner: UserId,
    ) -> BoxFuture<'a, Result<NamespaceId, PushCreationError>> {
        Box::pin(async move {
            let mut conn = connect(&self.path).await;
            let id = insert_organization(&mut conn, name, owner.0).await;
            Ok(NamespaceId(id))
        })
    }
}

impl Fixture {
    pub(super) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut AuthConfig)) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("registry.db");
        let db = Database::sqlite(&SqliteOptions::new(&path)).await.unwrap();
        migrate(&db).await.unwrap();
        let enums = Enums::load(&mut db.read().await.unwrap()).await.unwrap();
        let clock = Clock::manual(DateTime::from_timestamp(START, 0).unwrap());
        let key = || DerivedKey::from_secret("testkey").unwrap();
        let cipher = FieldCipher::new(&key());
        let mut config = AuthConfig::new(HOST);
        config.password_cipher = Some(Arc::new(PasswordCipher::new(key())));
        change(&mut config);
        let keys = ServiceKeys::open(db.clone(), keys_config(&dir), clock.clone())
            .await
            .unwrap();
        let creation = Arc::new(PlainCreation { path });
        let auth = Auth::open(
            db.clone(),
            &enums,
            cipher.clone(),
            config,
            keys,
            clock.clone(),
            creation,
        )
        .unwrap();
        Self {
            auth,
            db,
            clock,
            cipher,
            dir,
        }
    }

    /// `ann` with the password `ann-secret`, her robot `ann+ci`, her private `ann/app` and public `ann/site`.
    pub(super) async fn with_ann() -> Self {
        let fixture = Self::new().await;
        fixture.add_ann().await;
        fixture
    }

    pub(super) async fn add_ann(&self) {
        self.user("ann", "ann-secret").await;
        self.robot("ann+ci", &"R".repeat(64)).await;
        self.repository("ann", "app", "private").await;
        self.repository("ann", "site", "public").await;
    }

    /// The other instance.
    pub(super) async fn elsewhere(&self) -> SqliteConnection {
        connect(&self.dir.path().join("registry.db")).await
    }

    /// Something the other instance does.
    pub(super) async fn execute(&self, sql: &str) {
        let mut conn = self.elsewhere().await;
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&mut conn)
            .await
            .unwrap();
        assert!(done.rows_affected() > 0, "nothing changed: {sql}");
    }

    pub(super) async fn number(&self, sql: &str) -> i64 {
        number(&mut self.elsewhere().await, sql).await
    }

    pub(super) async fn user(&self, name: &str, password: &str) -> i32 {
        let hash = bcrypt::hash(password, 4).unwrap();
        insert_user(&mut self.elsewhere().await, name, Some(&hash)).await
    }

    pub(super) async fn robot(&self, name: &str, token: &str) -> i32 {
        let mut conn = self.elsewhere().await;
        let id = insert_user(&mut conn, name, None).await;
        let stored = self
            .cipher
            .encrypt(EncryptedColumn::ROBOT_TOKEN, token)
            .unwrap();
        let sql = format!(
            "INSERT INTO robotaccounttoken (robot_account_id, token) VALUES ({id}, '{stored}')"
        );
        execute(&mut conn, &sql).await;
        id
    }

    pub(super) async fn organization(&self, name: &str, owner: &str) -> i32 {
        let mut conn = self.elsewhere().await;
        let owner = user_id(&mut conn, owner).await;
        insert_organization(&mut conn, name, owner).await
    }

    pub(super) async fn team(
        &self,
        organization: &str,
        name: &str,
        role: &str,
        member: &str,
    ) -> i32 {
        let mut conn = self.elsewhere().await;
        let organization = user_id(&mut conn, organization).await;
        let member = user_id(&mut conn, member).await;
        insert_team(&mut conn, organization, name, role, member).await
    }

    pub(super) async fn repository(&self, namespace: &str, name: &str, visibility: &str) -> i32 {
        let mut conn = self.elsewhere().await;
        let namespace = user_id(&mut conn, namespace).await;
        insert_repository(&mut conn, namespace, name, visibility).await
    }

    pub(super) async fn permit_user(&self, repository: i32, user: &str, role: &str) {
        let mut conn = self.elsewhere().await;
        let user = user_id(&mut conn, user).await;
        permit(&mut conn, repository, "user_id", user, role).await;
    }

    pub(super) async fn permit_team(&self, repository: i32, team: i32, role: &str) {
        permit(
            &mut self.elsewhere().await,
            repository,
            "team_id",
            team,
            role,
        )
        .await;
    }

    /// An OAuth token of ann's; returns what she sends.
    pub(super) async fn oauth_token(&self, scope: &str) -> String {
        let mut conn = self.elsewhere().await;
        let user = user_id(&mut conn, "ann").await;
        let code = bcrypt::hash("C".repeat(20), 4).unwrap();
        execute(
            &mut conn,
            &format!(
                "INSERT INTO oauthapplication (id, client_id, redirect_uri, application_uri, organization_id, name, \
                 description) VALUES (1, 'c', '', '', {user}, 'app', ''); \
                 INSERT INTO oauthaccesstoken (id, uuid, application_id, authorized_user_id, scope, token_type, \
                 expires_at, data, token_code, token_name) VALUES (1, 'oauth-uuid', 1, {user}, '{scope}', 'Bearer', \
                 '2026-01-01 02:00:00', '', '{code}', '{}')",
                "N".repeat(20)
            ),
        )
        .await;
        format!("{}{}", "N".repeat(20), "C".repeat(20))
    }

    /// An app specific token of ann's that ends in two hours; returns what she sends.
    pub(super) async fn app_token(&self) -> String {
        let mut conn = self.elsewhere().await;
        let user = user_id(&mut conn, "ann").await;
        let secret = self
            .cipher
            .encrypt(EncryptedColumn::APP_TOKEN_SECRET, &"S".repeat(60))
            .unwrap();
        execute(
            &mut conn,
            &format!(
                "INSERT INTO appspecificauthtoken (id, user_id, uuid, title, created, expiration, token_name, \
                 token_secret) VALUES (1, {user}, 'app-uuid', 'laptop', '2026-01-01 00:00:00', \
                 '2026-01-01 02:00:00', '{}', '{secret}')",
                "A".repeat(60)
            ),
        )
        .await;
        format!("{}{}", "A".repeat(60), "S".repeat(60))
    }

    /// An access token of a repository; returns what a client sends.
    pub(super) async fn access_token(&self, repository: i32, role: &str) -> String {
        let code = self
            .cipher
            .encrypt(EncryptedColumn::ACCESS_TOKEN_CODE, &"D".repeat(32))
            .unwrap();
        self.execute(&format!(
            "INSERT INTO accesstoken (id, repository_id, created, role_id, temporary, token_code, token_name) \
             SELECT 1, {repository}, '2026-01-01 00:00:00', id, false, '{code}', '{}' FROM role WHERE name = '{role}'",
            "B".repeat(32)
        ))
        .await;
        format!("{}{}", "B".repeat(32), "D".repeat(32))
    }

    pub(super) async fn ann(&self) -> Credential {
        self.auth.basic("ann", "ann-secret").await.unwrap()
    }

    pub(super) async fn ci(&self) -> Credential {
        self.auth.basic("ann+ci", &"R".repeat(64)).await.unwrap()
    }

    /// A token for this registry.
    pub(super) async fn issue(
        &self,
        credential: Option<&Credential>,
        scopes: &[&str],
    ) -> Result<IssuedToken, TokenError> {
        let scopes = Scope::parse_all(scopes.iter().copied(), HOST).unwrap();
        self.auth.issue(credential, Some(HOST), &scopes).await
    }

    /// The actions that a single scope `<name>:<actions>` grants, comma separated.
    pub(super) async fn granted(&self, credential: Option<&Credential>, scope: &str) -> String {
        let scope = format!("repository:{scope}");
        let issued = self.issue(credential, &[&scope]).await.unwrap();
        issued.grants[0].actions.to_string()
    }

    /// A verified bearer token for a single scope `<name>:<actions>`.
    pub(super) async fn bearer(&self, credential: Option<&Credential>, scope: &str) -> Arc<Bearer> {
        let scope = format!("repository:{scope}");
        let issued = self.issue(credential, &[&scope]).await.unwrap();
        self.auth.bearer(&issued.token).await.unwrap()
    }

    /// What a bearer may do, as `pull,push,admin`.
    pub(super) async fn may(&self, bearer: &Arc<Bearer>, repository: &str) -> String {
        let access = self.auth.access(bearer, &name(repository)).await.unwrap();
        words(&access)
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub(super) fn words(access: &Access) -> String {
    let held = [
        (access.pull, "pull"),
        (access.push, "push"),
        (access.admin, "admin"),
    ];
    let held: Vec<&str> = held
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, word)| *word)
        .collect();
    held.join(",")
}

pub(super) fn name(path: &str) -> RepositoryName {
    RepositoryName::parse(path, &NameRules::default()).unwrap()
}

pub(super) fn keys_config(dir: &TempDir) -> ServiceKeysConfig {
    ServiceKeysConfig::new(
        ServiceKeysConfig::display_name("https", HOST),
        dir.path().join("quay.pem"),
        dir.path().join("quay.kid"),
    )
}

async fn connect(path: &std::path::Path) -> SqliteConnection {
    SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap()
}

async fn execute(conn: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(conn)
        .await
        .unwrap();
}

async fn number(conn: &mut SqliteConnection, sql: &str) -> i64 {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .fetch_one(conn)
        .await
        .unwrap()
        .get(0)
}

async fn user_id(conn: &mut SqliteConnection, name: &str) -> i32 {
    number(
        conn,
        &format!("SELECT id FROM \"user\" WHERE username = '{name}'"),
    )
    .await as i32
}

async fn insert_user(conn: &mut SqliteConnection, name: &str, hash: Option<&str>) -> i32 {
    let hash = hash.map_or("NULL".to_owned(), |hash| format!("'{hash}'"));
    let robot = name.contains('+');
    let email = format!("{}@example.com", name.replace('+', "-"));
    execute(
        conn,
        &format!(
            "INSERT INTO \"user\" (uuid, username, password_hash, email, verified, organization, robot, invoice_email, \
             last_invalid_login) VALUES ('uuid-{name}', '{name}', {hash}, '{email}', true, false, {robot}, false, \
             '2025-12-31 00:00:00')"
        ),
    )
    .await;
    user_id(conn, name).await
}

async fn insert_organization(conn: &mut SqliteConnection, name: &str, owner: i32) -> i32 {
    let id = insert_user(conn, name, None).await;
    execute(
        conn,
        &format!("UPDATE \"user\" SET organization = true WHERE id = {id}"),
    )
    .await;
    insert_team(conn, id, "owners", "admin", owner).await;
    id
}

async fn insert_team(
    conn: &mut SqliteConnection,
    organization: i32,
    name: &str,
    role: &str,
    member: i32,
) -> i32 {
    execute(
        conn,
        &format!(
            "INSERT INTO team (name, organization_id, role_id, description) \
             SELECT '{name}', {organization}, id, '' FROM teamrole WHERE name = '{role}'; \
             INSERT INTO teammember (user_id, team_id) \
             SELECT {member}, id FROM team WHERE name = '{name}' AND organization_id = {organization}"
        ),
    )
    .await;
    let sql =
        format!("SELECT id FROM team WHERE name = '{name}' AND organization_id = {organization}");
    number(conn, &sql).await as i32
}

async fn insert_repository(
    conn: &mut SqliteConnection,
    namespace: i32,
    name: &str,
    visibility: &str,
) -> i32 {
    execute(
        conn,
        &format!(
            "INSERT INTO repository (namespace_user_id, name, visibility_id, badge_token, kind_id) \
             SELECT {namespace}, '{name}', v.id, 'badge', k.id FROM visibility v, repositorykind k \
             WHERE v.name = '{visibility}' AND k.name = 'image'"
        ),
    )
    .await;
    let sql = format!(
        "SELECT id FROM repository WHERE namespace_user_id = {namespace} AND name = '{name}'"
    );
    number(conn, &sql).await as i32
}

async fn permit(conn: &mut SqliteConnection, repository: i32, column: &str, who: i32, role: &str) {
    execute(
        conn,
        &format!(
            "INSERT INTO repositorypermission ({column}, repository_id, role_id) \
             SELECT {who}, {repository}, id FROM role WHERE name = '{role}'"
        ),
    )
    .await;
}
