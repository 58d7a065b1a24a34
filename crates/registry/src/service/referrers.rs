//! What refers to a manifest: rows whose `subject` it is, and what the tag `sha256-<hex>` lists for clients that know no
//! referrers API (the fallback of the OCI specification).

use std::collections::{BTreeMap, HashSet};

use pierhead_db::queries::{manifests, tags};
use pierhead_db::{ManifestId, RepositoryId};
use pierhead_oci::{Digest, Limits, Manifest};
use serde::Serialize;

use crate::error::Result;
use crate::state::Registry;

/// Most descriptors of one answer; the rest is on the next page.
pub(crate) const PAGE: usize = 500;
/// Most characters of manifests that are read for one answer; a single one may be larger.
const PAGE_CHARACTERS: i64 = 4 << 20;

/// One entry of the answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferrerDescriptor {
    /// Its media type.
    pub media_type: String,
    /// Its digest.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its artifact type, or its config's type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Its annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A page of referrers.
#[derive(Clone, Debug, Default)]
pub struct Referrers {
    /// Descriptors, oldest first.
    pub descriptors: Vec<ReferrerDescriptor>,
    /// Where the next page begins.
    pub next: Option<ManifestId>,
}

impl Registry {
    /// Referrers of a digest after `last`. The subject need not exist.
    pub async fn referrers(
        &self,
        repository: RepositoryId,
        subject: Digest,
        artifact_type: Option<&str>,
        last: ManifestId,
    ) -> Result<Referrers> {
        let now_ms = self.clock.now_ms();
        let mut conn = self.db.read().await?;
        let text = subject.to_string();
        let wanted = manifests::WantedReferrers {
            repository,
            subject: &text,
            artifact_type,
            last,
            most_rows: PAGE as i64,
            most_characters: PAGE_CHARACTERS,
        };
        let rows = manifests::find_referrers(&mut conn, &wanted, now_ms).await?;
        let mut page = Referrers {
            next: rows
                .last()
                .filter(|row| (rows.len() as i64) < row.listed)
                .map(|row| row.id),
            ..Referrers::default()
        };
        for row in rows {
            let media_type = self.media_type_name(row.media_type_id)?.to_owned();
            let content = row.manifest_bytes.as_bytes();
            // Read with the limits of the parser alone: the row was accepted once.
            let parsed = Manifest::parse(Some(&media_type), content, &Limits::default()).ok();
            page.descriptors.push(ReferrerDescriptor {
                media_type,
                digest: row.digest,
                size: content.len() as u64,
                artifact_type: parsed
                    .as_ref()
                    .and_then(|manifest| manifest.referrer_artifact_type())
                    .map(str::to_owned),
                annotations: parsed
                    .map(|manifest| manifest.annotations().clone())
                    .unwrap_or_default(),
            });
        }
        if page.next.is_none() {
            let tag = format!("{}-{}", subject.algorithm().as_str(), subject.hex());
            if let Some(alive) = tags::find_alive(&mut conn, repository, &tag, now_ms).await?
                && let Some(row) = manifests::find_by_id(&mut conn, alive.manifest_id).await?
            {
                let media_type = self.media_type_name(row.media_type_id)?;
                let content = row.manifest_bytes.as_bytes();
                let parsed = Manifest::parse(Some(media_type), content, &Limits::default());
                if let Ok(index) = parsed {
                    add_fallback(&mut page, &index, artifact_type);
                }
            }
        }
        Ok(page)
    }
}

fn add_fallback(page: &mut Referrers, index: &Manifest, artifact_type: Option<&str>) {
    let mut listed: HashSet<String> = page
        .descriptors
        .iter()
        .map(|descriptor| descriptor.digest.clone())
        .collect();
    for child in index.entries() {
        let descriptor = &child.descriptor;
        let digest = descriptor.digest.to_string();
        let wanted =
            artifact_type.is_none_or(|wanted| descriptor.artifact_type.as_deref() == Some(wanted));
        if wanted && listed.insert(digest.clone()) {
            page.descriptors.push(ReferrerDescriptor {
                media_type: descriptor.media_type.clone(),
                digest,
                size: descriptor.size,
                artifact_type: descriptor.artifact_type.clone(),
                annotations: descriptor.annotations.clone(),
            });
        }
    }
}
