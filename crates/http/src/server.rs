//! Binding, accepting, and stopping.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access_log::AccessLog;
use crate::connection::Serving;
use crate::error::HttpError;
use crate::exchange::Environment;
use crate::options::{ListenerKind, ServerOptions};
use crate::redirect;
use crate::tls::{Certificates, Seen};

/// Pause after the process ran out of descriptors or memory, so that accepting does not spin.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(200);

/// A server whose sockets are open: clients can connect and wait until it serves.
pub struct Server {
    open: Vec<Open>,
    certificates: Option<(Arc<Certificates>, Seen)>,
    log: Option<AccessLog>,
    stop: CancellationToken,
}

struct Open {
    name: &'static str,
    address: SocketAddr,
    socket: TcpListener,
    serving: Serving,
    connections: Arc<Semaphore>,
}

impl Server {
    /// Opens all listeners and loads the certificate. `router` answers on each listener without its own.
    ///
    /// Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// An address that cannot be listened on, or a certificate that cannot be used; nothing stays open.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a router is handed over, not looked at"
    )]
    pub fn bind(options: ServerOptions, router: Router) -> Result<Self, HttpError> {
        let certificates = match options.tls {
            Some(tls) => {
                let (certificates, seen) = Certificates::load(tls)?;
                Some((Arc::new(certificates), seen))
            }
            None => None,
        };
        let environment = Arc::new(Environment {
            limits: options.limits,
            trusted: options.trusted_proxies,
            headers: options.security_headers,
            log: options.access_log.clone(),
            observer: options.observer,
            spans: options.request_spans,
        });
        let stop = CancellationToken::new();
        let shared = Arc::new(Semaphore::new(
            environment.limits.connections.min(Semaphore::MAX_PERMITS),
        ));
        let mut open = Vec::new();
        for listener in options.listeners {
            let name = listener.name;
            if listener.kind.tls() && certificates.is_none() {
                return Err(HttpError::NoCertificate { listener: name });
            }
            let socket = listener.address.bind(name, environment.limits.backlog)?;
            let address = socket.local_addr().map_err(|source| HttpError::Bind {
                listener: name,
                address: SocketAddr::from(([0; 4], 0)),
                source,
            })?;
            let (router, connections) = match (listener.router, &listener.kind) {
                (Some(own), _) => (
                    own,
                    Arc::new(Semaphore::new(environment.limits.extra_connections)),
                ),
                (None, ListenerKind::RedirectToHttps { authority }) => {
                    (redirect::to_https(authority.clone()), shared.clone())
                }
                (None, _) => (router.clone(), shared.clone()),
            };
            let serving = Serving {
                kind: listener.kind,
                router,
                environment: environment.clone(),
                certificates: certificates
                    .as_ref()
                    .map(|(certificates, _)| certificates.clone()),
                stop: stop.clone(),
            };
            open.push(Open {
                name,
                address,
                socket,
                serving,
                connections,
            });
        }
        Ok(Self {
            open,
            certificates,
            log: options.access_log,
            stop,
        })
    }

    /// Name and address of each listener; the port is the real one, also when 0 was asked for.
    pub fn addresses(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> + '_ {
        self.open.iter().map(|open| (open.name, open.address))
    }

    /// Serves until `shutdown` completes, then stops: no new connections, requests under way finish (at
    /// most for the drain limit), the access log is written out.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let tasks = TaskTracker::new();
        if let Some((certificates, seen)) = self.certificates {
            tasks.spawn(certificates.follow(seen, self.stop.clone()));
        }
        for open in self.open {
            tracing::info!(listener = open.name, address = %open.address, "listening");
            tasks.spawn(open.accept(tasks.clone()));
        }
        shutdown.await;
        tracing::info!("stopping: requests under way are finished");
        self.stop.cancel();
        tasks.close();
        tasks.wait().await;
        if let Some(log) = self.log {
            // Only fails when the runtime is going down, and then nobody waits for the lines.
            let _ = tokio::task::spawn_blocking(move || log.flush()).await;
        }
    }
}

impl Open {
    async fn accept(self, tasks: TaskTracker) {
        let stop = self.serving.stop.clone();
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                accepted = self.next() => accepted,
            };
            if let Some((permit, tcp, remote)) = accepted {
                let serving = self.serving.clone();
                tasks.spawn(async move {
                    serving.run(tcp, remote).await;
                    drop(permit);
                });
            }
        }
    }

    /// Waits for room and then for a connection. `None`: try again.
    async fn next(&self) -> Option<(tokio::sync::OwnedSemaphorePermit, TcpStream, SocketAddr)> {
        // The semaphore is never closed.
        let permit = self.connections.clone().acquire_owned().await.ok()?;
        match self.socket.accept().await {
            Ok((tcp, remote)) => Some((permit, tcp, remote)),
            Err(error) => {
                let of_the_client = matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::ConnectionReset
                        | io::ErrorKind::Interrupted
                );
                if !of_the_client {
                    tracing::error!(listener = self.name, %error, "no connection can be accepted; raise the limit of open files if this goes on");
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                }
                None
            }
        }
    }
}
