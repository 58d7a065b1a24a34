//! A registry of one's own: its database, its folder, its people, and callers that speak to its router.

mod answer;
mod caller;
mod database;
mod image;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use chrono::Utc;
use pierhead_auth::accounts::{
    Accounts, AccountsConfig, Actor, NewOrganization, NewRepository, NewRobot, NewUser, Role,
    Visibility,
};
use pierhead_auth::{Auth, AuthConfig, Clock, ServiceKeys, ServiceKeysConfig};
use pierhead_config::Secret;
use pierhead_db::Database;
use pierhead_db::encoding::field::FieldCipher;
use pierhead_db::encoding::key::DerivedKey;
use pierhead_db::encoding::page_token::PageTokens;
use pierhead_db::encoding::password::PasswordCipher;
use pierhead_db::enums::Enums;
use pierhead_events::UserEvents;
use pierhead_jobs::CancellationToken;
use pierhead_jobs::audit::{AuditLog, Lenient};
use pierhead_jobs::pull_counts::{Flush, PullCounts};
use pierhead_metrics::{Build, Metrics};
use pierhead_oci::{Limits, NameRules, VersionSpec};
use pierhead_registry::{AuditConfig, Registry, RegistryConfig, Rooms};
use pierhead_storage::{LocalDriver, Location, Storage};
use tempfile::TempDir;

pub(crate) use answer::Answer;
pub(crate) use caller::Caller;
pub(crate) use database::Engine;
pub(crate) use image::{Image, digest_of, sha512_of};

/// The name of the only storage location.
pub(crate) const LOCATION: &str = "local_us";
/// Everybody's password.
pub(crate) const PASSWORD: &str = "a-long-password";

/// What a test may change before a registry starts.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) registry: RegistryConfig,
    pub(crate) auth: AuthConfig,
}

impl Settings {
    pub(crate) fn new() -> Self {
        Self {
            registry: RegistryConfig {
                hostname: "registry.test".to_owned(),
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
                reset_child_manifest_expiration: true,
                shortest_labeled_life_s: 3600,
                longest_labeled_life_s: 104 * 7 * 86_400,
                pull_statistics: false,
                reset_quota_totals: false,
                public_catalog: false,
                page_size: 100,
                maximum_blob_size: 1 << 20,
                temporary_tag_seconds: 3600,
                notification_queue: "notification".to_owned(),
                // Longer than a slow machine stops within a test.
                remembered_for: Duration::from_hours(1),
                manifest_limits: Limits::default(),
                refused_docker: Some(VersionSpec::before_1_6()),
            },
            auth: AuthConfig::new("registry.test"),
        }
    }
}

/// A registry with the people `ann` and `bob`.
pub(crate) struct Site {
    pub(crate) registry: Registry,
    pub(crate) router: Router,
    pub(crate) db: Database,
    pub(crate) storage: Storage,
    pub(crate) auth: Auth,
    pub(crate) accounts: Accounts,
    /// The clock of tokens and credentials.
    pub(crate) clock: Clock,
    pub(crate) engine: Engine,
    settings: Settings,
    audit: Option<(CancellationToken, tokio::task::JoinHandle<()>)>,
    pull_counts: PullCounts,
    folder: Arc<TempDir>,
}

/// How many statements and storage calls something took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) statements: u64,
    pub(crate) appends: u64,
    pub(crate) publishes: u64,
    pub(crate) discards: u64,
    pub(crate) opens: u64,
}

impl Cost {
    /// That many statements and no call to the storage.
    pub(crate) fn statements(statements: u64) -> Self {
        Self {
            statements,
            appends: 0,
            publishes: 0,
            discards: 0,
            opens: 0,
        }
    }
}

impl Site {
    pub(crate) async fn start(engine: Engine, settings: Settings) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("storage")).unwrap();
        let site = Self::open(engine, settings, Arc::new(folder)).await;
        site.user("ann").await;
        site.user("bob").await;
        site
    }

    async fn open(engine: Engine, settings: Settings, folder: Arc<TempDir>) -> Self {
        let db = engine.connect(folder.path()).await;
        let enums = Enums::load_with_locations(&db, &[LOCATION.to_owned()]).await;
        let enums = Arc::new(enums.unwrap());
        let driver = LocalDriver::open(LOCATION, &folder.path().join("storage")).unwrap();
        let location = Location {
            id: LOCATION.to_owned(),
            driver: Arc::new(driver),
        };
        let storage = Storage::new(vec![location], vec![LOCATION.to_owned()]).unwrap();
        let key = || DerivedKey::from_secret("testkey").unwrap();
        let clock = Clock::manual(Utc::now());
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
        let keys = ServiceKeysConfig::new(
            "test".to_owned(),
            folder.path().join("quay.pem"),
            folder.path().join("quay.kid"),
        );
        let keys = ServiceKeys::open(db.clone(), keys, clock.clone()).await;
        let auth = Auth::open(
            db.clone(),
            &enums,
            FieldCipher::new(&key()),
            settings.auth.clone(),
            keys.unwrap(),
            clock.clone(),
            Arc::new(accounts.clone()),
        )
        .unwrap();
        let stop = CancellationToken::new();
        let (audit, worker) = AuditLog::start(&db, Lenient::Nobody, stop.clone());
        let pull_counts = PullCounts::default();
        let build = Build {
            version: "test",
            revision: "",
        };
        let registry = Registry::new(
            settings.registry.clone(),
            Rooms {
                db: db.clone(),
                enums,
                storage: storage.clone(),
                auth: auth.clone(),
                audit,
                pull_counts: settings
                    .registry
                    .pull_statistics
                    .then(|| pull_counts.clone()),
                events: Some(UserEvents::in_process()),
                page_tokens: PageTokens::new("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
                    .unwrap(),
                metrics: Arc::new(Metrics::new("quay", &[], build)),
            },
        );
        Self {
            router: pierhead_registry::router(registry.clone()),
            registry,
            db,
            storage,
            auth,
            accounts,
            clock,
            engine,
            settings,
            audit: Some((stop, worker)),
            pull_counts,
            folder,
        }
    }

    /// Another registry over the same database and folder, as after a restart, with other settings if wanted.
    pub(crate) async fn again(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.settings.clone();
        change(&mut settings);
        Self::open(self.engine.clone(), settings, self.folder.clone()).await
    }

    pub(crate) async fn user(&self, name: &str) {
        let new = NewUser {
            username: name.to_owned(),
            password: Some(Secret::new(PASSWORD)),
            email: None,
            verified: true,
        };
        self.accounts
            .create_user(&Actor::operator(), new)
            .await
            .unwrap();
    }

    pub(crate) async fn organization(&self, name: &str, owner: &str) {
        let new = NewOrganization {
            name: name.to_owned(),
            email: None,
            owner: owner.to_owned(),
        };
        self.accounts
            .create_organization(&Actor::operator(), new)
            .await
            .unwrap();
    }

    /// A robot; returns its token.
    pub(crate) async fn robot(&self, namespace: &str, short: &str) -> String {
        let new = NewRobot {
            namespace: namespace.to_owned(),
            short: short.to_owned(),
            ..NewRobot::default()
        };
        let robot = self.accounts.create_robot(&Actor::operator(), new).await;
        robot.unwrap().token.expose().to_owned()
    }

    /// Makes `namespace/name`.
    pub(crate) async fn repository(&self, name: &str, visibility: Visibility) {
        let (namespace, name) = name.split_once('/').unwrap();
        let new = NewRepository {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            visibility,
            description: None,
            creator: None,
            creator_role: Role::Admin,
        };
        self.accounts
            .create_repository(&Actor::operator(), new)
            .await
            .unwrap();
    }

    /// Somebody without credentials.
    pub(crate) fn anonymous(&self) -> Caller<'_> {
        Caller::new(self, None)
    }

    /// `ann` with a token to push to these repositories.
    pub(crate) async fn ann(&self, repositories: &[&str]) -> Caller<'_> {
        self.person("ann", repositories).await
    }

    pub(crate) async fn person(&self, name: &str, repositories: &[&str]) -> Caller<'_> {
        self.account(name, PASSWORD, repositories).await
    }

    pub(crate) async fn account(
        &self,
        name: &str,
        password: &str,
        repositories: &[&str],
    ) -> Caller<'_> {
        let scopes: Vec<String> = repositories
            .iter()
            .map(|name| format!("repository:{name}:pull,push"))
            .collect();
        let answer = self
            .anonymous()
            .token(Some((name, password)), &scopes)
            .await;
        let token = answer.json()["token"].as_str().unwrap().to_owned();
        Caller::new(self, Some(token))
    }

    /// Runs SQL behind the registry's back. Gives rows as lines, their columns joined by `|`.
    pub(crate) async fn sql(&self, text: &str) -> String {
        self.engine.sql(self.folder.path(), text).await
    }

    /// A path inside the storage folder.
    pub(crate) fn stored(&self, path: &str) -> PathBuf {
        self.folder.path().join("storage").join(path)
    }

    /// Where the content of a digest lies.
    pub(crate) fn content(&self, digest: &str) -> PathBuf {
        let (algorithm, hex) = digest.split_once(':').unwrap();
        self.stored(&format!("{algorithm}/{}/{hex}", &hex[..2]))
    }

    /// Names of the files of uploads.
    pub(crate) fn upload_files(&self) -> Vec<String> {
        std::fs::read_dir(self.stored("uploads"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// What something costs.
    pub(crate) async fn cost<T>(&self, work: impl Future<Output = T>) -> (Cost, T) {
        let before = self.total();
        let value = work.await;
        let after = self.total();
        let cost = Cost {
            statements: after.statements - before.statements,
            appends: after.appends - before.appends,
            publishes: after.publishes - before.publishes,
            discards: after.discards - before.discards,
            opens: after.opens - before.opens,
        };
        (cost, value)
    }

    fn total(&self) -> Cost {
        let calls = self.storage.calls();
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        Cost {
            statements: self.db.statements(),
            appends: count(&calls.appends),
            publishes: count(&calls.publishes),
            discards: count(&calls.discards),
            opens: count(&calls.opens),
        }
    }

    /// Writes the pull statistics, as a stop does.
    pub(crate) async fn write_pull_counts(&self) {
        let stop = CancellationToken::new();
        stop.cancel();
        let flush = Flush {
            every: Duration::from_mins(5),
            batch: 1000,
        };
        let counts = self.pull_counts.clone();
        counts.run(self.db.clone(), flush, stop).await;
    }

    /// Stops the worker of the audit log when everything is written.
    pub(crate) async fn write_audit_log(&mut self) {
        if let Some((stop, worker)) = self.audit.take() {
            stop.cancel();
            worker.await.unwrap();
        }
    }
}

/// Makes a test for each engine of one scenario, which is given its [`Site`], made with the settings behind `with`.
macro_rules! on_both_engines {
    ($($(#[$attribute:meta])* fn $name:ident($site:ident) $(with |$settings:ident| $change:block)? $scenario:block)+) => {
        $(
            mod $name {
                #[allow(unused_imports, reason = "a scenario takes what it needs")]
                use super::*;

                $(#[$attribute])*
                #[allow(unused_mut, unused_variables, reason = "not every scenario changes its site")]
                async fn scenario(engine: $crate::site::Engine) {
                    let mut settings = $crate::site::Settings::new();
                    $({ let $settings = &mut settings; $change })?
                    let mut site = $crate::site::Site::start(engine, settings).await;
                    let $site = &mut site;
                    $scenario
                }

                #[tokio::test]
                async fn on_sqlite() {
                    scenario($crate::site::Engine::Sqlite).await;
                }

                #[tokio::test]
                async fn on_postgresql() {
                    scenario($crate::site::Engine::postgresql().await).await;
                }
            }
        )+
    };
}
