//! What `GET /config` may publish: the feature flags, and the settings on Quay's list. Nothing else.

use serde_json::{Map, Value, json};

use crate::config::Config;

/// The settings that Quay publishes to anyone, in its order.
const PUBLISHED: &[&str] = &[
    "SERVER_HOSTNAME",
    "PREFERRED_URL_SCHEME",
    "MIXPANEL_KEY",
    "STRIPE_PUBLISHABLE_KEY",
    "ENTERPRISE_LOGO_URL",
    "ENTERPRISE_LOGO_URL_DARK",
    "SENTRY_PUBLIC_DSN",
    "AUTHENTICATION_TYPE",
    "REGISTRY_TITLE",
    "REGISTRY_TITLE_SHORT",
    "CONTACT_INFO",
    "AVATAR_KIND",
    "LOCAL_OAUTH_HANDLER",
    "SETUP_COMPLETE",
    "DEBUG",
    "MARKETO_MUNCHKIN_ID",
    "STATIC_SITE_BUCKET",
    "RECAPTCHA_SITE_KEY",
    "CHANNEL_COLORS",
    "TAG_EXPIRATION_OPTIONS",
    "INTERNAL_OIDC_SERVICE_ID",
    "SEARCH_RESULTS_PER_PAGE",
    "SEARCH_MAX_RESULT_PAGE_COUNT",
    "BRANDING",
    "DOCUMENTATION_ROOT",
    "FEATURE_REPO_MIRROR",
    "FEATURE_ORG_MIRROR",
    "FEATURE_QUOTA_MANAGEMENT",
    "FEATURE_QUOTA_NOTIFICATIONS",
    "FEATURE_EDIT_QUOTA",
    "FEATURE_PROXY_CACHE",
    "QUOTA_BACKFILL",
    "PERMANENTLY_DELETE_TAGS",
    "UI_V2_FEEDBACK_FORM",
    "FOOTER_LINKS",
    "UI_DELAY_AFTER_WRITE_SECONDS",
    "FEATURE_ASSIGN_OAUTH_TOKEN",
    "FEATURE_IMAGE_EXPIRY_TRIGGER",
    "FEATURE_AUTO_PRUNE",
    "DEFAULT_NAMESPACE_AUTOPRUNE_POLICY",
    "DEFAULT_UI",
    "DISABLE_ANGULAR_UI",
    "ROBOTS_DISALLOW",
    "FEATURE_IMMUTABLE_TAGS_CAN_EXPIRE",
];

/// Of those, the ones that Quay's defaults have as null, and that it publishes so.
const NULL_BY_DEFAULT: &[&str] = &[
    "SENTRY_PUBLIC_DSN",
    "STATIC_SITE_BUCKET",
    "RECAPTCHA_SITE_KEY",
    "UI_V2_FEEDBACK_FORM",
    "DEFAULT_NAMESPACE_AUTOPRUNE_POLICY",
];

/// Settings and features that Quay's defaults do not have: it publishes them where they are configured.
const ONLY_IF_GIVEN: &[&str] = &[
    "SETUP_COMPLETE",
    "ROBOTS_DISALLOW",
    "FEATURE_LDAP_CACHING",
    "FEATURE_LISTEN_IP_VERSION",
    "FEATURE_PROXY_PROTOCOL",
    "FEATURE_UI_V2_REPO_SETTINGS",
];

/// Features of quay.io, which are off everywhere else.
const OF_QUAY_IO: &[&str] = &[
    "BILLING",
    "ENTITLEMENT_RECONCILIATION",
    "EXPORT_COMPLIANCE",
    "RH_MARKETPLACE",
];

impl Config {
    /// `{"config": …, "features": …}` of `GET /config`. Features go by their names without
    /// `FEATURE_`; settings that are null are left out unless Quay has them so, inside maps too.
    pub fn published(&self) -> Value {
        let mut shown = self.show();
        shown.retain(|key, _| !ONLY_IF_GIVEN.contains(&key.as_str()) || self.is_given(key));
        let mut settings = Map::new();
        for key in PUBLISHED {
            let value = match shown.get(*key) {
                Some(value) if !value.is_null() => without_nulls(value),
                _ if NULL_BY_DEFAULT.contains(key) => Value::Null,
                // A switch of the framework that Quay is made with.
                _ if *key == "DEBUG" => Value::Bool(false),
                _ => continue,
            };
            settings.insert((*key).to_owned(), value);
        }
        brand(&mut settings);
        let mut features: Map<String, Value> = shown
            .iter()
            .filter(|(_, value)| !value.is_null())
            .filter_map(|(key, value)| {
                Some((key.strip_prefix("FEATURE_")?.to_owned(), value.clone()))
            })
            .collect();
        for name in OF_QUAY_IO {
            features.insert((*name).to_owned(), Value::Bool(false));
        }
        for (name, on) in &self.unknown_features {
            features.insert(name.clone(), Value::from(*on));
        }
        json!({"config": settings, "features": features})
    }
}

/// The logos of the older settings take the place of those of `BRANDING`, which is what a console looks at.
fn brand(settings: &mut Map<String, Value>) {
    let Some(logo) = settings.get("ENTERPRISE_LOGO_URL").cloned() else {
        return;
    };
    let dark = settings.get("ENTERPRISE_LOGO_URL_DARK").cloned();
    let branding = settings.entry("BRANDING").or_insert_with(|| json!({}));
    branding["logo"] = logo;
    if let Some(dark) = dark {
        branding["logo_dark"] = dark;
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
        ),
        plain => plain.clone(),
    }
}
