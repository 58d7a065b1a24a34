//! What decides about access is read alike from both engines.

use pierhead_db::migrate::migrate;
use pierhead_db::queries::permissions::{self, RoleIds};
use pierhead_db::queries::principals::{self, CredentialTable};
use pierhead_db::{BoxFuture, Conn, Database, Error, NamespaceId, RepositoryId, UserId};
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use crate::databases;

/// Ann with her robot and each kind of token; the organization acme with the repository tools, where the robot writes as a
/// member of a team, ann creates, and a proxy cache is configured.
const ROWS: &str = "
INSERT INTO \"user\" (id, uuid, username, password_hash, email, verified, organization, robot, invoice_email, \
    last_invalid_login, enabled) VALUES \
    (1, 'u1', 'ann', 'hash', 'ann@example.com', true, false, false, false, '2026-01-01 00:00:00', true), \
    (2, 'u2', 'ann+ci', NULL, 'r', false, false, true, false, '2026-01-01 00:00:00', true), \
    (3, 'u3', 'acme', NULL, 'o', false, true, false, false, '2026-01-01 00:00:00', true);
INSERT INTO repository (id, namespace_user_id, name, visibility_id, badge_token, kind_id, state) \
    VALUES (7, 3, 'tools', 2, 'b', 1, 2);
INSERT INTO team (id, name, organization_id, role_id, description) VALUES (5, 'devs', 3, 3, ''), (6, 'makers', 3, 2, '');
INSERT INTO teammember (user_id, team_id) VALUES (2, 5), (1, 6);
INSERT INTO repositorypermission (team_id, user_id, repository_id, role_id) VALUES (5, NULL, 7, 2), (NULL, 2, 7, 3);
INSERT INTO robotaccounttoken (id, robot_account_id, token) VALUES (11, 2, 'robot');
INSERT INTO appspecificauthtoken (id, user_id, uuid, title, created, expiration, token_name, token_secret) \
    VALUES (12, 1, 'a', 'laptop', '2026-01-01 00:00:00', '2026-02-01 00:00:00.5', 'an', 'app');
INSERT INTO oauthapplication (id, client_id, redirect_uri, application_uri, organization_id, name, description) \
    VALUES (1, 'c', '', '', 3, 'app', '');
INSERT INTO oauthaccesstoken (id, uuid, application_id, authorized_user_id, scope, token_type, expires_at, data, \
    token_code, token_name) VALUES (13, 'o', 1, 1, 'repo:read', 'Bearer', '2036-01-01 00:00:00', '', 'oauth', 'on');
INSERT INTO accesstoken (id, repository_id, created, role_id, temporary, token_code, token_name) \
    VALUES (14, 7, '2026-01-01 00:00:00', 3, false, 'access', 'tn');
INSERT INTO proxycacheconfig (organization_id, creation_date, upstream_registry, expiration_s, insecure) \
    VALUES (3, '2026-01-01 00:00:00', 'docker.io', 86400, false);
";

const IDS: RoleIds = RoleIds {
    admin: 1,
    write: 2,
    team_admin: 1,
    team_creator: 2,
};

async fn check(db: &Database) {
    let mut conn = db.read().await.unwrap();
    let accounts = [
        (CredentialTable::Password, 1, "hash", 1, None, None, Some(2)),
        (
            CredentialTable::Robot,
            11,
            "robot",
            2,
            Some(1),
            Some(2),
            Some(1),
        ),
        (CredentialTable::AppToken, 12, "app", 1, None, None, Some(2)),
        (
            CredentialTable::OAuthToken,
            13,
            "oauth",
            1,
            None,
            None,
            Some(2),
        ),
    ];
    for (table, id, secret, user, user_role, team_role, organization_role) in accounts {
        let row = permissions::account_rights(&mut conn, "acme", "tools", (table, id, "ann"), &IDS)
            .await
            .unwrap();
        assert_eq!(row.credential.credential_row, Some(id));
        assert_eq!(row.credential.secret.as_deref(), Some(secret));
        assert_eq!(row.credential.user_id, Some(UserId(user)));
        assert_eq!(row.credential.owner_enabled, Some(true));
        assert_eq!(row.roles.user_role, user_role, "{table:?}");
        assert_eq!(row.roles.team_role, team_role, "{table:?}");
        assert_eq!(row.roles.organization_role, organization_role, "{table:?}");
        assert_eq!(row.repository.namespace_id, Some(NamespaceId(3)));
        assert_eq!(row.repository.repository_id, Some(RepositoryId(7)));
        assert_eq!(
            (row.repository.state, row.repository.kind_id),
            (Some(2), Some(1))
        );
        assert!(row.repository.proxied && !row.repository.mirrored);

        let read = principals::read(&mut conn, table, id, "ann")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(read.secret.as_deref(), Some(secret));
        let gone = permissions::account_rights(&mut conn, "no", "one", (table, 99, "no"), &IDS)
            .await
            .unwrap();
        assert_eq!(gone.credential.credential_row, None);
        assert_eq!(gone.repository.namespace_id, None);
        assert_eq!(gone.roles.organization_role, None);
    }
    let token = permissions::access_token_rights(&mut conn, "acme", "tools", 14)
        .await
        .unwrap();
    assert_eq!(token.credential.token_role_id, Some(3));
    assert_eq!(token.credential.token_repository_id, Some(RepositoryId(7)));
    let row = permissions::repository(&mut conn, "acme", "tools")
        .await
        .unwrap();
    assert_eq!(row.visibility_id, Some(2));

    let by_name = find(&mut conn, "ann").await;
    assert_eq!(by_name, find(&mut conn, "ann@example.com").await);
    assert_eq!(
        find(&mut conn, "ann+ci").await,
        None,
        "a robot has no password"
    );
    let app = principals::find_token(&mut conn, CredentialTable::AppToken, "an").await;
    let expires = app.unwrap().unwrap().expires_at.unwrap();
    assert_eq!(expires.and_utc().timestamp_millis(), 1_769_904_000_500);
    drop(conn);

    let touched = db
        .write(pierhead_db::Durability::Full, |conn| touch_twice(conn))
        .await
        .unwrap();
    assert_eq!(touched, [1, 0]);
}

async fn find(conn: &mut Conn, login: &str) -> Option<UserId> {
    principals::find_password(conn, login)
        .await
        .unwrap()?
        .user_id
}

/// A minute later, and at once.
fn touch_twice(conn: &mut Conn) -> BoxFuture<'_, Result<[u64; 2], Error>> {
    Box::pin(async move {
        let now = chrono::DateTime::from_timestamp(1_767_225_600, 0)
            .unwrap()
            .naive_utc();
        let before = now - chrono::TimeDelta::seconds(60);
        let table = CredentialTable::OAuthToken;
        Ok([
            principals::touch(conn, table, 13, now, before).await?,
            principals::touch(conn, table, 13, now, before).await?,
        ])
    })
}

#[tokio::test]
async fn access_is_decided_alike_by_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let db = databases::sqlite(folder.path()).await;
    migrate(&db).await.unwrap();
    let path = folder.path().join("registry.db");
    let mut conn = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    sqlx::raw_sql(ROWS).execute(&mut conn).await.unwrap();
    check(&db).await;
}

#[tokio::test]
async fn access_is_decided_alike_by_postgresql() {
    let (db, options) = databases::postgres().await;
    migrate(&db).await.unwrap();
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(ROWS).execute(&mut conn).await.unwrap();
    check(&db).await;
}
