use serde_json::json;

use super::Bundle;

#[test]
fn published_are_features_and_the_settings_on_the_list() {
    let published = Bundle::minimal_and(
        "
FEATURE_REPO_MIRROR: true
FEATURE_FROM_THE_FUTURE: 'true'
FEATURE_LISTEN_IP_VERSION: IPv6
REGISTRY_TITLE: Harbour
SUPER_USERS: [admin]
BRANDING: {logo: /logo.svg}
",
    )
    .load()
    .config
    .published();
    assert_eq!(published["features"]["REPO_MIRROR"], json!(true));
    assert_eq!(published["features"]["FROM_THE_FUTURE"], json!(true));
    assert_eq!(published["features"]["LISTEN_IP_VERSION"], json!("IPv6"));
    assert_eq!(published["features"]["MAILING"], json!(false));
    assert_eq!(published["features"]["BILLING"], json!(false));
    // Quay's defaults do not have it.
    assert_eq!(published["features"].get("PROXY_PROTOCOL"), None);
    let config = published["config"].as_object().unwrap();
    assert_eq!(config["RECAPTCHA_SITE_KEY"], json!(null));
    assert_eq!(config.get("ROBOTS_DISALLOW"), None);
    assert_eq!(config["REGISTRY_TITLE"], json!("Harbour"));
    assert_eq!(config["BRANDING"], json!({"logo": "/logo.svg"}));
    assert_eq!(
        config["TAG_EXPIRATION_OPTIONS"],
        json!(["0s", "1d", "1w", "2w", "4w"])
    );
    assert_eq!(config["FEATURE_REPO_MIRROR"], json!(true));
    insta::assert_json_snapshot!(config.keys().collect::<Vec<_>>());
}

#[test]
fn red_hat_quay_in_the_environment_changes_the_title() {
    let title = |environment: &[(&str, &str)], yaml: &str| {
        let bundle = Bundle::minimal_and(yaml);
        crate::Config::load(&bundle.sources(environment))
            .unwrap()
            .config
            .ui
            .registry_title
    };
    assert_eq!(title(&[], ""), "Project Quay");
    assert_eq!(title(&[("RED_HAT_QUAY", "1")], ""), "Red Hat Quay");
    assert_eq!(
        title(&[("RED_HAT_QUAY", "1")], "REGISTRY_TITLE: Mine"),
        "Mine"
    );
}
