//! TLS as redis-py sets it up from its `ssl_*` arguments, which is what `config.yaml` hands through: the authorities of the
//! system, of the installation, and those that are named; the certificate is checked, and the name in it, unless one of the
//! arguments says otherwise.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore,
    SignatureScheme,
};

use crate::error::SetupError;

/// Settings of TLS; each names its key in `…_REDIS`.
#[derive(Clone, Default)]
pub struct RedisTls {
    /// `ssl_cert_reqs` and `ssl_check_hostname`.
    pub verify: Verify,
    /// `ssl_ca_certs`: a file of authorities in PEM.
    pub ca_file: Option<PathBuf>,
    /// `ssl_ca_path`: a folder of such files.
    pub ca_folder: Option<PathBuf>,
    /// `ssl_ca_data`: authorities in PEM.
    pub ca_data: Option<String>,
    /// `ssl_certfile`: the certificate that the registry shows, in PEM.
    pub certificate_file: Option<PathBuf>,
    /// `ssl_keyfile`: its key in PEM, unless that is in the same file.
    pub key_file: Option<PathBuf>,
    /// Authorities in DER that every connection of this installation trusts.
    pub extra_authorities: Vec<Vec<u8>>,
}

impl fmt::Debug for RedisTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTls")
            .field("verify", &self.verify)
            .field("ca_file", &self.ca_file)
            .field("ca_folder", &self.ca_folder)
            .field("certificate_file", &self.certificate_file)
            .finish_non_exhaustive()
    }
}

/// What is checked of the server's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// A trusted authority vouches for it, and it is for the server's name.
    #[default]
    Name,
    /// A trusted authority vouches for it (`ssl_check_hostname: false`).
    Authority,
    /// Nothing (`ssl_cert_reqs: none`).
    Nothing,
}

/// The client's side of TLS.
pub(crate) fn client(settings: &RedisTls) -> Result<ClientConfig, SetupError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let authorities = match settings.verify {
        Verify::Nothing => None,
        Verify::Name | Verify::Authority => Some(verifier(settings, provider.clone())?),
    };
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?;
    let builder = match authorities {
        Some(authorities) if settings.verify == Verify::Name => {
            builder.with_webpki_verifier(authorities)
        }
        authorities => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Lenient {
                authorities,
                algorithms: provider.signature_verification_algorithms,
            })),
    };
    let Some(certificate_file) = &settings.certificate_file else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates("ssl_certfile", certificate_file)?;
    let (field, key_file) = match &settings.key_file {
        Some(key_file) => ("ssl_keyfile", key_file),
        None => ("ssl_certfile", certificate_file),
    };
    let key = PrivateKeyDer::from_pem_slice(&read(field, key_file)?).map_err(|error| {
        SetupError::Content {
            field,
            reason: format!("{} has no private key in PEM: {error}", key_file.display()),
        }
    })?;
    Ok(builder.with_client_auth_cert(chain, key)?)
}

fn verifier(
    settings: &RedisTls,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, SetupError> {
    let mut roots = RootCertStore::empty();
    // Certificates of the system that cannot be read are not this connection's concern.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let extra = settings.extra_authorities.iter();
    roots.add_parsable_certificates(extra.map(|der| CertificateDer::from(der.as_slice())));
    if let Some(file) = &settings.ca_file {
        add(
            "ssl_ca_certs",
            certificates("ssl_ca_certs", file)?,
            &mut roots,
        )?;
    }
    if let Some(folder) = &settings.ca_folder {
        for file in files("ssl_ca_path", folder)? {
            // OpenSSL, too, takes from the folder what it can use.
            let found = certificates("ssl_ca_path", &file).unwrap_or_default();
            roots.add_parsable_certificates(found);
        }
    }
    if let Some(data) = &settings.ca_data {
        let found = parse("ssl_ca_data", data.as_bytes(), "it")?;
        add("ssl_ca_data", found, &mut roots)?;
    }
    if roots.is_empty() {
        return Err(SetupError::NoAuthorities);
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| SetupError::Content {
            field: "ssl",
            reason: error.to_string(),
        })
}

fn add(
    field: &'static str,
    found: Vec<CertificateDer<'static>>,
    roots: &mut RootCertStore,
) -> Result<(), SetupError> {
    for certificate in found {
        roots
            .add(certificate)
            .map_err(|error| SetupError::Content {
                field,
                reason: format!("a certificate cannot be an authority: {error}"),
            })?;
    }
    Ok(())
}

fn certificates(
    field: &'static str,
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    parse(field, &read(field, file)?, &file.display().to_string())
}

fn parse(
    field: &'static str,
    pem: &[u8],
    place: &str,
) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let reason = match found {
        Ok(found) if !found.is_empty() => return Ok(found),
        Ok(_) => format!("{place} has no certificate in PEM"),
        Err(error) => format!("{place} has a malformed certificate: {error}"),
    };
    Err(SetupError::Content { field, reason })
}

fn read(field: &'static str, file: &Path) -> Result<Vec<u8>, SetupError> {
    std::fs::read(file).map_err(|source| SetupError::File {
        field,
        path: file.to_owned(),
        source,
    })
}

fn files(field: &'static str, folder: &Path) -> Result<Vec<PathBuf>, SetupError> {
    let unreadable = |source| SetupError::File {
        field,
        path: folder.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

/// Checks less than the name in a certificate: what the configuration asks for.
#[derive(Debug)]
struct Lenient {
    /// Vouch for the certificate; nobody has to when there is none.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let Some(authorities) = &self.authorities else {
            return Ok(ServerCertVerified::assertion());
        };
        // The chain is checked before the name, so that nothing else can be wrong where the name is.
        match authorities.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        ) {
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
