//! Incremental hashing of content while it streams by.
//!
//! One hasher serves one blob or manifest; its state can be taken out between two requests of
//! the same upload ([`crate::hash_state`]) so that no byte is ever read twice.

use sha2::digest::common::hazmat::SerializableState;
use sha2::{Digest as _, Sha256, Sha512};

use crate::digest::{Algorithm, Digest};
use crate::hash_state::{HashStateError, Sha256State, Sha512State};

/// A running hash and the number of bytes that went in.
#[derive(Clone, Debug)]
pub struct Hasher {
    inner: Inner,
    len: u64,
}

#[derive(Clone, Debug)]
enum Inner {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    /// A hasher that has seen nothing.
    pub fn new(algorithm: Algorithm) -> Self {
        let inner = match algorithm {
            Algorithm::Sha256 => Inner::Sha256(Sha256::new()),
            Algorithm::Sha512 => Inner::Sha512(Sha512::new()),
        };
        Self { inner, len: 0 }
    }

    /// The digest of bytes that are already in memory.
    pub fn digest(algorithm: Algorithm, bytes: &[u8]) -> Digest {
        match algorithm {
            Algorithm::Sha256 => Digest::Sha256(Sha256::digest(bytes).into()),
            Algorithm::Sha512 => Digest::Sha512(Sha512::digest(bytes).into()),
        }
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        match self.inner {
            Inner::Sha256(_) => Algorithm::Sha256,
            Inner::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.inner {
            Inner::Sha256(hash) => hash.update(bytes),
            Inner::Sha512(hash) => hash.update(bytes),
        }
        self.len += bytes.len() as u64;
    }

    /// How many bytes went in, including those before a resume.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing went in yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The digest of everything that went in.
    pub fn finish(self) -> Digest {
        match self.inner {
            Inner::Sha256(hash) => Digest::Sha256(hash.finalize().into()),
            Inner::Sha512(hash) => Digest::Sha512(hash.finalize().into()),
        }
    }

    /// The resumable state, if this is a SHA-256 hasher.
    pub fn sha256_state(&self) -> Option<Sha256State> {
        match &self.inner {
            Inner::Sha256(hash) => Some(Sha256State::from_sha2(&hash.serialize(), self.len)),
            Inner::Sha512(_) => None,
        }
    }

    /// The resumable state, if this is a SHA-512 hasher.
    pub fn sha512_state(&self) -> Option<Sha512State> {
        match &self.inner {
            Inner::Sha512(hash) => Some(Sha512State::from_sha2(&hash.serialize(), self.len)),
            Inner::Sha256(_) => None,
        }
    }

    /// A hasher that continues where `state` was taken.
    pub fn from_sha256_state(state: &Sha256State) -> Result<Self, HashStateError> {
        let hash = Sha256::deserialize(&state.to_sha2().into())
            .map_err(|_| HashStateError::Inconsistent)?;
        Ok(Self {
            inner: Inner::Sha256(hash),
            len: state.total_len(),
        })
    }

    /// A hasher that continues where `state` was taken.
    pub fn from_sha512_state(state: &Sha512State) -> Result<Self, HashStateError> {
        let hash = Sha512::deserialize(&state.to_sha2().into())
            .map_err(|_| HashStateError::Inconsistent)?;
        Ok(Self {
            inner: Inner::Sha512(hash),
            len: state.total_len(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn pieces_hash_like_the_whole() {
        let message: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let mut hasher = Hasher::new(algorithm);
            assert!(hasher.is_empty());
            for piece in message.chunks(7) {
                hasher.update(piece);
            }
            assert_eq!(hasher.len(), 1_000);
            assert_eq!(hasher.algorithm(), algorithm);
            assert_eq!(hasher.finish(), Hasher::digest(algorithm, &message));
        }
    }

    #[test]
    fn known_answers_hold() {
        assert_eq!(
            Hasher::digest(Algorithm::Sha256, b"abc").hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            Hasher::digest(Algorithm::Sha512, b"abc").hex(),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        );
        assert_eq!(
            Hasher::new(Algorithm::Sha256).finish(),
            Digest::SHA256_OF_NOTHING
        );
    }
}
