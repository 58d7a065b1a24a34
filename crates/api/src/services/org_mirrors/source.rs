//! Asking the registry that an organization mirrors whether it answers, lets us in, and has the namespace. Calls and words
//! are those of Quay's adapters (`util/orgmirror`).

use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pierhead_client::{AddressGuard, Client, Limits, Outgoing, Transport};
use pierhead_db::UserId;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::json_text;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{REFUSED, RegistryType, find_in};
use crate::error::Result;
use crate::state::Api;

/// What stands for itself in one part of a path.
const PATH_PART: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What came of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Verified {
    /// Whether the registry can be mirrored.
    success: bool,
    /// For people.
    message: String,
}

impl Verified {
    fn failed(message: impl Into<String>) -> Self {
        Self {
            success: false,
            message: message.into(),
        }
    }

    fn good() -> Self {
        Self {
            success: true,
            message: "Connection successful".to_owned(),
        }
    }
}

/// How the registry is reached, as far as it is understood here.
#[derive(Debug, Default, Deserialize)]
struct Config {
    verify_tls: Option<bool>,
    proxy: Option<Proxies>,
}

#[derive(Debug, Default, Deserialize)]
struct Proxies {
    #[serde(rename = "http_proxy")]
    http: Option<String>,
    #[serde(rename = "https_proxy")]
    https: Option<String>,
    #[serde(rename = "no_proxy")]
    exempt: Option<String>,
}

/// Tries the registry of a mirror.
///
/// # Errors
/// 404 when the organization is no mirror. What the registry says is no error.
pub(crate) async fn verify(api: &Api, organization: UserId) -> Result<Verified> {
    let mirror = {
        let mut conn = api.accounts().read().await?;
        find_in(&mut conn, organization).await?
    };
    let open = |column, stored: Option<&str>| {
        stored
            .map(|stored| api.cipher().decrypt(column, stored))
            .transpose()
    };
    let username = mirror.external_registry_username.as_deref();
    let password = mirror.external_registry_password.as_deref();
    let (Ok(username), Ok(password)) = (
        open(EncryptedColumn::ORG_MIRROR_USERNAME, username),
        open(EncryptedColumn::ORG_MIRROR_PASSWORD, password),
    ) else {
        let message = "Failed to decrypt source registry credentials";
        return Ok(Verified::failed(message));
    };
    let guard = AddressGuard::public_only(&api.config().mirroring.ssrf_allowed_hosts);
    if guard
        .resolve_url(&mirror.external_registry_url)
        .await
        .is_err()
    {
        return Ok(Verified::failed("The provided URL is not allowed"));
    }
    let config: Config =
        json_text::read(Some(&mirror.external_registry_config)).unwrap_or_default();
    let limits = Limits {
        redirects: 0,
        ..Limits::default()
    };
    let client = match Client::with_transport(guard, limits, &transport(config)) {
        Ok(client) => client,
        Err(error) => return Ok(failure(&error)),
    };
    let (username, password) = (
        username
            .as_ref()
            .map(pierhead_db::encoding::Plaintext::expose),
        password
            .as_ref()
            .map(pierhead_db::encoding::Plaintext::expose),
    );
    let source = Source {
        client,
        url: mirror.external_registry_url.trim_end_matches('/'),
        namespace: &mirror.external_namespace,
        authorization: match RegistryType::of(mirror.external_registry_type) {
            RegistryType::Harbor => basic(username, password),
            RegistryType::Quay => {
                password.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok())
            }
        },
    };
    let outcome = match RegistryType::of(mirror.external_registry_type) {
        RegistryType::Harbor => source.try_harbor().await,
        RegistryType::Quay => source.try_quay().await,
    };
    Ok(outcome.unwrap_or_else(|error| failure(&error)))
}

/// A registry that is being tried.
struct Source<'a> {
    client: Client,
    url: &'a str,
    namespace: &'a str,
    authorization: Option<HeaderValue>,
}

impl Source<'_> {
    async fn try_harbor(&self) -> Result<Verified, pierhead_client::Error> {
        let namespace = self.namespace;
        Ok(match self.get("/api/v2.0/projects/", true).await? {
            StatusCode::OK => Verified::good(),
            StatusCode::UNAUTHORIZED => Verified::failed("Authentication failed"),
            StatusCode::FORBIDDEN => Verified::failed("Access forbidden - check permissions"),
            StatusCode::NOT_FOUND => Verified::failed(format!("Project '{namespace}' not found")),
            other => unexpected(other),
        })
    }

    /// A Quay tells everybody of its organizations, so the token is tried by itself first.
    async fn try_quay(&self) -> Result<Verified, pierhead_client::Error> {
        if self.authorization.is_some() {
            let status = self.get("/api/v1/user/", false).await?;
            let message = match status {
                StatusCode::OK => None,
                StatusCode::UNAUTHORIZED => {
                    Some("Authentication failed: invalid API token or credentials".to_owned())
                }
                StatusCode::FORBIDDEN => {
                    Some("Authentication failed: insufficient permissions".to_owned())
                }
                status if status.is_redirection() => Some(format!(
                    "Registry returned redirect ({}) during auth check",
                    status.as_u16()
                )),
                status => Some(format!(
                    "Unexpected response ({}) during auth check",
                    status.as_u16()
                )),
            };
            if let Some(message) = message {
                return Ok(Verified::failed(message));
            }
        }
        let status = match self.get("/api/v1/organization/", true).await? {
            StatusCode::NOT_FOUND => self.get("/api/v1/users/", true).await?,
            status => status,
        };
        let namespace = self.namespace;
        Ok(match status {
            StatusCode::OK => Verified::good(),
            StatusCode::UNAUTHORIZED => Verified::failed("Authentication failed"),
            StatusCode::NOT_FOUND => Verified::failed(format!("Namespace '{namespace}' not found")),
            other => unexpected(other),
        })
    }

    /// The status of a path of the registry's API, with the namespace behind it.
    async fn get(
        &self,
        path: &str,
        of_namespace: bool,
    ) -> Result<StatusCode, pierhead_client::Error> {
        let namespace = utf8_percent_encode(self.namespace, PATH_PART);
        let url = if of_namespace {
            format!("{}{path}{namespace}", self.url)
        } else {
            format!("{}{path}", self.url)
        };
        let mut outgoing = Outgoing::get(url);
        if let Some(value) = &self.authorization {
            let mut value = value.clone();
            value.set_sensitive(true);
            outgoing = outgoing.header(AUTHORIZATION, value);
        }
        Ok(self.client.send(outgoing).await?.status)
    }
}

fn transport(config: Config) -> Transport {
    let proxy = config.proxy.unwrap_or_default();
    let given = |url: Option<String>| url.filter(|url| !url.is_empty());
    Transport {
        any_certificate: !config.verify_tls.unwrap_or(true),
        http_proxy: given(proxy.http),
        https_proxy: given(proxy.https),
        no_proxy: given(proxy.exempt),
        ..Transport::default()
    }
}

fn basic(username: Option<&str>, password: Option<&str>) -> Option<HeaderValue> {
    let encoded = STANDARD.encode(format!("{}:{}", username?, password?));
    HeaderValue::try_from(format!("Basic {encoded}")).ok()
}

fn unexpected(status: StatusCode) -> Verified {
    Verified::failed(format!("Unexpected response: {}", status.as_u16()))
}

/// In Quay's words; how the inner network is built is not told.
fn failure(error: &pierhead_client::Error) -> Verified {
    use pierhead_client::Error;
    Verified::failed(match error {
        error if error.is_blocked() => REFUSED.to_owned(),
        Error::TimedOut { .. } => "Connection timed out".to_owned(),
        error if let Some(tls) = error.tls() => format!("SSL error: {tls}"),
        error => format!("Connection error: {error}"),
    })
}
