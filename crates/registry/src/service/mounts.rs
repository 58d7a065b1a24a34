//! Mounts: a blob of one repository becomes one of another without its bytes.

use std::sync::Arc;

use pierhead_auth::{Bearer, Repository};
use pierhead_db::queries::blobs;
use pierhead_db::{Durability, RepositoryId};
use pierhead_oci::{Digest, RepositoryName};

use crate::error::{Error, Result};
use crate::state::Registry;

/// Repositories that are looked at for a blob that is to be mounted from anywhere.
const HOLDERS: i64 = 20;

impl Registry {
    /// Links a blob of another repository to this one. `false` if that repository does not have it.
    pub async fn mount_blob(
        &self,
        repository: RepositoryId,
        source: RepositoryId,
        digest: Digest,
    ) -> Result<bool> {
        let Some(blob) = self.find_blob(source, digest).await? else {
            return Ok(false);
        };
        let id = blob.id;
        let now = self.clock.utc();
        let expires = now + chrono::TimeDelta::seconds(self.config.temporary_tag_seconds);
        self.db
            .write(Durability::Full, move |conn| {
                Box::pin(async move {
                    blobs::insert_lease(conn, repository, id, now, expires).await?;
                    blobs::unmark_deleted(conn, repository, id).await?;
                    Ok::<_, Error>(())
                })
            })
            .await?;
        Ok(true)
    }

    /// Repositories that hold a blob and that the token's credential may read.
    pub async fn readable_holders(
        &self,
        bearer: &Arc<Bearer>,
        digest: Digest,
    ) -> Result<Vec<Arc<Repository>>> {
        let holders = {
            let mut conn = self.db.read().await?;
            blobs::holders(&mut conn, &digest.to_string(), HOLDERS).await?
        };
        let mut readable = Vec::new();
        for (namespace, name) in holders {
            let Ok(name) = RepositoryName::new(&namespace, &name) else {
                continue;
            };
            readable.extend(self.auth.readable(bearer, &name).await?);
        }
        Ok(readable)
    }
}
