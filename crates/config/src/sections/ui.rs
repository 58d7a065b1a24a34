//! The console.

use std::collections::BTreeMap;

use crate::field::{Mark, choice, options, section};

const QUAY_IO: &str = "used by quay.io only";

options! {
    /// `BRANDING`: pictures and links of the console; absent ones are the product's own.
    Branding {
        /// Logo.
        logo => logo: Option<String> = None;
        /// Logo on dark ground.
        logo_dark => logo_dark: Option<String> = None;
        /// Picture at the bottom.
        footer_img => footer_img: Option<String> = None;
        /// Link of that picture.
        footer_url => footer_url: Option<String> = None;
    }
}

choice! {
    /// The console that is shown.
    DefaultUi {
        /// The newer one.
        React = "react",
        /// The older one.
        Angular = "angular",
    }
}

section! {
    /// Console and branding.
    Ui {
        /// Title; `Red Hat Quay` if the environment has `RED_HAT_QUAY`.
        REGISTRY_TITLE => registry_title: String = "Project Quay".into();
        /// Short title.
        REGISTRY_TITLE_SHORT => registry_title_short: String = "Project Quay".into();
        /// Pictures and links of the console.
        BRANDING => branding: Branding = Branding::default();
        /// Older key of the logo.
        ENTERPRISE_LOGO_URL => enterprise_logo_url: Option<String> = None;
        /// Older key of the logo on dark ground.
        ENTERPRISE_LOGO_URL_DARK => enterprise_logo_url_dark: Option<String> = None;
        /// Links at the bottom: `TERMS_OF_SERVICE_URL`, `PRIVACY_POLICY_URL`, `SECURITY_URL`, `ABOUT_URL`.
        FOOTER_LINKS => footer_links: BTreeMap<String, Option<String>> = BTreeMap::new();
        /// Where the manual is.
        DOCUMENTATION_ROOT => documentation_root: String = "https://docs.projectquay.io/".into();
        /// The newer console.
        FEATURE_UI_V2 => feature_ui_v2: bool = true;
        /// The console that is shown first.
        DEFAULT_UI => default_ui: DefaultUi = DefaultUi::React;
        /// Switch the older console off.
        DISABLE_ANGULAR_UI => disable_angular_ui: bool = false, Mark::Since("3.16");
        /// Link to a form for opinions.
        UI_V2_FEEDBACK_FORM => ui_v2_feedback_form: Option<String> = None;
        /// Settings of repositories in the newer console.
        FEATURE_UI_V2_REPO_SETTINGS => feature_ui_v2_repo_settings: Option<bool> = None, Mark::Ignored("always on");
        /// Show model cards.
        FEATURE_UI_MODELCARD => feature_ui_modelcard: bool = true;
        /// Artifact type that has a model card.
        UI_MODELCARD_ARTIFACT_TYPE => ui_modelcard_artifact_type: String = "application/x-mlmodel".into();
        /// Annotations of a manifest that has a model card.
        UI_MODELCARD_ANNOTATION => ui_modelcard_annotation: BTreeMap<String, String> = BTreeMap::new();
        /// Annotations of the layer that is the model card.
        UI_MODELCARD_LAYER_ANNOTATION => ui_modelcard_layer_annotation: BTreeMap<String, String> =
            BTreeMap::from([("org.opencontainers.image.title".into(), "README.md".into())]);
        /// Wait after a change, because a read replica lags.
        FEATURE_UI_DELAY_AFTER_WRITE => feature_ui_delay_after_write: bool = false;
        /// Seconds of that wait.
        UI_DELAY_AFTER_WRITE_SECONDS => ui_delay_after_write_seconds: u32 = 3;
        /// Mixpanel's key.
        MIXPANEL_KEY => mixpanel_key: Option<String> = None, Mark::Ignored(QUAY_IO);
        /// Marketo's id.
        MARKETO_MUNCHKIN_ID => marketo_munchkin_id: Option<String> = None, Mark::Ignored(QUAY_IO);
        /// Stripe's public key.
        STRIPE_PUBLISHABLE_KEY => stripe_publishable_key: Option<String> = None, Mark::Ignored(QUAY_IO);
        /// Bucket of static files.
        STATIC_SITE_BUCKET => static_site_bucket: Option<String> = None, Mark::Ignored(QUAY_IO);
    }
}
