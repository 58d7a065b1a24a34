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
];

const FLASK: &str = "a setting of Flask, the web framework that Quay uses";
const INTERNAL: &str = "an object inside Quay's process, not a setting";
