//! `pierhead serve`: opens everything, serves until a signal, and stops in order: requests first, then workers, then the
//! audit log.

use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use pierhead_auth::{Auth, Clock, ServiceKeys};
use pierhead_config::Config;
use pierhead_db::encoding::page_token::PageTokens;
use pierhead_http::{Peer, Server};
use pierhead_jobs::CancellationToken;
use pierhead_jobs::audit::AuditLog;
use pierhead_jobs::upload_cleanup::UploadCleanup;
use pierhead_registry::Registry;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::ServeArgs;
use crate::context::{Context, StartError};
use crate::{embedded, logging, settings, stores};

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn run(args: ServeArgs) -> Result<(), StartError> {
    logging::start();
    // Fails only if a provider is installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let listen = args.listen.as_deref();
    let context = Context::open(&args.place, listen).await?;
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
        std::sync::Arc::new(context.accounts.clone()),
    )?;

    let stop_workers = CancellationToken::new();
    let stop_audit = CancellationToken::new();
    let strict = !config.logs.allow_pulls_without_strict_logging
        && !config.logs.allow_without_strict_logging;
    let (audit, audit_worker) = AuditLog::start(context.db.clone(), strict, stop_audit.clone());
    let cleanup = tokio::spawn(upload_cleanup(config).run(
        context.db.clone(),
        storage.clone(),
        stop_workers.clone(),
    ));
    let refresh = tokio::spawn(refresh_key(
        keys.clone(),
        Duration::from_secs(u64::from(config.keys.instance_service_key_refresh) * 60),
        stop_workers.clone(),
    ));

    let page_tokens = PageTokens::new(config.queues.page_token_key.expose()).map_err(|source| {
        StartError::Key {
            key: "PAGE_TOKEN_KEY",
            source,
        }
    })?;
    let registry = Registry::new(
        settings::registry(config),
        context.db.clone(),
        context.enums.clone(),
        storage.clone(),
        auth,
        audit,
        page_tokens,
    );
    let metrics = Router::new().route("/metrics", get(|| async { String::new() }));
    let router = pierhead_registry::router(registry)
        .merge(metrics.clone().layer(middleware::from_fn(loopback_only)));
    let options = settings::server(config, context.directory.as_deref(), listen, metrics)?;
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
    if embedded {
        first_steps(config, &args.place.data);
    }
    server.serve(terminated()).await;
    stop_workers.cancel();
    let _ = tokio::join!(cleanup, refresh);
    stop_audit.cancel();
    let _ = audit_worker.await;
    Ok(())
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

fn upload_cleanup(config: &Config) -> UploadCleanup {
    UploadCleanup {
        every: Duration::from_secs(config.storage.blobupload_cleanup_frequency.max(1).into()),
        age: Duration::from_secs(u64::from(config.storage.blobupload_deletion_date_threshold) * 60),
    }
}

async fn refresh_key(keys: ServiceKeys, every: Duration, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = stop.cancelled() => return,
        }
        match keys.refresh().await {
            Ok(()) => tracing::info!(kid = keys.kid(), "extended the service key"),
            Err(error) => tracing::error!(%error, "the service key could not be extended"),
        }
    }
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
fn first_steps(config: &Config, data: &PathBuf) {
    let host = config.server.server_hostname.as_str();
    eprintln!(
        "data in {}; make the first user:\n  curl -X POST http://{host}/api/v1/user/initialize -H 'Content-Type: application/json' \\\n    -d '{{\"username\": \"admin\", \"password\": \"choose-one\", \"email\": \"admin@example.com\"}}'\nthen: podman login --tls-verify=false {host}",
        data.display()
    );
}
