//! Arguments of the drivers that keep blobs in S3 and send readers to a CDN.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{StorageDriver, read_driver};
use crate::field::{Object, object, warn_unknown};
use crate::problem::{At, Found, Sink};
use crate::secret::Secret;
use crate::setting::{Opaque, Setting, as_map};

object! {
    /// What `CloudFrontedS3Storage` takes beside the arguments of S3.
    CloudFrontArgs {
        /// Domain of the distribution.
        cloudfront_distribution_domain => cloudfront_distribution_domain: String;
        /// Id of the signing key.
        cloudfront_key_id => cloudfront_key_id: String;
        /// File of the signing key in the configuration directory.
        cloudfront_privatekey_filename => cloudfront_privatekey_filename: String;
        /// Domains of single namespaces.
        cloudfront_distribution_org_overrides => cloudfront_distribution_org_overrides: BTreeMap<String, String> = BTreeMap::new();
    }
}

object! {
    /// What `CloudFlareStorage` takes beside the arguments of S3.
    CloudFlareArgs {
        /// Domain of the CDN.
        cloudflare_domain => cloudflare_domain: String;
        /// File of the signing key in the configuration directory.
        cloudflare_privatekey_filename => cloudflare_privatekey_filename: String;
    }
}

object! {
    /// What `AkamaiS3Storage` takes beside the arguments of S3.
    AkamaiArgs {
        /// Domain of the CDN.
        akamai_domain => akamai_domain: String;
        /// Secret that signs URLs.
        akamai_shared_secret => akamai_shared_secret: Secret;
    }
}

object! {
    /// One element of `MultiCDNStorage.rules`: the first rule whose given keys all match wins.
    MultiCdnRule {
        /// Namespace that is read.
        namespace => namespace: Option<String> = None;
        /// Continent of the reader.
        continent => continent: Option<String> = None;
        /// Host that the reader asked.
        host => host: Option<String> = None;
        /// Provider to use.
        target => target: String;
    }
}

object! {
    /// `MultiCDNStorage`, as written.
    MultiCdnArgs {
        /// Arguments shared by all providers.
        storage_config => storage_config: Opaque;
        /// Providers by name, each `[driver, {arguments}]` with one of the three CDN drivers.
        providers => providers: Opaque;
        /// Provider that is used when no rule matches.
        default_provider => default_provider: String;
        /// Rules, in order.
        rules => rules: Vec<MultiCdnRule> = Vec::new();
    }
}

/// `MultiCDNStorage`, with the shared arguments given to each provider.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiCdn {
    /// The providers by name.
    pub providers: BTreeMap<String, StorageDriver>,
    /// The provider that is used when no rule matches.
    pub default_provider: String,
    /// The rules, in order.
    pub rules: Vec<MultiCdnRule>,
}

impl MultiCdn {
    /// Reads the arguments of the driver.
    pub(super) fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let map = as_map(value, at, sink)?;
        let fields = MultiCdnArgs::fields();
        warn_unknown(
            map,
            |key| fields.iter().any(|field| field.key == key),
            at,
            sink,
        );
        let args = MultiCdnArgs::read_fields(map, at, sink)?;
        let shared = as_map(&args.storage_config.0, &at.child("storage_config"), sink)?;
        let place = at.child("providers");
        let mut providers = BTreeMap::new();
        let mut complete = true;
        for (name, provider) in as_map(&args.providers.0, &place, sink)? {
            match read_provider(provider, shared, &place.child(name), sink) {
                Some(driver) => {
                    providers.insert(name.clone(), driver);
                }
                None => complete = false,
            }
        }
        if !complete {
            return None;
        }
        let known = |name: &str, place: &At, sink: &mut Sink| {
            let found = providers.contains_key(name);
            if !found {
                sink.problem(place, Found::text(name), "the name of a provider");
            }
            found
        };
        let mut valid = known(&args.default_provider, &at.child("default_provider"), sink);
        for (index, rule) in args.rules.iter().enumerate() {
            let place = at.child("rules").index(index).child("target");
            valid &= known(&rule.target, &place, sink);
        }
        valid.then_some(Self {
            providers,
            default_provider: args.default_provider,
            rules: args.rules,
        })
    }

    /// The driver as it may be printed.
    pub(super) fn show(&self) -> Value {
        let mut out = Map::new();
        out.insert("providers".to_owned(), self.providers.show());
        out.insert(
            "default_provider".to_owned(),
            Value::from(self.default_provider.as_str()),
        );
        out.insert("rules".to_owned(), self.rules.show());
        Value::Object(out)
    }
}

fn read_provider(
    value: &Value,
    shared: &Map<String, Value>,
    at: &At,
    sink: &mut Sink,
) -> Option<StorageDriver> {
    let cdn = [
        "CloudFrontedS3Storage",
        "CloudFlareStorage",
        "AkamaiS3Storage",
    ];
    match value.as_array().map(Vec::as_slice) {
        Some([Value::String(name), Value::Object(own)]) if cdn.contains(&name.as_str()) => {
            let mut args = shared.clone();
            args.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
            read_driver(name, &Value::Object(args), &at.index(1), sink)
        }
        _ => {
            sink.problem(
                at,
                Found::kind(value),
                format!(
                    "a list of two: one of {} and a map of its arguments",
                    cdn.join(", ")
                ),
            );
            None
        }
    }
}
