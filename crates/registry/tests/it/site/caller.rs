//! Somebody who calls the registry, with a token or without.

use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tower::ServiceExt as _;

use super::{Answer, Image, Site, digest_of};

#[derive(Clone)]
pub(crate) struct Caller<'s> {
    pub(crate) site: &'s Site,
    pub(crate) token: Option<String>,
}

impl<'s> Caller<'s> {
    pub(crate) fn new(site: &'s Site, token: Option<String>) -> Self {
        Self { site, token }
    }

    /// The same caller at another registry.
    pub(crate) fn at(&self, site: &'s Site) -> Self {
        Self::new(site, self.token.clone())
    }

    /// A request that is ready to be sent.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Request<Body> {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body.into()).unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let router = self.site.router.clone();
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        self.send(self.request(method, path, headers, body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], "").await
    }

    pub(crate) async fn head(&self, path: &str) -> Answer {
        self.call("HEAD", path, &[], "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        self.call("POST", path, &[], "").await
    }

    pub(crate) async fn put(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.call("PUT", path, &[], body).await
    }

    /// `PATCH` with the range of the body, if it is given where it starts.
    pub(crate) async fn patch(&self, path: &str, start: Option<usize>, body: &[u8]) -> Answer {
        let range = start.map(|start| format!("{start}-{}", start + body.len() - 1));
        let headers: Vec<_> = range
            .iter()
            .map(|range| ("content-range", &**range))
            .collect();
        self.call("PATCH", path, &headers, Bytes::copy_from_slice(body))
            .await
    }

    /// Asks for a token.
    pub(crate) async fn token(&self, login: Option<(&str, &str)>, scopes: &[String]) -> Answer {
        let mut path = "/v2/auth?service=registry.test".to_owned();
        for scope in scopes {
            path.push_str("&scope=");
            path.extend(utf8_percent_encode(scope, NON_ALPHANUMERIC));
        }
        let basic = login.map(|(name, password)| {
            format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
        });
        let headers: Vec<_> = basic
            .iter()
            .map(|basic| ("authorization", &**basic))
            .collect();
        Caller::new(self.site, None)
            .call("GET", &path, &headers, "")
            .await
    }

    /// Begins an upload; returns its path.
    pub(crate) async fn start_upload(&self, repository: &str) -> String {
        let path = format!("/v2/{repository}/blobs/uploads/");
        self.post(&path).await.expect(202).location()
    }

    /// Pushes a blob with one request; returns its digest.
    pub(crate) async fn push_blob(&self, repository: &str, content: &[u8]) -> String {
        let digest = digest_of(content);
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        self.call("POST", &path, &[], Bytes::copy_from_slice(content))
            .await
            .expect(201);
        digest
    }

    pub(crate) async fn push_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        manifest: &str,
    ) -> Answer {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let headers = [("content-type", media_type)];
        self.call("PUT", &path, &headers, manifest.to_owned()).await
    }

    /// Pushes an image with its blobs; returns its digest.
    pub(crate) async fn push_image(
        &self,
        repository: &str,
        reference: &str,
        image: &Image,
    ) -> String {
        for blob in &image.blobs {
            self.push_blob(repository, blob).await;
        }
        self.push_manifest(repository, reference, &image.media_type, &image.manifest)
            .await
            .expect(201);
        image.digest()
    }
}
