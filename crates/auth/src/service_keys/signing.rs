//! The private half: made or read once, then held ready by the crypto library.
//!
//! `jsonwebtoken` parses and checks the key for each signature, which costs as much as the signature; so tokens are signed
//! here with the key that is already parsed.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use pem_rfc7468::LineEnding;
use pkcs8::PrivateKeyInfoRef;

use super::jwk::PublicKey;

const PEM_LABEL: &str = "RSA PRIVATE KEY";
const PUBLIC_PEM_LABEL: &str = "PUBLIC KEY";

/// Why a key cannot be made or used. Says nothing about the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The file is not a PKCS#1 RSA key in PEM.
    #[error("it is not an RSA private key in PEM (BEGIN RSA PRIVATE KEY)")]
    Pem,
    /// The key is damaged or too weak.
    #[error("the RSA key is damaged or too short")]
    Rejected,
    /// The crypto library could not make a key.
    #[error("an RSA key could not be made")]
    Generate,
    /// The crypto library could not sign.
    #[error("a token could not be signed")]
    Sign,
}

/// A private key and its id.
pub(crate) struct SigningKey {
    pair: RsaKeyPair,
    kid: String,
    public: PublicKey,
    random: SystemRandom,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Reads a PKCS#1 PEM. `kid` is what its row is called.
    pub(super) fn from_pem(kid: &str, pem: &str) -> Result<Self, SigningError> {
        let (label, der) =
            pem_rfc7468::decode_vec(pem.as_bytes()).map_err(|_| SigningError::Pem)?;
        if label != PEM_LABEL {
            return Err(SigningError::Pem);
        }
        let pair = RsaKeyPair::from_der(&der).map_err(|_| SigningError::Rejected)?;
        let mut key = Self::new(pair);
        kid.clone_into(&mut key.kid);
        Ok(key)
    }

    /// Makes a key of 2048 bits, away from the threads that serve; returns its PEM too.
    pub(crate) async fn generate() -> Result<(Self, String), SigningError> {
        tokio::task::spawn_blocking(|| {
            let pair =
                RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| SigningError::Generate)?;
            let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| SigningError::Generate)?;
            // PKCS#8 wraps the PKCS#1 structure that Quay writes.
            let info =
                PrivateKeyInfoRef::try_from(pkcs8.as_ref()).map_err(|_| SigningError::Generate)?;
            let pem =
                pem_rfc7468::encode_string(PEM_LABEL, LineEnding::LF, info.private_key.as_bytes())
                    .map_err(|_| SigningError::Generate)?;
            Ok((Self::new(pair), pem))
        })
        .await
        .map_err(|_| SigningError::Generate)?
    }

    fn new(pair: RsaKeyPair) -> Self {
        let numbers = pair.public_key();
        let public = PublicKey::new(
            numbers.modulus().big_endian_without_leading_zero().to_vec(),
            numbers
                .exponent()
                .big_endian_without_leading_zero()
                .to_vec(),
        );
        Self {
            pair,
            kid: public.thumbprint(),
            public,
            random: SystemRandom::new(),
        }
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The public half as `SubjectPublicKeyInfo` in PEM.
    pub(crate) fn public_pem(&self) -> Result<String, SigningError> {
        let der: PublicKeyX509Der<'_> = self
            .pair
            .public_key()
            .as_der()
            .map_err(|_| SigningError::Generate)?;
        pem_rfc7468::encode_string(PUBLIC_PEM_LABEL, LineEnding::LF, der.as_ref())
            .map_err(|_| SigningError::Generate)
    }

    /// Whether `public` verifies what this key signs.
    pub(super) fn is_half_of(&self, public: &PublicKey) -> bool {
        self.public == *public
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &self.random, message, &mut signature)
            .map_err(|_| SigningError::Sign)?;
        Ok(signature)
    }
}
