//! Content trust: where the metadata of signed tags is kept.

use crate::field::{Mark, section};
use crate::network::HttpUrl;

section! {
    /// Content trust.
    Signing {
        /// Repositories can have content trust: their tags are signed with metadata of The Update Framework (TUF).
        FEATURE_SIGNING => feature_signing: bool = false;
        /// URL of the server that keeps the metadata.
        TUF_SERVER => tuf_server: Option<HttpUrl> = None;
        /// What comes before the name of a repository there; `SERVER_HOSTNAME` if it is not set.
        TUF_GUN_PREFIX => tuf_gun_prefix: Option<String> = None;
        /// Seconds that the server may take for an answer.
        TUF_API_TIMEOUT_SECONDS => tuf_api_timeout_seconds: u32 = 1, Mark::Undocumented;
        /// URLs of servers that are read from while it does not answer.
        TUF_READONLY_FAILOVER_ENDPOINTS => tuf_readonly_failover_endpoints: Vec<HttpUrl> = Vec::new(), Mark::Undocumented;
    }
}
