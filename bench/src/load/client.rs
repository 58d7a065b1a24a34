//! The registry operations that the rows are made of, as real clients send them, with the answer
//! of each one checked.

use std::net::SocketAddr;

use super::connection::Connection;
use super::content::{Blob, Image, MANIFEST_TYPE, Manifest};
use super::message::{Body, Request, Response};
use crate::error::Error;

/// How a blob's content travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upload {
    /// `POST`, then one `PUT` with the content: what the OCI specification calls monolithic.
    Put,
    /// `POST`, `PATCH` with the content, `PUT` without: what docker, podman and skopeo do.
    Patch,
}

/// A client of one registry: one connection and the authorization of one scope.
#[derive(Debug)]
pub(crate) struct Client {
    connection: Connection,
    authorization: Option<String>,
}

impl Client {
    /// Connects to a registry.
    pub(crate) fn open(address: SocketAddr, authorization: Option<String>) -> Result<Self, Error> {
        Ok(Self {
            connection: Connection::open(address)?,
            authorization,
        })
    }

    /// Sends one request, and fails unless the answer has this status.
    pub(crate) fn expect(
        &mut self,
        status: u16,
        request: Request<'_>,
        body: Body,
    ) -> Result<Response, Error> {
        let request = Request {
            authorization: self.authorization.as_deref(),
            ..request
        };
        let response = self.connection.exchange(&request, body)?;
        if response.status == status {
            return Ok(response);
        }
        Err(Error::Answer {
            target: format!("{} {}", request.method, request.target),
            expected: format!("status {status}"),
            got: format!(
                "status {} {}",
                response.status,
                String::from_utf8_lossy(&response.body[..response.body.len().min(300)])
            ),
        })
    }

    /// `GET` of a path that must answer 200.
    pub(crate) fn get(&mut self, target: &str, body: Body) -> Result<Response, Error> {
        self.expect(200, Request::new("GET", target), body)
    }

    /// Fetches a manifest by tag or digest and checks its digest.
    pub(crate) fn get_manifest(
        &mut self,
        repository: &str,
        reference: &str,
        expected: &Manifest,
    ) -> Result<(), Error> {
        let target = format!("/v2/{repository}/manifests/{reference}");
        let request = Request {
            accept: Some(MANIFEST_TYPE),
            ..Request::new("GET", &target)
        };
        let response = self.expect(200, request, Body::Discard)?;
        let right = response.digest.as_deref() == Some(expected.digest.as_str())
            && response.length == expected.bytes.len() as u64;
        check(right, &target, &expected.digest, || {
            format!("{:?}, {} bytes", response.digest, response.length)
        })
    }

    /// Pushes a manifest under a tag.
    pub(crate) fn put_manifest(
        &mut self,
        repository: &str,
        tag: &str,
        manifest: &Manifest,
    ) -> Result<(), Error> {
        let target = format!("/v2/{repository}/manifests/{tag}");
        let request = Request {
            content_type: Some(MANIFEST_TYPE),
            body: &[&manifest.bytes],
            ..Request::new("PUT", &target)
        };
        self.expect(201, request, Body::Keep).map(|_| ())
    }

    /// Fetches a blob and checks its length; its content is thrown away.
    pub(crate) fn get_blob(&mut self, repository: &str, blob: &Blob) -> Result<(), Error> {
        let target = format!("/v2/{repository}/blobs/{}", blob.digest);
        let response = self.get(&target, Body::Discard)?;
        let length = blob.length();
        check(response.length == length, &target, &length, || {
            format!("{} bytes", response.length)
        })
    }

    /// Fetches a blob and compares every byte.
    pub(crate) fn verify_blob(&mut self, repository: &str, blob: &Blob) -> Result<(), Error> {
        let target = format!("/v2/{repository}/blobs/{}", blob.digest);
        let response = self.get(&target, Body::Keep)?;
        let [base, ending] = blob.parts();
        let right = response.body.strip_prefix(base) == Some(ending);
        check(right, &target, &"the pushed bytes", || {
            format!("{} other bytes", response.body.len())
        })
    }

    /// Pushes a blob.
    pub(crate) fn push_blob(
        &mut self,
        repository: &str,
        blob: &Blob,
        upload: Upload,
    ) -> Result<(), Error> {
        let target = format!("/v2/{repository}/blobs/uploads/");
        let opened = self.expect(202, Request::new("POST", &target), Body::Keep)?;
        let mut location = upload_target(opened, &target)?;
        let parts = blob.parts();
        let mut content: &[&[u8]] = &parts;
        if upload == Upload::Patch {
            let patch = Request {
                content_type: Some("application/octet-stream"),
                body: content,
                ..Request::new("PATCH", &location)
            };
            let patched = self.expect(202, patch, Body::Keep)?;
            location = upload_target(patched, &location)?;
            content = &[];
        }
        let separator = if location.contains('?') { '&' } else { '?' };
        let target = format!("{location}{separator}digest={}", blob.digest);
        let put = Request {
            content_type: Some("application/octet-stream"),
            body: content,
            ..Request::new("PUT", &target)
        };
        self.expect(201, put, Body::Keep).map(|_| ())
    }

    /// Pushes an image as skopeo does: ask for each blob, push what is missing, then the manifest.
    pub(crate) fn push_image(
        &mut self,
        repository: &str,
        tag: &str,
        image: &Image,
    ) -> Result<(), Error> {
        for blob in [&image.layer, &image.config] {
            let target = format!("/v2/{repository}/blobs/{}", blob.digest);
            self.expect(404, Request::new("HEAD", &target), Body::Discard)?;
            self.push_blob(repository, blob, Upload::Patch)?;
        }
        self.put_manifest(repository, tag, &image.manifest)
    }

    /// Pulls an image: manifest by tag, configuration, layer.
    pub(crate) fn pull_image(
        &mut self,
        repository: &str,
        tag: &str,
        image: &Image,
    ) -> Result<(), Error> {
        self.get_manifest(repository, tag, &image.manifest)?;
        self.get_blob(repository, &image.config)?;
        self.get_blob(repository, &image.layer)
    }
}

fn check(
    right: bool,
    target: &str,
    expected: &dyn std::fmt::Display,
    got: impl FnOnce() -> String,
) -> Result<(), Error> {
    if right {
        return Ok(());
    }
    Err(Error::Answer {
        target: target.to_owned(),
        expected: expected.to_string(),
        got: got(),
    })
}

/// Path and query of the upload that the server named; it may be a whole URL.
fn upload_target(response: Response, target: &str) -> Result<String, Error> {
    let location = response.location.ok_or_else(|| Error::Answer {
        target: target.to_owned(),
        expected: "a Location header".to_owned(),
        got: "none".to_owned(),
    })?;
    Ok(path_of(&location).to_owned())
}

/// A URL without scheme and authority.
pub(crate) fn path_of(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://") else {
        return url;
    };
    rest.find('/').map_or("/", |start| &rest[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_may_be_a_path_or_a_whole_url() {
        assert_eq!(
            path_of("/v2/a/blobs/uploads/1?x=y"),
            "/v2/a/blobs/uploads/1?x=y"
        );
        assert_eq!(
            path_of("http://127.0.0.1:5000/v2/a?b=http://c"),
            "/v2/a?b=http://c"
        );
        assert_eq!(path_of("http://127.0.0.1:5000"), "/");
    }
}
