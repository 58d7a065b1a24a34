//! `pierhead serve`: opens everything, serves until a signal, and stops in order: requests first, then workers, then the
//! audit log.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use pierhead_api::{Api, ApiConfig, GitHosts, LoginServices, Parts, SiteFiles};
use pierhead_auth::{Auth, Clock, ServiceKeys};
use pierhead_client::{AddressGuard, Client, Limits, Transport};
use pierhead_config::{AllowedHost, Config};
use pierhead_db::Database;
use pierhead_db::encoding::page_token::PageTokens;
use pierhead_http::{Peer, Server};
use pierhead_jobs::CancellationToken;
use pierhead_jobs::audit::{AuditLog, Lenient};
use pierhead_mail::{MailError, Mailer};
use pierhead_metrics::{AuditLossLabels, Counter, Metrics, StatementLabels, StorageLabels};
use pierhead_registry::{Registry, Rooms};
use pierhead_storage::Storage;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::bootstrap;
use crate::cli::ServeArgs;
use crate::context::{self, Context, StartError};
use crate::traces::Traces;
use crate::trust::ExtraCas;
use crate::{embedded, log_export, logging, redis, settings, stores, workers};

/// How long a stop waits for the collector to take the last traces.
const FLUSH_TRACES: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn run(args: ServeArgs) -> Result<(), StartError> {
    // Fails only if a provider is installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let listen = args.listen.as_deref();
    let loaded = context::load(&args.place, listen)?;
    let authorities = ExtraCas::read(loaded.directory.as_deref());
    let traces = Traces::start(&loaded.config, &authorities.certificates)?;
    logging::start(logging::level(&loaded.config), traces.as_ref());
    for warning in &authorities.warnings {
        tracing::warn!("{warning}");
    }
    let context = Box::pin(Context::open_loaded(loaded)).await?;
    let embedded = context.directory.is_none();
    let _only_server = if embedded {
        Some(embedded::lock(&args.place.data)?)
    } else {
        None
    };
    let config = &context.config;
    let storage = stores::storage(config)?;
    let clock = Clock::system();
    let key_folder = context
        .directory
        .clone()
        .unwrap_or_else(|| args.place.data.clone());
    let keys = ServiceKeys::open(
        context.db.clone(),
        settings::service_keys(config, &key_folder),
        clock.clone(),
    )
    .await?;
    let auth = Auth::open(
        context.db.clone(),
        &context.enums,
        context.cipher.clone(),
        settings::auth(config)?,
        keys.clone(),
        clock,
        Arc::new(context.accounts.clone()),
    )?;

    bootstrap::set_up(config, &context.accounts).await;

    let stop = CancellationToken::new();
    let asked_to_stop = stop.clone();
    let stop_workers = CancellationToken::new();
    let stop_audit = CancellationToken::new();
    let lenient = Lenient::new(
        config.logs.allow_pulls_without_strict_logging,
        config.logs.allow_without_strict_logging,
        &context.enums,
    );
    let (audit, audit_worker) = AuditLog::start(&context.db, lenient, stop_audit.clone());
    let page_tokens = PageTokens::new(config.queues.page_token_key.expose()).map_err(|source| {
        StartError::Key {
            key: "PAGE_TOKEN_KEY",
            source,
        }
    })?;
    let metrics = Arc::new(exported_metrics(config, &context.db, &storage, &audit));
    let stop_events = CancellationToken::new();
    let (events, event_workers) = redis::user_events(config, &authorities, &metrics, &stop_events)?;
    let stop_mail = CancellationToken::new();
    let (mailer, mail_worker) = mailer(config, &authorities, &stop_mail)?;
    let exports = log_export::callbacks(config, &authorities, &mailer)?;
    let workers = workers::start(&context, &storage, &keys, &metrics, exports, &stop_workers);
    let pull_counts = workers::count_pulls(&context, &workers, &stop_workers);
    let registry = Registry::new(
        settings::registry(config, embedded),
        Rooms {
            db: context.db.clone(),
            enums: context.enums.clone(),
            storage: storage.clone(),
            auth: auth.clone(),
            audit,
            pull_counts,
            events: events.clone(),
            page_tokens: page_tokens.clone(),
            metrics: metrics.clone(),
        },
    );
    let exposition = metrics.clone().router();
    let registry_routes = pierhead_registry::router(registry.clone());
    let directory = context.directory.as_deref();
    let api = Api::new(Parts {
        config: ApiConfig {
            files: directory.map(SiteFiles::read).unwrap_or_default(),
            ..settings::api(config, embedded)
        },
        settings: context.config.clone(),
        db: context.db.clone(),
        enums: context.enums.clone(),
        cipher: context.cipher.clone(),
        page_tokens,
        storage,
        accounts: context.accounts.clone(),
        auth,
        mailer,
        registry,
        registry_routes: registry_routes.clone(),
        events: events.clone(),
        redis: redis::servers(config, &authorities)?,
        outbound: outbound(config, &authorities)?,
        git_hosts: GitHosts::new(config, &transport(&authorities))?,
        login_services: LoginServices::new(config, &transport(&authorities))?,
        trust_metadata: trust_metadata(config, &authorities)?,
        service_key_id: keys.kid().to_owned(),
        shut_down: Arc::new(move || asked_to_stop.cancel()),
        clock: Clock::system(),
    });
    let router = registry_routes
        .merge(pierhead_api::router(api))
        .merge(exposition.clone().layer(middleware::from_fn(loopback_only)));
    let router = match &traces {
        Some(traces) => traces.describe(router),
        None => router,
    };
    let mut options = settings::server(config, context.directory.as_deref(), listen, exposition)?;
    options.request_spans = traces.is_some();
    options.access_log = logging::access_log(&metrics).map_err(StartError::Runtime)?;
    let scheme = if options.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let server = Server::bind(options, router)?;
    for (name, address) in server.addresses() {
        if name != "metrics" {
            println!("listening on {scheme}://{address}");
        }
    }
    if embedded
        && context
            .accounts
            .list_users("", 1)
            .await
            .is_ok_and(|users| users.is_empty())
    {
        first_steps(config, &args.place.data);
    }
    let ended = async move {
        tokio::select! {
            () = terminated() => {}
            () = stop.cancelled() => {}
        }
        // Streams have no end of their own that could be waited for.
        if let Some(events) = events {
            events.end_subscriptions();
        }
    };
    server.serve(ended).await;
    stop_workers.cancel();
    workers.wait().await;
    stop_events.cancel();
    event_workers.wait().await;
    stop_mail.cancel();
    if let Some(worker) = mail_worker {
        let _ = worker.await;
    }
    stop_audit.cancel();
    let _ = audit_worker.await;
    if let Some(traces) = traces {
        traces.stop(FLUSH_TRACES).await;
    }
    Ok(())
}

/// The client for addresses that users configure.
fn outbound(config: &Config, authorities: &ExtraCas) -> Result<Client, pierhead_client::Error> {
    let guard = AddressGuard::public_only(&config.mirroring.ssrf_allowed_hosts);
    Client::with_transport(guard, Limits::default(), &transport(authorities))
}

/// The client for the servers of trust metadata. They may be in the own network: the operator vouches for them.
fn trust_metadata(
    config: &Config,
    authorities: &ExtraCas,
) -> Result<Option<Client>, pierhead_client::Error> {
    let signing = &config.signing;
    if !signing.feature_signing {
        return Ok(None);
    }
    let servers = signing
        .tuf_server
        .iter()
        .chain(&signing.tuf_readonly_failover_endpoints);
    let allowed: Vec<AllowedHost> = servers
        .filter_map(|server| AllowedHost::of(server.as_url()))
        .collect();
    let limit = Duration::from_secs(signing.tuf_api_timeout_seconds.into());
    let limits = Limits {
        connect: limit,
        total: limit,
        ..Limits::default()
    };
    let guard = AddressGuard::public_only(&allowed);
    Client::with_transport(guard, limits, &transport(authorities)).map(Some)
}

/// How such addresses are reached: with the certificate authorities of this installation, too.
pub(crate) fn transport(authorities: &ExtraCas) -> Transport {
    Transport {
        authorities: authorities
            .certificates
            .iter()
            .map(|certificate| certificate.to_vec())
            .collect(),
        ..Transport::default()
    }
}

/// Mail to people, with its worker if there is an SMTP server.
fn mailer(
    config: &Config,
    authorities: &ExtraCas,
    stop: &CancellationToken,
) -> Result<(Mailer, Option<JoinHandle<()>>), StartError> {
    if !config.mail.feature_mailing {
        return Ok((Mailer::off(), None));
    }
    let certificates = authorities.certificates.iter();
    let certificates = certificates.map(|certificate| certificate.to_vec());
    let mail = settings::mail(config, certificates.collect());
    if mail.server.is_none() {
        tracing::warn!("{}", MailError::NoServer);
    }
    Ok(Mailer::start(mail, stop.clone())?)
}

/// Metrics on the registry's own port are for this machine alone; the container's port 9091 is for everyone.
async fn loopback_only(request: Request, next: Next) -> Response {
    let local = request
        .extensions()
        .get::<Peer>()
        .is_some_and(|peer| peer.address.is_loopback());
    if local {
        next.run(request).await
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

/// The metrics, those of other rooms brought up to date whenever they are read.
fn exported_metrics(
    config: &Config,
    db: &Database,
    storage: &Storage,
    audit: &AuditLog,
) -> Metrics {
    let health = &config.health;
    let tracked: Vec<String> = health.tracked_namespaces.0.keys().cloned().collect();
    let metrics = Metrics::new(&health.prometheus_namespace, &tracked, logging::BUILD);
    let (db, storage, audit) = (db.clone(), storage.clone(), audit.clone());
    metrics.on_exposition(move |metrics| {
        let (in_use, idle) = db.connections();
        metrics.db_in_use.set(in_use.into());
        metrics
            .db_available
            .set(i64::try_from(idle).unwrap_or(i64::MAX));
        let (opened, closed) = db.connection_changes();
        raise(&metrics.db_connects, opened);
        raise(&metrics.db_closes, closed);
        for (labels, count) in [
            (StatementLabels::REQUEST, db.statements()),
            (StatementLabels::BACKGROUND, db.background_statements()),
        ] {
            raise(&metrics.db_statements.get_or_create_owned(&labels), count);
        }
        for (reason, count) in [("full", audit.dropped()), ("refused", audit.refused())] {
            let labels = AuditLossLabels { reason };
            raise(&metrics.audit_rows_lost.get_or_create_owned(&labels), count);
        }
        let calls = storage.calls();
        for (operation, count) in [
            ("append", &calls.appends),
            ("publish", &calls.publishes),
            ("discard", &calls.discards),
            ("open", &calls.opens),
            ("delete", &calls.deletes),
        ] {
            let labels = StorageLabels { operation };
            let counter = metrics.storage_calls.get_or_create_owned(&labels);
            raise(&counter, count.load(Ordering::Relaxed));
        }
    });
    metrics
}

/// Brings a counter to what another room has counted.
fn raise(counter: &Counter, counted: u64) {
    counter.inc_by(counted.saturating_sub(counter.get()));
}

async fn terminated() {
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            // Without a handler the default action ends the process.
            Err(_) => std::future::pending::<()>().await,
        }
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::interrupt()) => {}
    }
}

/// How to go on, for who starts a registry for the first time.
fn first_steps(config: &Config, data: &Path) {
    let host = config.server.server_hostname.as_str();
    eprintln!(
        "data in {}; make the first user:\n  curl -X POST http://{host}/api/v1/user/initialize -H 'Content-Type: application/json' \\\n    -d '{{\"username\": \"admin\", \"password\": \"choose-one\", \"email\": \"admin@example.com\"}}'\nthen: podman login --tls-verify=false {host}",
        data.display()
    );
}
