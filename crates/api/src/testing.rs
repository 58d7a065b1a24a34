//! The API over a migrated `SQLite` database and a local folder, asked without a network.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::get;
use chrono::{DateTime, NaiveDateTime};
use http_body_util::BodyExt as _;
use pierhead_auth::accounts::{Accounts, AccountsConfig};
use pierhead_auth::{Auth, AuthConfig, Clock, ServiceKeys, ServiceKeysConfig};
use pierhead_client::{AddressGuard, Client};
use pierhead_config::Config;
use pierhead_db::encoding::field::FieldCipher;
use pierhead_db::encoding::key::DerivedKey;
use pierhead_db::encoding::page_token::{self, PageTokens};
use pierhead_db::encoding::password::PasswordCipher;
use pierhead_db::encoding::session_cookie::SessionCookies;
use pierhead_db::enums::Enums;
use pierhead_db::queries::service_keys::{self, NewServiceKey};
use pierhead_db::{Database, Durability, Error, SqliteOptions};
use pierhead_events::UserEvents;
use pierhead_jobs::CancellationToken;
use pierhead_jobs::audit::{AuditLog, Lenient};
use pierhead_metrics::{Build, Metrics};
use pierhead_oci::{Limits, NameRules};
use pierhead_registry::{AuditConfig, Registry, RegistryConfig, Rooms};
use pierhead_storage::{LocalDriver, Location, Storage};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::{Api, ApiConfig, HealthConfig, Parts, SessionConfig, SiteFiles, router};

/// The id of the service key of the instance under test.
pub(crate) const KID: &str = "this-instance";
/// The secret of every cipher.
pub(crate) const SECRET_KEY: &str = "testkey";

pub(crate) fn now() -> NaiveDateTime {
    DateTime::from_timestamp_millis(1_772_600_767_089)
        .unwrap()
        .naive_utc()
}

pub(crate) fn config() -> ApiConfig {
    ApiConfig {
        hostname: "registry.example.com".to_owned(),
        any_host: false,
        scheme: "https".to_owned(),
        title: "Example Registry".to_owned(),
        user_initialize: true,
        database_auth: true,
        read_only: false,
        gravatar: false,
        files: SiteFiles::default(),
        session: SessionConfig {
            cookies: SessionCookies::new(SECRET_KEY),
            name: "_csrf_token".to_owned(),
            attributes: " Secure; HttpOnly; SameSite=Lax;".to_owned(),
            timeout: Duration::from_hours(744),
            permanent: true,
        },
        health: HealthConfig {
            // A build machine may have a disk that is nearly full: thresholds are what a test sets.
            disk_space_threshold: 0.0,
            disk_space_warning_threshold: 0.0,
            reuse_for: Duration::ZERO,
            check_limit: Duration::from_mins(2),
            ..HealthConfig::new(vec!["default".to_owned()])
        },
    }
}

fn registry_config() -> RegistryConfig {
    RegistryConfig {
        hostname: "registry.example.com".to_owned(),
        scheme: "https".to_owned(),
        any_host: false,
        audit: AuditConfig::default(),
        names: NameRules::default(),
        advertise_v2: true,
        account_recovery: false,
        read_only: false,
        disable_pushes: false,
        referrers_api: true,
        sparse_index: false,
        immutable_tags: true,
        immutable_tags_can_expire: false,
        reset_child_manifest_expiration: false,
        shortest_labeled_life_s: 3600,
        longest_labeled_life_s: 104 * 7 * 86_400,
        pull_statistics: false,
        reset_quota_totals: false,
        public_catalog: false,
        page_size: 100,
        maximum_blob_size: 1 << 20,
        temporary_tag_seconds: 3600,
        notification_queue: "notification".to_owned(),
        remembered_for: Duration::from_hours(1),
        manifest_limits: Limits::default(),
        refused_docker: None,
    }
}

/// Routes that answer like a registry's.
pub(crate) fn registry() -> Router {
    Router::new().route("/v2/", get(async || (StatusCode::UNAUTHORIZED, "true")))
}

pub(crate) struct Fixture {
    pub(crate) api: Api,
    pub(crate) db: Database,
    pub(crate) router: Router,
    dir: TempDir,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut ApiConfig)) -> Self {
        Self::over(change, registry()).await
    }

    /// An API with a changed configuration, over a registry of the caller's.
    pub(crate) async fn over(change: impl FnOnce(&mut ApiConfig), registry: Router) -> Self {
        let auth = AuthConfig::new("registry.example.com");
        Self::open(change, Arc::default(), registry, auth).await
    }

    /// An API whose superusers and the like are configured.
    pub(crate) async fn of(auth: AuthConfig) -> Self {
        Self::open(|_| (), Arc::default(), registry(), auth).await
    }

    /// An API with other settings in its `config.yaml`.
    pub(crate) async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        let mut settings = Arc::<Config>::default();
        change(Arc::make_mut(&mut settings));
        let auth = AuthConfig::new("registry.example.com");
        Self::open(|_| (), settings, registry(), auth).await
    }

    async fn open(
        change: impl FnOnce(&mut ApiConfig),
        settings: Arc<Config>,
        registry: Router,
        auth: AuthConfig,
    ) -> Self {
        let dir = TempDir::new().unwrap();
        let mut options = SqliteOptions::new(dir.path().join("quay.db"));
        options.readers = 2;
        let db = Database::sqlite(&options).await.unwrap();
        pierhead_db::migrate::migrate(&db).await.unwrap();
        let enums = Arc::new(Enums::load(&mut db.read().await.unwrap()).await.unwrap());
        let clock = Clock::manual(now().and_utc());
        let key = || DerivedKey::from_secret(SECRET_KEY).unwrap();
        let accounts = Accounts::new(
            db.clone(),
            enums.clone(),
            FieldCipher::new(&key()),
            PasswordCipher::new(key()),
            AccountsConfig {
                bcrypt_cost: 4,
                ..AccountsConfig::default()
            },
            clock.clone(),
        );
        let locations = ["default", "spare"].map(|id| Location {
            id: id.to_owned(),
            driver: Arc::new(LocalDriver::open(id, &dir.path().join(id)).unwrap()),
        });
        let storage = Storage::new(locations.into(), vec!["default".to_owned()]).unwrap();
        let mut config = config();
        change(&mut config);
        let mut keys = ServiceKeysConfig::new(
            "test".to_owned(),
            dir.path().join("quay.pem"),
            dir.path().join("quay.kid"),
        );
        // Tests put the keys they look at into the service that everybody asks for.
        "fixture".clone_into(&mut keys.service);
        let keys = ServiceKeys::open(db.clone(), keys, clock.clone()).await;
        let auth = Auth::open(
            db.clone(),
            &enums,
            FieldCipher::new(&key()),
            auth,
            keys.unwrap(),
            clock.clone(),
            Arc::new(accounts.clone()),
        )
        .unwrap();
        let (audit, _) = AuditLog::start(&db, Lenient::Nobody, CancellationToken::new());
        let page_tokens = PageTokens::new(page_token::DEFAULT_KEY).unwrap();
        let build = Build {
            version: "test",
            revision: "",
        };
        let rooms = Rooms {
            db: db.clone(),
            enums: enums.clone(),
            storage: storage.clone(),
            auth: auth.clone(),
            audit,
            pull_counts: None,
            events: None,
            page_tokens: page_tokens.clone(),
            metrics: Arc::new(Metrics::new("quay", &[], build)),
        };
        let git_config = settings.clone();
        let api = Api::new(Parts {
            config,
            settings,
            db: db.clone(),
            enums,
            cipher: FieldCipher::new(&key()),
            page_tokens,
            storage,
            accounts,
            auth,
            mailer: pierhead_mail::Mailer::off(),
            registry: Registry::new(registry_config(), rooms),
            registry_routes: registry,
            events: Some(UserEvents::in_process()),
            redis: Vec::new(),
            outbound: Client::new(
                AddressGuard::public_only(&[]),
                pierhead_client::Limits::default(),
            )
            .unwrap(),
            git_hosts: crate::GitHosts::new(&git_config, &pierhead_client::Transport::default())
                .unwrap(),
            login_services: crate::LoginServices::new(
                &git_config,
                &pierhead_client::Transport::default(),
            )
            .unwrap(),
            trust_metadata: None,
            service_key_id: KID.to_owned(),
            shut_down: Arc::new(|| ()),
            clock,
        });
        let router = router(api.clone());
        let fixture = Self {
            api,
            db,
            router,
            dir,
        };
        fixture.service_key("quay", KID, 60).await;
        fixture
    }

    /// An approved key that ends so many minutes from now.
    pub(crate) async fn service_key(&self, service: &'static str, kid: &'static str, minutes: i64) {
        let write = self.db.write(Durability::Full, move |conn| {
            Box::pin(async move {
                let automatic = "ServiceKeyApprovalType.AUTOMATIC";
                let approval = service_keys::approve(conn, automatic, now(), None, "").await?;
                let key = NewServiceKey {
                    name: "",
                    kid,
                    service,
                    jwk: r#"{"n": "sXch", "e": "AQAB", "kty": "RSA"}"#,
                    metadata: "{}",
                    created: now(),
                    expires: Some(now() + chrono::TimeDelta::minutes(minutes)),
                    rotation_duration: None,
                    approval: Some(approval),
                };
                service_keys::insert(conn, &key).await?;
                Ok::<_, Error>(())
            })
        });
        write.await.unwrap();
    }

    /// The folder of database and storage.
    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    async fn connect(&self) -> sqlx::SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.dir.path().join("quay.db"))
            .foreign_keys(false)
            .connect()
            .await
            .unwrap()
    }

    /// Changes rows or tables behind the back of what is tested.
    pub(crate) async fn execute(&self, sql: &'static str) {
        sqlx::query(sql)
            .execute(&mut self.connect().await)
            .await
            .unwrap();
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query(sql)
            .fetch_one(&mut self.connect().await)
            .await
            .unwrap()
            .get(0)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    /// `POST /api/v1/user/initialize`.
    pub(crate) async fn initialize(&self, body: &str) -> Answer {
        self.ask(
            Request::post("/api/v1/user/initialize")
                .header("content-type", "application/json")
                .body(Body::from(body.to_owned()))
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}
