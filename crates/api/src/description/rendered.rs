//! The descriptions as they are sent. They depend on nothing but the configuration, and making one costs some ten milliseconds
//! and megabytes, for anybody who asks; so each is made once, when it is asked for first, and kept compressed (some 70 KB for
//! all).
//!
//! Where nobody configured a host name, a description names the host by which it was asked for: there a mark stands in its
//! place while it is kept.

use std::io::{Read as _, Write as _};

use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use crate::config::ApiConfig;
use crate::error::{Error, Result};
use crate::state::Api;
use crate::{controllers, description, hex, json};

/// What stands in the place of the host name. No host is called so.
const HOST: &str = "host-that-was-asked.invalid";

/// Which description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Swagger 2.0; with what is internal, or without.
    Swagger { internal: bool },
    /// OpenAPI 3.1.
    OpenApi,
}

impl Kind {
    fn make(self, api: &Api, config: &ApiConfig) -> Value {
        let routes = controllers::routes();
        match self {
            Self::Swagger { internal } => {
                let settings = api.config();
                let terms = settings.ui.footer_links.get("TERMS_OF_SERVICE_URL");
                let publisher = description::Publisher {
                    email: &settings.mail.mail_default_sender,
                    terms: terms.and_then(Option::as_deref).unwrap_or_default(),
                };
                description::swagger(&routes, config, publisher, internal, |route| {
                    route.is_served(api)
                })
            }
            Self::OpenApi => description::openapi(&routes, config, |route| route.is_served(api)),
        }
    }
}

/// All descriptions that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    swagger: OnceCell<Kept>,
    internal_swagger: OnceCell<Kept>,
    openapi: OnceCell<Kept>,
}

/// One, compressed.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) gzip: Bytes,
    etag: HeaderValue,
}

impl Rendered {
    pub(super) async fn get(&self, api: &Api, kind: Kind) -> Result<&Kept> {
        let place = match kind {
            Kind::Swagger { internal: false } => &self.swagger,
            Kind::Swagger { internal: true } => &self.internal_swagger,
            Kind::OpenApi => &self.openapi,
        };
        place
            .get_or_try_init(async || {
                let api = api.clone();
                tokio::task::spawn_blocking(move || Kept::make(&api, kind))
                    .await
                    .unwrap_or_else(|error| {
                        let text = format!("a description was not made: {error}");
                        Err(Error::Internal(text))
                    })
            })
            .await
    }
}

impl Kept {
    fn make(api: &Api, kind: Kind) -> Result<Self> {
        let mut config = api.0.config.clone();
        if config.any_host {
            HOST.clone_into(&mut config.hostname);
        }
        let text = json::text(&kind.make(api, &config))?;
        let written = |error: std::io::Error| Error::Internal(format!("gzip: {error}"));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&text).map_err(written)?;
        let gzip = encoder.finish().map_err(written)?;
        let hash = hex::encode(&Sha256::digest(&text)[..16]);
        let etag = HeaderValue::try_from(format!("W/\"{hash}\""))
            .map_err(|error| Error::Internal(format!("a tag of a description: {error}")))?;
        Ok(Self {
            gzip: gzip.into(),
            etag,
        })
    }

    fn text(&self) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        GzDecoder::new(&*self.gzip)
            .read_to_end(&mut text)
            .map_err(|error| Error::Internal(format!("gzip: {error}")))?;
        Ok(text)
    }
}

/// The answer with a description, for a client that sent these headers.
pub(crate) async fn answer(api: &Api, kind: Kind, headers: &HeaderMap) -> Result<Response> {
    let kept = api.descriptions().get(api, kind).await?;
    let common = [
        (ETAG, kept.etag.clone()),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (VARY, HeaderValue::from_static("accept-encoding")),
    ];
    let known = headers.get(IF_NONE_MATCH);
    if known.is_some_and(|known| names(known, &kept.etag)) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    if !api.0.config.any_host && takes_gzip(headers) {
        let gzip = [(CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
        return Ok((common, json, gzip, kept.gzip.clone()).into_response());
    }
    let mut text = kept.text()?;
    if api.0.config.any_host {
        let host = &api.0.config.seen_with(headers).hostname;
        // JSON is UTF-8. A host name has no character that JSON would escape.
        text = String::from_utf8_lossy(&text)
            .replace(HOST, host)
            .into_bytes();
    }
    Ok((common, json, text).into_response())
}

/// Whether `If-None-Match` has this tag.
fn names(known: &HeaderValue, etag: &HeaderValue) -> bool {
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    match (known.to_str(), etag.to_str()) {
        (Ok(known), Ok(etag)) => known
            .split(',')
            .any(|tag| tag.trim() == "*" || weak(tag) == weak(etag)),
        _ => false,
    }
}

/// Whether the client says that it takes gzip.
fn takes_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let named = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            named && weight.is_none_or(|q| q.parse::<f32>().is_ok_and(|q| q > 0.0))
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;
    use crate::testing::Fixture;

    const PATHS: [&str; 3] = [
        "/api/v1/openapi.json",
        "/api/v1/discovery",
        "/api/v1/discovery?internal=true",
    ];

    async fn ask(fixture: &Fixture, path: &str, header: (&str, &str)) -> (HeaderMap, u16, Bytes) {
        let request = Request::get(path).header(header.0, header.1);
        let request = request.body(Body::empty()).unwrap();
        let answer = fixture.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.headers, parts.status.as_u16(), body)
    }

    #[tokio::test]
    async fn a_description_is_made_once_and_kept_small() {
        let fixture = Fixture::new().await;
        let kinds = [
            Kind::OpenApi,
            Kind::Swagger { internal: false },
            Kind::Swagger { internal: true },
        ];
        let mut bytes = 0;
        for (path, kind) in PATHS.into_iter().zip(kinds) {
            let first = fixture.get(path).await;
            let rendered = fixture.api.descriptions();
            let kept = rendered
                .get(&fixture.api, kind)
                .await
                .unwrap()
                .gzip
                .as_ptr();
            let second = fixture.get(path).await;
            assert_eq!(first.body, second.body);
            let again = rendered.get(&fixture.api, kind).await.unwrap();
            assert_eq!(again.gzip.as_ptr(), kept, "{path} was made again");
            bytes += again.gzip.len();
        }
        assert!(bytes < 160 * 1024, "{bytes}");
    }

    #[tokio::test]
    async fn who_has_a_description_is_told_so_and_who_takes_gzip_gets_it() {
        let fixture = Fixture::new().await;
        for path in PATHS {
            let (headers, status, plain) = ask(&fixture, path, ("accept", "*/*")).await;
            assert_eq!((status, headers.get(CONTENT_ENCODING)), (200, None));
            let etag = headers[ETAG].to_str().unwrap();
            let (_, status, body) = ask(&fixture, path, ("if-none-match", etag)).await;
            assert_eq!((status, body.len()), (304, 0));
            let other = ask(&fixture, path, ("if-none-match", "\"other\"")).await;
            assert_eq!(other.1, 200);
            let accept = ("accept-encoding", "br, gzip;q=0.5");
            let (headers, _, small) = ask(&fixture, path, accept).await;
            assert_eq!(headers[CONTENT_ENCODING], "gzip");
            let mut text = Vec::new();
            GzDecoder::new(&*small).read_to_end(&mut text).unwrap();
            assert_eq!(text, plain, "{path}");
            let refused = ask(&fixture, path, ("accept-encoding", "gzip;q=0")).await;
            assert_eq!(refused.0.get(CONTENT_ENCODING), None);
        }
    }

    #[tokio::test]
    async fn where_nobody_configured_a_host_it_is_the_one_that_was_asked() {
        let fixture = Fixture::with(|config| config.any_host = true).await;
        for host in ["localhost:8080", "registry.lan"] {
            let (headers, _, body) = ask(&fixture, PATHS[0], ("host", host)).await;
            assert_eq!(headers[CONTENT_TYPE], "application/json");
            let document: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(document["servers"][0]["url"], format!("https://{host}"));
            let (_, _, body) = ask(&fixture, PATHS[1], ("host", host)).await;
            let document: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(document["host"], *host);
            assert!(!document.to_string().contains(HOST));
        }
    }
}
