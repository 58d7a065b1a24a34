//! Blobs, manifests, tags and referrers.

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use serde_json::Value;

use super::{Client, Manifest, Response};
use crate::fixtures::{Blob, Image, Index, media_types};
use crate::{Result, digest_of};

/// An upload that has begun and is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Where the next request goes.
    pub location: String,
    /// How many bytes were sent.
    pub offset: usize,
}

impl Client {
    /// Asks whether a blob is in a repository.
    pub async fn has_blob(&self, repository: &str, digest: &str) -> Result<bool> {
        let answer = self
            .send("HEAD", &format!("/v2/{repository}/blobs/{digest}"))
            .await?;
        let answer = answer.expect(&[StatusCode::OK, StatusCode::NOT_FOUND])?;
        Ok(answer.status == StatusCode::OK)
    }

    /// A blob's bytes.
    pub async fn get_blob(&self, repository: &str, digest: &str) -> Result<Vec<u8>> {
        let answer = self
            .send("GET", &format!("/v2/{repository}/blobs/{digest}"))
            .await?;
        Ok(answer.expect(&[StatusCode::OK])?.body)
    }

    /// Begins an upload.
    pub async fn start_upload(&self, repository: &str) -> Result<Upload> {
        let request = self
            .request("POST", &format!("/v2/{repository}/blobs/uploads/"))?
            .header(CONTENT_LENGTH, 0);
        let answer = self
            .execute(request)
            .await?
            .expect(&[StatusCode::ACCEPTED])?;
        Ok(Upload {
            location: answer.header("location")?.to_owned(),
            offset: 0,
        })
    }

    /// Sends the next bytes of an upload.
    pub async fn send_chunk(&self, upload: &Upload, bytes: &[u8]) -> Result<Upload> {
        let end = upload.offset + bytes.len();
        let request = self
            .request("PATCH", &upload.location)?
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(
                CONTENT_RANGE,
                format!("{}-{}", upload.offset, end.saturating_sub(1)),
            )
            .body(bytes.to_vec());
        let answer = self
            .execute(request)
            .await?
            .expect(&[StatusCode::ACCEPTED])?;
        Ok(Upload {
            location: answer.header("location")?.to_owned(),
            offset: end,
        })
    }

    /// Ends an upload with the blob's digest.
    pub async fn finish_upload(&self, upload: &Upload, digest: &str) -> Result<Response> {
        let mark = if upload.location.contains('?') {
            '&'
        } else {
            '?'
        };
        let request = self
            .request("PUT", &format!("{}{mark}digest={digest}", upload.location))?
            .header(CONTENT_LENGTH, 0);
        self.execute(request).await?.expect(&[StatusCode::CREATED])
    }

    /// Pushes a blob as one PUT after a POST, as most clients do; gives its digest.
    pub async fn push_blob(&self, repository: &str, bytes: &[u8]) -> Result<String> {
        let digest = digest_of(bytes);
        let upload = self.start_upload(repository).await?;
        let mark = if upload.location.contains('?') {
            '&'
        } else {
            '?'
        };
        let request = self
            .request("PUT", &format!("{}{mark}digest={digest}", upload.location))?
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(bytes.to_vec());
        self.execute(request)
            .await?
            .expect(&[StatusCode::CREATED])?;
        Ok(digest)
    }

    /// Pushes a blob in pieces of `size` bytes; gives its digest.
    pub async fn push_blob_in_chunks(
        &self,
        repository: &str,
        bytes: &[u8],
        size: usize,
    ) -> Result<String> {
        let digest = digest_of(bytes);
        let mut upload = self.start_upload(repository).await?;
        for piece in bytes.chunks(size.max(1)) {
            upload = self.send_chunk(&upload, piece).await?;
        }
        self.finish_upload(&upload, &digest).await?;
        Ok(digest)
    }

    /// Pushes manifest bytes under a tag or digest.
    pub async fn push_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Response> {
        let request = self
            .request("PUT", &format!("/v2/{repository}/manifests/{reference}"))?
            .header(CONTENT_TYPE, media_type)
            .body(bytes.to_vec());
        self.execute(request).await?.expect(&[StatusCode::CREATED])
    }

    /// Pushes every blob of an image, then its manifest under a tag.
    pub async fn push_image(&self, repository: &str, tag: &str, image: &Image) -> Result<Response> {
        for blob in image.blobs() {
            self.push_blob(repository, &blob.bytes).await?;
        }
        self.push_blob_manifest(repository, tag, &image.manifest)
            .await
    }

    /// Pushes the images of an index by digest, then the index under a tag.
    pub async fn push_index(&self, repository: &str, tag: &str, index: &Index) -> Result<Response> {
        for image in &index.images {
            Box::pin(self.push_image(repository, &image.manifest.digest, image)).await?;
        }
        self.push_blob_manifest(repository, tag, &index.manifest)
            .await
    }

    async fn push_blob_manifest(
        &self,
        repository: &str,
        reference: &str,
        manifest: &Blob,
    ) -> Result<Response> {
        self.push_manifest(repository, reference, manifest.media_type, &manifest.bytes)
            .await
    }

    /// A manifest by tag or digest, of any known type.
    pub async fn get_manifest(&self, repository: &str, reference: &str) -> Result<Manifest> {
        let answer = self
            .manifest("GET", repository, reference)
            .await?
            .expect(&[StatusCode::OK])?;
        Ok(Manifest {
            media_type: answer.header("content-type")?.to_owned(),
            digest: answer.header("docker-content-digest")?.to_owned(),
            bytes: answer.body,
        })
    }

    /// Asks for a manifest with any method and gives whatever comes back.
    pub async fn manifest(
        &self,
        method: &str,
        repository: &str,
        reference: &str,
    ) -> Result<Response> {
        let request = self
            .request(method, &format!("/v2/{repository}/manifests/{reference}"))?
            .header(ACCEPT, media_types::ALL_MANIFESTS.join(", "));
        self.execute(request).await
    }

    /// The tags of a repository, over all pages.
    pub async fn tags(&self, repository: &str) -> Result<Vec<String>> {
        let mut tags = Vec::new();
        let mut location = Some(format!("/v2/{repository}/tags/list"));
        while let Some(page) = location {
            let answer = self.send("GET", &page).await?.expect(&[StatusCode::OK])?;
            let body = answer.json()?;
            tags.extend(
                body["tags"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(str::to_owned),
            );
            location = answer.header("link").ok().and_then(|link| {
                let (_, after) = link.split_once('<')?;
                Some(after.split_once('>')?.0.to_owned())
            });
        }
        Ok(tags)
    }

    /// The descriptors of what refers to a manifest.
    pub async fn referrers(&self, repository: &str, digest: &str) -> Result<Vec<Value>> {
        let answer = self
            .send("GET", &format!("/v2/{repository}/referrers/{digest}"))
            .await?;
        let body = answer.expect(&[StatusCode::OK])?.json()?;
        Ok(body["manifests"].as_array().cloned().unwrap_or_default())
    }
}
