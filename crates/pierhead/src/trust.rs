//! The certificate authorities that the configuration directory adds to those of the system, for connections that
//! Pierhead opens: to the collector of traces, and to PostgreSQL unless `sslrootcert` or `database.pem` names its authorities.
//!
//! They are where Quay's start looks for them (`conf/init/certs_install.sh`): `extra_ca_certs`, a directory of files or one
//! file, and files beside `config.yaml` whose names begin with `extra_ca`. A file may hold many PEM certificates, or one in
//! DER. A file that cannot be used is a warning, never an error: a stray file must not keep a registry from starting.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use pem_rfc7468::LineEnding;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Bytes of a file of certificates; the whole store of a Linux distribution has a quarter of a million.
const LARGEST: u64 = 4 * 1024 * 1024;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct ExtraCas {
    /// Certificates that can be trusted as they are.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    /// Files that were left out, each with its name and the reason.
    pub(crate) warnings: Vec<String>,
}

impl ExtraCas {
    /// Reads the files of the configuration directory; none is read without one.
    pub(crate) fn read(directory: Option<&Path>) -> Self {
        let mut found = Self::default();
        let Some(directory) = directory else {
            return found;
        };
        for path in found.entries(directory, |name| name.starts_with("extra_ca")) {
            if path.is_file() {
                found.add(&path);
            } else if path.ends_with("extra_ca_certs") {
                // What a mounted volume keeps beside its files has names that begin with a dot.
                for path in found.entries(&path, |name| !name.starts_with('.')) {
                    if path.is_file() {
                        found.add(&path);
                    }
                }
            }
        }
        found
    }

    /// Paths of a directory whose names are wanted, in order.
    fn entries(&mut self, directory: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let listed = std::fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        match listed {
            Ok(entries) => {
                let mut paths: Vec<_> = entries
                    .iter()
                    .filter(|entry| entry.file_name().to_str().is_some_and(&wanted))
                    .map(std::fs::DirEntry::path)
                    .collect();
                paths.sort();
                paths
            }
            Err(error) => {
                self.leave_out(directory, &error.to_string());
                Vec::new()
            }
        }
    }

    fn add(&mut self, path: &Path) {
        let mut bytes = Vec::new();
        match File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)) {
            Ok(length) if length as u64 > LARGEST => {
                return self.leave_out(path, &format!("it has more than {LARGEST} bytes"));
            }
            Ok(_) => {}
            Err(error) => return self.leave_out(path, &error.to_string()),
        }
        let mut blocks: Vec<_> = CertificateDer::pem_slice_iter(&bytes).collect();
        if blocks.is_empty() {
            blocks.push(Ok(CertificateDer::from(bytes)));
        }
        let mut unusable = 0;
        let mut usable = 0;
        for block in blocks {
            let certificate = block
                .ok()
                .filter(|der| RootCertStore::empty().add(der.clone()).is_ok());
            match certificate {
                Some(certificate) => {
                    usable += 1;
                    if !self.certificates.contains(&certificate) {
                        self.certificates.push(certificate);
                    }
                }
                None => unusable += 1,
            }
        }
        if usable == 0 {
            self.leave_out(path, "it holds no certificate in PEM or DER");
        } else if unusable > 0 {
            self.warnings.push(format!(
                "{}: {unusable} of its certificates cannot be read and are not trusted",
                path.display()
            ));
        }
    }

    /// The certificates as one PEM text; none if there are none.
    pub(crate) fn pem(&self) -> Option<String> {
        // Fails only for content beyond the limits of the address space.
        let blocks = self.certificates.iter().filter_map(|certificate| {
            pem_rfc7468::encode_string("CERTIFICATE", LineEnding::LF, certificate).ok()
        });
        let pem: String = blocks.collect();
        (!pem.is_empty()).then_some(pem)
    }

    fn leave_out(&mut self, path: &Path, reason: &str) {
        self.warnings.push(format!(
            "{}: no certificate authority is taken from here: {reason}",
            path.display()
        ));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn certificate() -> rcgen::Certificate {
        rcgen::generate_simple_self_signed(["ca.example.com".to_owned()])
            .unwrap()
            .cert
    }

    #[test]
    fn certificates_come_from_the_directory_and_from_files_beside_the_configuration() {
        let bundle = TempDir::new().unwrap();
        let [one, two, three, four, other] = std::array::from_fn(|_| certificate());
        let folder = bundle.path().join("extra_ca_certs");
        fs::create_dir_all(folder.join("..data")).unwrap();
        fs::write(folder.join("two.crt"), one.pem() + &two.pem()).unwrap();
        fs::write(folder.join("three.der"), three.der()).unwrap();
        fs::write(folder.join(".hidden"), other.pem()).unwrap();
        fs::write(bundle.path().join("extra_ca_cert_four"), four.pem()).unwrap();
        fs::write(bundle.path().join("extra_ca_cert_again"), one.pem()).unwrap();
        fs::write(bundle.path().join("ssl.cert"), other.pem()).unwrap();

        let found = ExtraCas::read(Some(bundle.path()));
        assert_eq!(found.warnings, Vec::<String>::new());
        let mut expected = [one, two, three, four].map(|certificate| certificate.der().clone());
        let mut certificates = found.certificates;
        expected.sort_by(|a, b| a.as_ref().cmp(b.as_ref()));
        certificates.sort_by(|a, b| a.as_ref().cmp(b.as_ref()));
        assert_eq!(certificates, expected);
    }

    #[test]
    fn extra_ca_certs_may_be_one_file() {
        let bundle = TempDir::new().unwrap();
        let (one, two) = (certificate(), certificate());
        fs::write(bundle.path().join("extra_ca_certs"), one.pem() + &two.pem()).unwrap();
        let found = ExtraCas::read(Some(bundle.path()));
        assert_eq!(found.certificates, [one.der().clone(), two.der().clone()]);
        let pem = found.pem().unwrap();
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        assert_eq!(read.unwrap(), found.certificates);
        assert_eq!(ExtraCas::default().pem(), None);
    }

    #[test]
    fn a_file_without_a_certificate_is_a_warning_that_names_it() {
        let bundle = TempDir::new().unwrap();
        let one = certificate();
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        fs::write(bundle.path().join("extra_ca_cert_empty"), "").unwrap();
        fs::write(
            bundle.path().join("extra_ca_cert_partly"),
            one.pem() + broken,
        )
        .unwrap();
        fs::write(bundle.path().join("extra_ca_cert_words"), "not one").unwrap();
        let found = ExtraCas::read(Some(bundle.path()));
        assert_eq!(found.certificates, [one.der().clone()]);
        let named: Vec<_> = found
            .warnings
            .iter()
            .map(|warning| warning.split(": ").next().unwrap().rsplit('_').next())
            .collect();
        assert_eq!(named, [Some("empty"), Some("partly"), Some("words")]);
    }
}
