//! Removal from the time machine: intervals end before its window, so that they can be collected at once.

use pierhead_db::Conn;
use pierhead_db::queries::tag_changes::{self, Restorable};
use pierhead_db::queries::{manifests, tags};
use serde_json::json;

use super::{Result, TagError, Work};

/// Which interval to remove from the time machine.
#[derive(Clone, Debug)]
pub enum Removal {
    /// The living one.
    Alive,
    /// The dead ones on this manifest.
    Dead(String),
}

impl Work {
    pub(super) async fn remove(
        &self,
        conn: &mut Conn,
        removal: Removal,
        with_children: bool,
    ) -> Result<()> {
        let config = &self.registry.config;
        let window_ms = tag_changes::time_machine_window(conn, self.repository)
            .await?
            .saturating_mul(1000);
        let window_start_ms = self.now_ms.saturating_sub(window_ms);
        // No two intervals of a name may end together: each ends before every other.
        let earliest = tag_changes::earliest_end(conn, self.repository, &self.tag).await?;
        let end_ms = window_start_ms.min(earliest.saturating_sub(1));
        let (manifest, digest) = match removal {
            Removal::Alive => {
                let alive = self.alive(conn).await?;
                if config.immutable_tags && alive.immutable {
                    return Err(TagError::NothingToRemove);
                }
                tag_changes::move_end(conn, alive.id, end_ms).await?;
                (alive.manifest_id, alive.digest)
            }
            Removal::Dead(digest) => {
                let found =
                    manifests::find_by_digest(conn, self.repository, &digest, self.now_ms).await?;
                let manifest = found.ok_or(TagError::NoSuchManifest)?.id;
                let dead = Restorable {
                    repository: self.repository,
                    name: &self.tag,
                    manifest,
                    now_ms: self.now_ms,
                    window_start_ms,
                    only_mutable: config.immutable_tags,
                };
                if tag_changes::move_ends(conn, &dead, end_ms).await? == 0 {
                    return Err(TagError::NothingToRemove);
                }
                (manifest, digest)
            }
        };
        if config.pull_statistics {
            tags::delete_pull_statistics(conn, self.repository, &self.tag).await?;
        }
        if with_children && config.reset_child_manifest_expiration {
            tag_changes::end_children(conn, self.repository, manifest, window_start_ms).await?;
        }
        let keys = [("manifest_digest", json!(digest))];
        self.record(conn, "permanently_delete_tag", &keys).await
    }
}
