//! What a tag points to.

use pierhead_db::queries::manifests;
use pierhead_db::{Conn, ManifestId};
use pierhead_oci::media_type::{self, ManifestType};
use serde_json::json;

use super::{Result, TagError, Work};
use crate::service::labels::stored_actions;
use crate::service::retarget::{Refused, Retarget};

impl Work {
    pub(super) async fn point_to(&self, conn: &mut Conn, digest: &str) -> Result<Vec<String>> {
        let found = manifests::find_visible(conn, self.repository, digest, self.now_ms)
            .await?
            .filter(|found| found.visible)
            .ok_or(TagError::NoSuchManifest)?;
        let (previous, ended) = self
            .retarget(
                conn,
                found.id,
                found.media_type_id,
                &found.manifest_bytes,
                false,
            )
            .await?;
        let kind = if previous.is_some() {
            "move_tag"
        } else {
            "create_tag"
        };
        let keys = [
            ("manifest_digest", json!(digest)),
            ("original_manifest_digest", json!(previous)),
        ];
        self.record(conn, kind, &keys).await?;
        Ok(ended)
    }

    /// Points the tag at a manifest. Gives what it pointed to, and other tags that ended.
    pub(super) async fn retarget(
        &self,
        conn: &mut Conn,
        manifest: ManifestId,
        media_type_id: i32,
        text: &str,
        reversion: bool,
    ) -> Result<(Option<String>, Vec<String>)> {
        let media_type = self.registry.media_type_name(media_type_id)?;
        if schema1_tag(media_type, text).is_some_and(|named| named != self.tag) {
            return Err(TagError::BoundToItsTag);
        }
        let is_index = ManifestType::parse(media_type).is_some_and(ManifestType::is_index);
        let actions = stored_actions(conn, manifest, is_index).await?;
        let retarget = Retarget {
            repository: self.repository,
            namespace: self.author.repository.namespace_id.0,
            name: &self.tag,
            manifest,
            reversion,
            actions,
            now_ms: self.now_ms,
            rules: self.registry.tag_rules(),
        };
        let moved = match retarget.run(conn).await {
            Ok(moved) => moved,
            Err(Refused::Immutable) => return Err(self.immutable("overwrite")),
            Err(Refused::Database(error)) => return Err(error.into()),
        };
        if moved.immutable_by_policy {
            let keys = [("tag", json!(self.tag)), ("immutable", json!(true))];
            self.author
                .record(conn, "tag_made_immutable_by_policy", &keys)
                .await?;
        }
        Ok((moved.previous, moved.ended))
    }
}

/// The tag that a schema 1 manifest names; `None` for other manifests.
fn schema1_tag(media_type: &str, text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Schema1 {
        tag: String,
    }
    let is_schema1 = [
        media_type::DOCKER_SCHEMA1,
        media_type::DOCKER_SCHEMA1_SIGNED,
    ]
    .contains(&media_type);
    if !is_schema1 {
        return None;
    }
    // One that names none is bound to none that a client could ask for.
    Some(serde_json::from_str::<Schema1>(text).map_or_else(|_| String::new(), |named| named.tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_1_manifest_is_bound_to_the_tag_it_names() {
        let signed = media_type::DOCKER_SCHEMA1_SIGNED;
        assert_eq!(
            schema1_tag(signed, r#"{"tag":"v1"}"#).as_deref(),
            Some("v1")
        );
        assert_eq!(schema1_tag(signed, "{}").as_deref(), Some(""));
        assert_eq!(
            schema1_tag(media_type::OCI_MANIFEST, r#"{"tag":"v1"}"#),
            None
        );
    }
}
