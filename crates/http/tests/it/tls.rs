//! Certificates: used, replaced, and kept when the new ones are broken.

use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use axum::{Extension, extract::Request};
use pierhead_http::{
    HttpError, Listener, ListenerKind, Peer, Server, ServerOptions, TlsOptions, TlsVersions,
};
use rustls::CipherSuite;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::running::Running;

/// A self-signed certificate in files.
pub(crate) struct Certificate {
    folder: tempfile::TempDir,
    pem: String,
}

impl Certificate {
    pub(crate) fn new(name: &str) -> Self {
        let mut certificate = Self {
            folder: tempfile::tempdir().unwrap(),
            pem: String::new(),
        };
        certificate.renew(name);
        certificate
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a new pair in the place of the old, key first.
    fn renew(&mut self, name: &str) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        std::fs::write(self.path("ssl.key"), made.signing_key.serialize_pem()).unwrap();
        std::fs::write(self.path("ssl.cert"), made.cert.pem()).unwrap();
        self.pem = made.cert.pem();
    }

    pub(crate) fn options(&self) -> TlsOptions {
        TlsOptions {
            reload_every: Duration::from_millis(10),
            ..TlsOptions::new(self.path("ssl.cert"), self.path("ssl.key"))
        }
    }

    /// A client that trusts only this certificate.
    pub(crate) fn client(&self) -> reqwest::ClientBuilder {
        let trusted = reqwest::Certificate::from_pem(self.pem.as_bytes()).unwrap();
        reqwest::Client::builder().tls_certs_only([trusted])
    }
}

fn router() -> Router {
    Router::new().route(
        "/",
        get(|Extension(peer): Extension<Peer>| async move {
            format!("{} {}", peer.address, peer.secure)
        }),
    )
}

fn start(certificate: &Certificate, kind: ListenerKind) -> Running {
    Running::start(
        kind,
        ServerOptions {
            tls: Some(certificate.options()),
            ..ServerOptions::default()
        },
        router(),
    )
}

#[tokio::test]
async fn a_tls_answer_knows_that_it_is_secure_and_says_so_to_browsers() {
    let certificate = Certificate::new("localhost");
    let server = start(&certificate, ListenerKind::Tls);
    let url = format!("https://localhost:{}/", server.address.port());
    let response = certificate
        .client()
        .build()
        .unwrap()
        .get(url)
        .send()
        .await
        .unwrap();
    assert_eq!(
        response.headers()["strict-transport-security"],
        "max-age=63072000; preload"
    );
    assert_eq!(response.headers()["x-frame-options"], "DENY");
    assert_eq!(response.text().await.unwrap(), "127.0.0.1 true");
}

#[tokio::test]
async fn only_the_versions_asked_for_are_spoken() {
    let certificate = Certificate::new("localhost");
    let tls = TlsOptions {
        versions: TlsVersions::Only13,
        ..certificate.options()
    };
    let options = ServerOptions {
        tls: Some(tls),
        ..ServerOptions::default()
    };
    let server = Running::start(ListenerKind::Tls, options, router());
    let url = format!("https://localhost:{}/", server.address.port());
    let get = |version| {
        certificate
            .client()
            .tls_version_max(version)
            .build()
            .unwrap()
            .get(&url)
            .send()
    };
    assert!(get(reqwest::tls::Version::TLS_1_2).await.is_err());
    assert!(get(reqwest::tls::Version::TLS_1_3).await.is_ok());
}

/// The suite of a connection on which the client offers only these.
async fn negotiated(
    certificate: &Certificate,
    server: &Running,
    offered: &[CipherSuite],
) -> std::io::Result<CipherSuite> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider
        .cipher_suites
        .retain(|suite| offered.contains(&suite.suite()));
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(certificate.pem.as_bytes()).unwrap())
        .unwrap();
    let config = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.address).await?;
    let name = "localhost".try_into().unwrap();
    let stream = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config))
        .connect(name, stream)
        .await?;
    Ok(stream
        .get_ref()
        .1
        .negotiated_cipher_suite()
        .unwrap()
        .suite())
}

#[tokio::test]
async fn only_the_suites_asked_for_are_spoken() {
    use CipherSuite as Suite;
    let certificate = Certificate::new("localhost");
    let tls = TlsOptions {
        suites: Some(vec![
            Suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            Suite::TLS13_AES_256_GCM_SHA384,
        ]),
        ..certificate.options()
    };
    let options = ServerOptions {
        tls: Some(tls),
        ..ServerOptions::default()
    };
    let server = Running::start(ListenerKind::Tls, options, router());
    for (offered, spoken) in [
        (Suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, true),
        (Suite::TLS13_AES_256_GCM_SHA384, true),
        (Suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, false),
        (Suite::TLS13_AES_128_GCM_SHA256, false),
    ] {
        let found = negotiated(&certificate, &server, &[offered]).await.ok();
        assert_eq!(found, spoken.then_some(offered));
    }
}

/// Nobody looks at the files again within the test: the kernel tells of the change.
#[tokio::test]
async fn a_renewed_certificate_is_used_at_once() {
    let mut certificate = Certificate::new("localhost");
    let tls = TlsOptions {
        reload_every: Duration::from_hours(24),
        ..certificate.options()
    };
    let options = ServerOptions {
        tls: Some(tls),
        ..ServerOptions::default()
    };
    let server = Running::start(ListenerKind::Tls, options, router());
    let url = format!("https://localhost:{}/", server.address.port());
    certificate
        .client()
        .build()
        .unwrap()
        .get(&url)
        .send()
        .await
        .unwrap();
    certificate.renew("localhost");
    let new = certificate.client().build().unwrap();
    let used = async { while new.get(&url).send().await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(30), used)
        .await
        .unwrap();

    // As Kubernetes does it: files behind links that are replaced as a whole.
    let folder = certificate.folder.path().to_owned();
    let link = |target: &str| {
        std::os::unix::fs::symlink(target, folder.join("..new")).unwrap();
        std::fs::rename(folder.join("..new"), folder.join("..data")).unwrap();
    };
    for version in ["1", "2"] {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let version_folder = folder.join(version);
        std::fs::create_dir(&version_folder).unwrap();
        std::fs::write(
            version_folder.join("ssl.key"),
            made.signing_key.serialize_pem(),
        )
        .unwrap();
        std::fs::write(version_folder.join("ssl.cert"), made.cert.pem()).unwrap();
        link(version);
        for name in ["ssl.key", "ssl.cert"] {
            let path = folder.join(name);
            if !path.is_symlink() {
                std::fs::remove_file(&path).unwrap();
                std::os::unix::fs::symlink(format!("..data/{name}"), &path).unwrap();
            }
        }
        certificate.pem = made.cert.pem();
        let new = certificate.client().build().unwrap();
        let used = async { while new.get(&url).send().await.is_err() {} };
        tokio::time::timeout(Duration::from_secs(30), used)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_renewed_certificate_of_the_same_size_and_time_is_used() {
    let mut certificate = Certificate::new("localhost");
    let server = start(&certificate, ListenerKind::Tls);
    let url = format!("https://localhost:{}/", server.address.port());
    let written = |file: &str| std::fs::metadata(certificate.path(file)).unwrap();
    let before = ["ssl.key", "ssl.cert"].map(written);
    // A signature's length varies, so some have to be made until one is as long.
    let made = std::iter::repeat_with(|| {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap()
    })
    .find(|made| made.cert.pem().len() == certificate.pem.len())
    .unwrap();
    let contents = [made.signing_key.serialize_pem(), made.cert.pem()];
    for ((file, content), before) in ["ssl.key", "ssl.cert"].iter().zip(contents).zip(before) {
        let new = certificate.path("new");
        std::fs::write(&new, content).unwrap();
        let opened = std::fs::File::options().write(true).open(&new).unwrap();
        opened.set_modified(before.modified().unwrap()).unwrap();
        std::fs::rename(&new, certificate.path(file)).unwrap();
    }
    certificate.pem = made.cert.pem();
    let new = certificate.client().build().unwrap();
    while new.get(&url).send().await.is_err() {}
}

#[tokio::test]
async fn a_renewed_certificate_is_used_and_a_broken_one_is_not() {
    let mut certificate = Certificate::new("localhost");
    let server = start(&certificate, ListenerKind::Tls);
    let url = format!("https://localhost:{}/", server.address.port());

    let old = certificate
        .client()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    // Has no session to resume, so it looks at the certificate.
    let old_and_new_here = certificate.client().build().unwrap();
    std::fs::write(
        certificate.path("ssl.cert"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    // Several looks at the files happen meanwhile; each new connection still sees the old certificate.
    for _ in 0..10 {
        old.get(&url).send().await.unwrap();
    }

    certificate.renew("localhost");
    let new = certificate
        .client()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    while new.get(&url).send().await.is_err() {}
    assert!(old_and_new_here.get(&url).send().await.is_err());
    assert!(
        old.get(&url).send().await.is_ok(),
        "sessions outlive the certificate they began with"
    );
}

#[tokio::test]
async fn a_pair_that_does_not_belong_together_is_refused_with_both_names() {
    let (one, other) = (Certificate::new("localhost"), Certificate::new("localhost"));
    let tls = TlsOptions::new(one.path("ssl.cert"), other.path("ssl.key"));
    let error = Server::bind(
        ServerOptions {
            tls: Some(tls),
            ..ServerOptions::default()
        },
        router(),
    )
    .err()
    .unwrap();
    let message = error.to_string();
    assert!(
        message.contains("ssl.cert") && message.contains("ssl.key"),
        "{message}"
    );
}

#[tokio::test]
async fn a_tls_listener_without_a_certificate_says_what_to_do() {
    let listener = Listener::new("https", "127.0.0.1:0".parse().unwrap(), ListenerKind::Tls);
    let options = ServerOptions {
        listeners: vec![listener],
        ..ServerOptions::default()
    };
    let error = Server::bind(options, router()).err().unwrap();
    assert!(matches!(
        error,
        HttpError::NoCertificate { listener: "https" }
    ));
    assert!(error.to_string().contains("put ssl.cert and ssl.key"));
}

#[tokio::test]
async fn the_balancer_tells_the_client_before_tls_begins() {
    let certificate = Certificate::new("localhost");
    let server = start(&certificate, ListenerKind::ProxyTls);
    // A relay that does what a balancer does: the header, then the client's bytes.
    let relay = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = relay.local_addr().unwrap().port();
    let target = server.address;
    tokio::spawn(async move {
        let (mut client, _) = relay.accept().await.unwrap();
        let mut upstream = TcpStream::connect(target).await.unwrap();
        // Split, so that the server has to wait for the rest.
        upstream.write_all(b"PROXY TCP4 203.0.").await.unwrap();
        upstream
            .write_all(b"113.7 10.0.0.1 4711 443\r\n")
            .await
            .unwrap();
        let _ = tokio::io::copy_bidirectional(&mut client, &mut upstream).await;
    });
    let client = certificate.client().build().unwrap();
    let text = client
        .get(format!("https://localhost:{port}/"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(text, "203.0.113.7 true");
}

#[tokio::test]
async fn a_connection_without_the_proxy_header_is_closed_unanswered() {
    let certificate = Certificate::new("localhost");
    let server = start(&certificate, ListenerKind::ProxyTls);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert_eq!(answer, b"");
}

#[tokio::test]
async fn the_plain_port_of_a_tls_installation_moves_everything_to_https() {
    let echo = Router::new().fallback(|_: Request| async { "not reached" });
    let redirect = |authority: Option<&str>| ListenerKind::RedirectToHttps {
        authority: authority.map(Into::into),
    };
    let server = Running::start(
        redirect(Some("quay.example:8443")),
        ServerOptions::default(),
        echo.clone(),
    );
    let answer = server.connect().await.get("/v2/a/b?x=1").await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (301, Some("https://quay.example:8443/v2/a/b?x=1"))
    );
    let server = Running::start(redirect(None), ServerOptions::default(), echo);
    let answer = server.connect().await.get("/x").await;
    assert_eq!(answer.header("location"), Some("https://test/x"));
}
