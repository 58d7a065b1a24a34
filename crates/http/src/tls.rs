//! The server's certificate: loaded, checked, and replaced when its files change.
//!
//! rustls with aws-lc-rs. `SSL_PROTOCOLS` chooses between TLS 1.2 and 1.3, `SSL_CIPHERS` and `SSL_CIPHERSUITES` among the suites
//! that rustls has, all of which are strong. Session tickets are on and survive a change of the certificate. A new pair
//! that does not work is reported once and the old one stays in use.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ProducesTickets;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, ServerConfig, SupportedProtocolVersion};
use tokio_util::sync::CancellationToken;

use crate::error::HttpError;

mod watch;

use watch::Watch;

/// How long a change of the files may go on before they are looked at: certificate and key are written one after the other.
const SETTLE: Duration = Duration::from_millis(200);

/// Which versions of TLS are spoken (`SSL_PROTOCOLS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersions {
    /// TLS 1.2 and 1.3, as Quay's default.
    #[default]
    Both,
    /// Only TLS 1.2.
    Only12,
    /// Only TLS 1.3.
    Only13,
}

impl TlsVersions {
    fn supported(self) -> &'static [&'static SupportedProtocolVersion] {
        static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
        match self {
            Self::Both => &BOTH,
            Self::Only12 => &BOTH[1..],
            Self::Only13 => &BOTH[..1],
        }
    }
}

/// Where the certificate is and how TLS is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    /// PEM file with the certificate and its chain, leaf first (`ssl.cert`).
    pub certificate: PathBuf,
    /// PEM file with the private key (`ssl.key`).
    pub key: PathBuf,
    /// Versions spoken.
    pub versions: TlsVersions,
    /// The suites that may be used, in the order of preference; `None` for all that there are.
    pub suites: Option<Vec<CipherSuite>>,
    /// How often the files are looked at, should the kernel not tell of a change.
    pub reload_every: Duration,
}

impl TlsOptions {
    /// Both versions and all suites; files looked at when they change, and every 10 s.
    pub fn new(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificate: certificate.into(),
            key: key.into(),
            versions: TlsVersions::default(),
            suites: None,
            reload_every: Duration::from_secs(10),
        }
    }
}

/// The configuration in use. Connections take it when they begin.
pub(crate) struct Certificates {
    options: TlsOptions,
    tickets: Arc<dyn ProducesTickets>,
    current: ArcSwap<ServerConfig>,
}

/// The two files as they were read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Certificates {
    pub(crate) fn load(options: TlsOptions) -> Result<(Self, Seen), HttpError> {
        let pair = options.read()?;
        let tickets = aws_lc_rs::Ticketer::new().map_err(|source| options.unusable(source))?;
        let config = options.configure(&pair, tickets.clone())?;
        Ok((
            Self {
                options,
                tickets,
                current: ArcSwap::from_pointee(config),
            },
            Ok(pair),
        ))
    }

    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// Follows the files until the server stops.
    pub(crate) async fn follow(self: Arc<Self>, mut seen: Seen, stop: CancellationToken) {
        let mut ticks =
            tokio::time::interval(self.options.reload_every.max(Duration::from_millis(10)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut watch = Watch::beside(&[&self.options.certificate, &self.options.key]);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = watch.changed() => {
                    tokio::time::sleep(SETTLE).await;
                    watch.forget();
                }
                () = stop.cancelled() => return,
            }
            let this = self.clone();
            let looked = tokio::task::spawn_blocking(move || {
                this.look(&mut seen);
                seen
            });
            match looked.await {
                Ok(still) => seen = still,
                Err(error) => {
                    tracing::error!(%error, "the certificate files are not followed any more; restart to load new ones");
                    return;
                }
            }
        }
    }

    /// Reads the files and uses them if they are others than those seen last. Their bytes are compared: two files written
    /// within one tick of the kernel's clock may have the same time and size.
    fn look(&self, seen: &mut Seen) {
        let found = self.options.read().map_err(|error| error.to_string());
        if found == *seen {
            return;
        }
        let config = found.clone().and_then(|pair| {
            self.options
                .configure(&pair, self.tickets.clone())
                .map_err(|error| error.to_string())
        });
        match config {
            Ok(config) => {
                self.current.store(Arc::new(config));
                tracing::info!(certificate = %self.options.certificate.display(), "a new certificate is in use");
            }
            // One file may have been written and the other not yet: the next look sees others.
            Err(error) => {
                tracing::error!(%error, "the new certificate is not used, the old one stays");
            }
        }
        *seen = found;
    }
}

/// What the last look at the files saw: their content, or why they could not be read.
pub(crate) type Seen = Result<Pair, String>;

impl TlsOptions {
    fn read(&self) -> Result<Pair, HttpError> {
        let read = |path: &Path| {
            fs::read(path).map_err(|error| HttpError::TlsFile {
                path: path.into(),
                reason: error.to_string(),
            })
        };
        Ok(Pair {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
        })
    }

    fn unusable(&self, source: rustls::Error) -> HttpError {
        HttpError::TlsPair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            source,
        }
    }

    /// The library's cryptography, with the suites that were chosen.
    fn provider(&self) -> CryptoProvider {
        let mut provider = aws_lc_rs::default_provider();
        if let Some(suites) = &self.suites {
            let all = provider.cipher_suites.clone();
            provider.cipher_suites = suites
                .iter()
                .filter_map(|name| all.iter().find(|suite| suite.suite() == *name).copied())
                .collect();
        }
        provider
    }

    fn configure(
        &self,
        pair: &Pair,
        tickets: Arc<dyn ProducesTickets>,
    ) -> Result<ServerConfig, HttpError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&pair.certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| HttpError::TlsFile {
                path: self.certificate.clone(),
                reason: error.to_string(),
            })?;
        if chain.is_empty() {
            let reason = "it has no PEM block CERTIFICATE".into();
            return Err(HttpError::TlsFile {
                path: self.certificate.clone(),
                reason,
            });
        }
        let key = PrivateKeyDer::from_pem_slice(&pair.key).map_err(|error| {
            // The error describes the syntax, never the key.
            HttpError::TlsFile {
                path: self.key.clone(),
                reason: format!("no usable PEM private key: {error}"),
            }
        })?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(self.provider()))
            .with_protocol_versions(self.versions.supported())
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|source| self.unusable(source))?;
        // Whoever names suites names them in an order, and nginx prefers the server's.
        config.ignore_client_order = self.suites.is_some();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ticketer = tickets;
        Ok(config)
    }
}
