//! Keys that are accepted without a typed field, and why.

/// Keys that exist in Quay's configuration and have no meaning here, with the reason.
pub const IGNORED: &[(&str, &str)] = &[
    ("PROPAGATE_EXCEPTIONS", FLASK),
    ("APPLICATION_ROOT", FLASK),
    ("USE_X_SENDFILE", FLASK),
    ("SESSION_REFRESH_EACH_REQUEST", FLASK),
    ("TRAP_HTTP_EXCEPTIONS", FLASK),
    ("EXPLAIN_TEMPLATE_LOADING", FLASK),
    ("MAX_COOKIE_SIZE", FLASK),
    ("DB_TRANSACTION_FACTORY", INTERNAL),
    ("STATUS_TAGS", INTERNAL),
    ("HTTPCLIENT", INTERNAL),
    ("CHANNEL_COLORS", PALETTE),
    ("AVATAR_COLORS", PALETTE),
    ("SECURITY_SCANNER_ENDPOINT", CLAIR_V2),
    ("SECURITY_SCANNER_NOTIFICATIONS", CLAIR_V2),
    ("SECURITY_SCANNER_V4_NAMESPACE_WHITELIST", CLAIR_V2),
    ("TUF_HOST", TUF_PROXY),
    ("FEATURE_BILLING", QUAY_IO),
    ("BILLING_TYPE", QUAY_IO),
    ("STRIPE_SECRET_KEY", QUAY_IO),
    ("BILLED_NAMESPACE_MAXIMUM_BUILD_COUNT", QUAY_IO),
    ("THREAT_NAMESPACE_MAXIMUM_BUILD_COUNT", QUAY_IO),
    ("IP_DATA_API_KEY", QUAY_IO),
    ("FEATURE_RH_MARKETPLACE", QUAY_IO),
    ("FEATURE_ENTITLEMENT_RECONCILIATION", QUAY_IO),
    ("ENTITLEMENT_RECONCILIATION_USER_ENDPOINT", QUAY_IO),
    ("ENTITLEMENT_RECONCILIATION_MARKETPLACE_ENDPOINT", QUAY_IO),
    ("RECONCILIATION_FREQUENCY", QUAY_IO),
    ("FEATURE_EXPORT_COMPLIANCE", QUAY_IO),
    ("EXPORT_COMPLIANCE_ENDPOINT", QUAY_IO),
    ("GOOGLE_ANALYTICS_KEY", QUAY_IO),
    ("GOOGLE_TAGMANAGER_KEY", QUAY_IO),
    ("CLOUDWATCH_AWS_ACCESS_KEY", QUAY_IO),
    ("CLOUDWATCH_AWS_SECRET_KEY", QUAY_IO),
    ("ANALYTICS_TYPE", QUAY_IO),
    ("FEATURE_ACI_CONVERSION", OLD),
    ("V3_UPGRADE_MODE", OLD),
    ("SYSTEM_SERVICES_PATH", OLD),
    ("SYSTEM_SERVICE_BLACKLIST", OLD),
    ("GITLAB_TRIGGER_KIND", OLD),
    ("CREATE_REPOSITORY_ON_PUSH_PUBLIC", OLD),
];

const FLASK: &str = "a setting of Flask, the web framework that Quay uses";
const INTERNAL: &str = "an object inside Quay's process, not a setting";
const PALETTE: &str = "a fixed palette that cannot be changed";
const CLAIR_V2: &str = "of Clair before version 4, which no supported release uses";
const TUF_PROXY: &str =
    "of a proxy to the server of trust metadata, which clients reach by its own address here";
const QUAY_IO: &str = "used by quay.io only";
const OLD: &str = "of older releases; no longer read";
