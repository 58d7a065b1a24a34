//! How the registry that is mirrored is reached: `external_registry_config`, a JSON object of which only what is given is
//! stored.

use pierhead_db::encoding::json_text;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::body;

/// How the registry is reached.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub(crate) struct RegistryConfig {
    /// Whether its certificate must be valid.
    #[serde(
        default,
        deserialize_with = "body::present",
        skip_serializing_if = "Option::is_none"
    )]
    verify_tls: Option<bool>,
    /// Whether images without a signature are taken.
    #[serde(
        default,
        deserialize_with = "body::present",
        skip_serializing_if = "Option::is_none"
    )]
    unsigned_images: Option<bool>,
    /// Through what.
    #[serde(
        default,
        deserialize_with = "body::present",
        skip_serializing_if = "Option::is_none"
    )]
    proxy: Option<RegistryProxy>,
}

/// Proxies of a run, as the environment variables of that name.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub(crate) struct RegistryProxy {
    /// `HTTP_PROXY`.
    #[serde(
        default,
        rename = "http_proxy",
        deserialize_with = "body::nullable",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    http: Option<Option<String>>,
    /// `HTTPS_PROXY`.
    #[serde(
        default,
        rename = "https_proxy",
        deserialize_with = "body::nullable",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    https: Option<Option<String>>,
    /// `NO_PROXY`.
    #[serde(
        default,
        rename = "no_proxy",
        deserialize_with = "body::nullable",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    exempt: Option<Option<String>>,
}

impl RegistryConfig {
    /// Puts what is given into a stored object; returns its text, and each field that was given with its value.
    ///
    /// # Errors
    /// When the stored text is no object.
    pub(crate) fn merge_into(&self, stored: &str) -> Result<(String, Vec<(&'static str, Value)>)> {
        let mut config: Map<String, Value> = json_text::read(Some(stored))?;
        let mut changes = Vec::new();
        for (key, value) in [
            ("verify_tls", self.verify_tls),
            ("unsigned_images", self.unsigned_images),
        ] {
            if let Some(value) = value {
                config.insert(key.to_owned(), json!(value));
                changes.push((key, json!(value)));
            }
        }
        if let Some(proxy) = &self.proxy {
            for (key, value) in [
                ("http_proxy", &proxy.http),
                ("https_proxy", &proxy.https),
                ("no_proxy", &proxy.exempt),
            ] {
                if let Some(value) = value {
                    let proxies = config.entry("proxy").or_insert_with(|| json!({}));
                    if !proxies.is_object() {
                        *proxies = json!({});
                    }
                    proxies[key] = json!(value);
                    changes.push((key, json!(value)));
                }
            }
        }
        Ok((json_text::write(&config)?, changes))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_what_is_given_is_stored() {
        let config: RegistryConfig =
            serde_json::from_value(json!({ "verify_tls": false, "proxy": { "no_proxy": null } }))
                .unwrap();
        assert_eq!(
            serde_json::to_value(&config).unwrap(),
            json!({ "verify_tls": false, "proxy": { "no_proxy": null } })
        );
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let change: RegistryConfig = serde_json::from_value(
            json!({ "unsigned_images": true, "proxy": { "http_proxy": "http://p:1" } }),
        )
        .unwrap();
        let stored = r#"{"verify_tls": true, "own": 1, "proxy": {"no_proxy": "x"}}"#;
        let (text, changes) = change.merge_into(stored).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!({
                "verify_tls": true,
                "own": 1,
                "proxy": { "no_proxy": "x", "http_proxy": "http://p:1" },
                "unsigned_images": true,
            })
        );
        assert_eq!(
            changes,
            [
                ("unsigned_images", json!(true)),
                ("http_proxy", json!("http://p:1"))
            ]
        );
        let (text, _) = change.merge_into("").unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!({ "unsigned_images": true, "proxy": { "http_proxy": "http://p:1" } })
        );
    }
}
