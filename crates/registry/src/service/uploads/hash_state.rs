//! The hash over what a session has received, carried from request to request in Quay's encoding.

use pierhead_db::encoding::sha_state::ResumableSha256;
use pierhead_oci::digest::Algorithm;
use pierhead_oci::{Hasher, Sha256State};

use super::session::Session;
use super::{bytes_are_gone, bytes_missing};
use crate::error::{Error, Result};
use crate::state::Registry;

impl Registry {
    /// The hash over the acknowledged bytes of a session.
    pub(super) async fn resume(&self, session: &Session) -> Result<Hasher> {
        if session.received == 0 {
            return Ok(Hasher::new(Algorithm::Sha256));
        }
        let saved = session
            .sha_state
            .as_deref()
            .and_then(decode)
            .filter(|hasher| hasher.len() == session.received);
        if let Some(hasher) = saved.filter(|_| session.is_of_this_boot()) {
            return Ok(hasher);
        }
        // The machine may have lost power since: what is stored decides.
        let stored = self
            .storage
            .hash_upload(
                &session.location,
                &session.name,
                Some(session.received),
                Algorithm::Sha256,
            )
            .await
            .map_err(bytes_missing)?;
        stored.ok_or_else(bytes_are_gone)
    }
}

/// The state of a hash that a session can go on from.
pub(super) fn encode(hasher: &Hasher) -> Result<String> {
    let state = hasher
        .sha256_state()
        .ok_or_else(|| Error::Corrupt("a session that is not hashed with SHA-256".to_owned()))?;
    let state = ResumableSha256::from_parts(state.h(), state.buffered(), state.total_len())
        .map_err(|_| Error::Corrupt("a hash state that Quay cannot hold".to_owned()))?;
    Ok(state.encode())
}

fn decode(text: &str) -> Option<Hasher> {
    let state = ResumableSha256::decode(text).ok()?;
    let state = Sha256State::new(state.h(), state.buffered(), state.total_bytes()).ok()?;
    Hasher::from_sha256_state(&state).ok()
}
