//! Signatures of OAuth 1.0a (RFC 5849) with HMAC-SHA1, in the header `Authorization`.

use aws_lc_rs::hmac;
use axum::http::{HeaderValue, Method};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pierhead_auth::Clock;
use pierhead_config::Secret;
use pierhead_db::encoding::random;
use url::Url;

use super::{HostError, Result};

/// Everything but RFC 3986's unreserved characters is encoded (RFC 5849 §3.6).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Characters of a nonce.
const NONCE: usize = 32;

/// A pair that a service gave: a token, and the secret to sign with.
#[derive(Clone, Debug)]
pub(crate) struct TokenPair {
    pub(crate) token: String,
    pub(crate) secret: Secret,
}

/// Signs requests of a consumer.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    pub(crate) consumer_key: String,
    pub(crate) consumer_secret: Secret,
    /// On whose behalf, if on anybody's.
    pub(crate) pair: Option<TokenPair>,
    pub(crate) clock: Clock,
}

impl Signer {
    /// The value of `Authorization` for a request whose body is no form. `more` are further parameters of the protocol.
    pub(crate) fn authorization(
        &self,
        method: &Method,
        url: &Url,
        more: &[(&str, &str)],
    ) -> Result<HeaderValue> {
        let nonce = random::token(NONCE)
            .map_err(|_| HostError::Failed("No request could be signed".to_owned()))?;
        let timestamp = self.clock.unix().to_string();
        let mut parameters = vec![
            ("oauth_consumer_key", &*self.consumer_key),
            ("oauth_nonce", &*nonce),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", &*timestamp),
            ("oauth_version", "1.0"),
        ];
        if let Some(pair) = &self.pair {
            parameters.push(("oauth_token", &*pair.token));
        }
        parameters.extend_from_slice(more);
        let secret = self.pair.as_ref().map(|pair| pair.secret.expose());
        let key = format!(
            "{}&{}",
            encode(self.consumer_secret.expose()),
            encode(secret.unwrap_or_default())
        );
        let signature = sign(&key, &base_string(method, url, &parameters));
        parameters.push(("oauth_signature", &signature));
        let listed: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!(r#"{name}="{}""#, encode(value)))
            .collect();
        let mut value = HeaderValue::try_from(format!("OAuth {}", listed.join(", ")))
            .map_err(|_| HostError::Failed("No request could be signed".to_owned()))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// What is signed (§3.4.1): the method, the address, and every parameter in order.
fn base_string(method: &Method, url: &Url, parameters: &[(&str, &str)]) -> String {
    let mut pairs: Vec<(String, String)> = parameters
        .iter()
        .map(|(name, value)| (encode(name), encode(value)))
        .chain(
            url.query_pairs()
                .map(|(name, value)| (encode(&name), encode(&value))),
        )
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let address = format!("{}{}", url.origin().ascii_serialization(), url.path());
    format!("{method}&{}&{}", encode(&address), encode(&pairs.join("&")))
}

fn sign(key: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_example_of_the_rfc_is_signed_as_there() {
        let url = Url::parse("http://photos.example.net/photos?file=vacation.jpg&size=original");
        let parameters = [
            ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
            ("oauth_token", "nnch734d00sl2jdk"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131202"),
            ("oauth_nonce", "chapoH"),
        ];
        let base = base_string(&Method::GET, &url.unwrap(), &parameters);
        assert_eq!(
            sign("kd94hf93k423kf44&pfkkdhi9sl3r4s00", &base),
            "MdpQcU8iPSUjWoN/UDMsK2sui9I="
        );
    }

    #[test]
    fn an_address_is_signed_without_its_query_and_with_its_port() {
        let url = Url::parse("https://Example.com:8443/a%20b?z=1&a=%26").unwrap();
        assert_eq!(
            base_string(&Method::POST, &url, &[("oauth_nonce", "n")]),
            "POST&https%3A%2F%2Fexample.com%3A8443%2Fa%2520b&a%3D%2526%26oauth_nonce%3Dn%26z%3D1"
        );
        let plain = Url::parse("https://example.com:443/").unwrap();
        let base = base_string(&Method::GET, &plain, &[]);
        assert_eq!(base, "GET&https%3A%2F%2Fexample.com%2F&");
    }

    #[test]
    fn a_signature_is_made_once_and_never_printed() {
        let signer = Signer {
            consumer_key: "key".to_owned(),
            consumer_secret: Secret::new("hidden"),
            pair: None,
            clock: Clock::system(),
        };
        let url = Url::parse("https://example.com/").unwrap();
        let sign = || signer.authorization(&Method::GET, &url, &[]).unwrap();
        assert_ne!(sign(), sign());
        assert!(
            sign()
                .to_str()
                .unwrap()
                .starts_with(r#"OAuth oauth_consumer_key="key", "#)
        );
        assert!(!format!("{signer:?}{:?}", sign()).contains("hidden"));
    }
}
