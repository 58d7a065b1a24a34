//! What a manifest refers to has to be in its repository before the manifest is.

use std::collections::HashMap;

use pierhead_db::queries::{blobs, manifests};
use pierhead_db::{BlobId, Conn, ManifestId};

use super::transaction::ManifestWrite;
use crate::error::{Code, Error, Result};

impl ManifestWrite {
    /// Every blob must be in the repository with the size that the manifest says. Where indexes may be sparse, layers may
    /// be missing too, and are linked when the manifest is pushed again.
    pub(super) async fn linked_blobs(&self, conn: &mut Conn) -> Result<Vec<BlobId>> {
        let wanted: Vec<String> = self
            .blobs
            .iter()
            .map(|(digest, _)| digest.clone())
            .chain(self.foreign.iter().cloned())
            .collect();
        let rows = blobs::find_linked(conn, self.new.repository, &wanted).await?;
        let mut found = HashMap::with_capacity(rows.len());
        for row in rows {
            found.entry(row.digest).or_insert((row.id, row.image_size));
        }
        let mut ids = Vec::with_capacity(wanted.len());
        for (digest, size) in &self.blobs {
            let Some((id, stored)) = found.get(digest) else {
                if self.rules.sparse_index && self.config_digest.as_ref() != Some(digest) {
                    continue;
                }
                return Err(Error::detailed(
                    Code::MANIFEST_BLOB_UNKNOWN,
                    format!("Unknown blob `{digest}`"),
                ));
            };
            if let Some(stored) = stored.filter(|stored| *stored != *size as i64) {
                return Err(Error::detailed(
                    Code::SIZE_INVALID,
                    format!("blob {digest} has {stored} bytes, the manifest says {size}"),
                ));
            }
            ids.push(*id);
        }
        ids.extend(
            self.foreign
                .iter()
                .filter_map(|digest| found.get(digest))
                .map(|(id, _)| *id),
        );
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Every child must be a manifest of the repository, unless indexes may be sparse.
    pub(super) async fn stored_children(&self, conn: &mut Conn) -> Result<Vec<ManifestId>> {
        let wanted: Vec<String> = self
            .children
            .iter()
            .map(|(digest, _)| digest.clone())
            .collect();
        let rows =
            manifests::find_children(conn, self.new.repository, self.now_ms, &wanted).await?;
        let found: HashMap<_, _> = rows
            .into_iter()
            .map(|row| (row.digest, (row.id, row.size)))
            .collect();
        let mut ids = Vec::with_capacity(found.len());
        for (digest, size) in &self.children {
            match found.get(digest) {
                Some((_, stored)) if *stored != *size as i64 => {
                    return Err(Error::detailed(
                        Code::SIZE_INVALID,
                        format!("manifest {digest} has {stored} bytes, the index says {size}"),
                    ));
                }
                Some((id, _)) => ids.push(*id),
                None if self.rules.sparse_index => {}
                None => {
                    return Err(Error::detailed(
                        Code::MANIFEST_BLOB_UNKNOWN,
                        format!("Could not find child manifest with digest `{digest}`"),
                    ));
                }
            }
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }
}
