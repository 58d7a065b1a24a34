//! The SSH key with which a builder reads the sources of a trigger: RSA of 2048 bits, the public half as one line for the git
//! server (RFC 4253 §6.6), the private half as PEM (RFC 8017), as Quay's builders read it.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pem_rfc7468::LineEnding;
use pierhead_config::Secret;
use pkcs8::PrivateKeyInfoRef;

use crate::error::{Error, Result};

const KIND: &str = "ssh-rsa";

/// A pair of keys.
pub(super) struct SshKey {
    /// `ssh-rsa …`.
    pub(super) public: String,
    /// PEM.
    pub(super) private: Secret,
}

/// A new pair. Takes a fraction of a second of CPU.
pub(super) fn generate() -> Result<SshKey> {
    let failed = |what: &str| Error::Internal(format!("an SSH key could not be {what}"));
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| failed("made"))?;
    let public = pair.public_key();
    let mut blob = Vec::new();
    push(&mut blob, KIND.as_bytes());
    push_number(
        &mut blob,
        public.exponent().big_endian_without_leading_zero(),
    );
    push_number(
        &mut blob,
        public.modulus().big_endian_without_leading_zero(),
    );
    let pkcs8 = pair.as_der().map_err(|_| failed("encoded"))?;
    let inner = PrivateKeyInfoRef::try_from(pkcs8.as_ref()).map_err(|_| failed("encoded"))?;
    let pkcs1 = inner.private_key.as_bytes();
    let pem = pem_rfc7468::encode_string("RSA PRIVATE KEY", LineEnding::LF, pkcs1)
        .map_err(|_| failed("written as PEM"))?;
    Ok(SshKey {
        public: format!("{KIND} {}", STANDARD.encode(blob)),
        private: Secret::new(pem),
    })
}

/// A string of RFC 4251 §5.
fn push(blob: &mut Vec<u8>, bytes: &[u8]) {
    blob.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    blob.extend_from_slice(bytes);
}

/// A positive number of RFC 4251 §5: a zero goes before a first byte that would mean minus.
fn push_number(blob: &mut Vec<u8>, number: &[u8]) {
    let sign = number.first().is_some_and(|byte| byte & 0x80 != 0);
    let padded = [if sign { [0].as_slice() } else { &[] }, number].concat();
    push(blob, &padded);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_is_written_as_git_servers_and_builders_read_it() {
        let key = generate().unwrap();
        let blob = STANDARD
            .decode(key.public.strip_prefix("ssh-rsa ").unwrap())
            .unwrap();
        // Name, exponent 65537, and a modulus of 2048 bits with a zero before it.
        let head = b"\0\0\0\x07ssh-rsa\0\0\0\x03\x01\0\x01\0\0\x01\x01\0";
        assert_eq!(&blob[..head.len()], head);
        assert_eq!(blob.len(), head.len() + 256);
        let pem = key.private.expose();
        assert!(pem.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
        let (_, der) = pem_rfc7468::decode_vec(pem.as_bytes()).unwrap();
        assert_eq!(&der[4..7], [2, 1, 0]);
    }
}
