//! Mirroring and the proxy cache.

use crate::field::{Mark, section};
use crate::network::AllowedHost;

section! {
    /// Mirroring of repositories and organizations.
    Mirroring {
        /// Mirror repositories; also allows changing a repository's state.
        FEATURE_REPO_MIRROR => feature_repo_mirror: bool = false;
        /// Seconds between two rounds of the mirroring worker.
        REPO_MIRROR_INTERVAL => repo_mirror_interval: u32 = 30;
        /// Host that the worker pushes to; by default `SERVER_HOSTNAME`.
        REPO_MIRROR_SERVER_HOSTNAME => repo_mirror_server_hostname: Option<String> = None;
        /// Verify the certificate of that host.
        REPO_MIRROR_TLS_VERIFY => repo_mirror_tls_verify: bool = true;
        /// Restore the tags after a failed run.
        REPO_MIRROR_ROLLBACK => repo_mirror_rollback: bool = false;
        /// Tags restored at once.
        REPO_MIRROR_TAG_ROLLBACK_PAGE_SIZE => repo_mirror_tag_rollback_page_size: u32 = 100, Mark::Undocumented;
        /// Largest image index in bytes.
        REPO_MIRROR_MAX_MANIFEST_LIST_SIZE => repo_mirror_max_manifest_list_size: u64 = 10_485_760, Mark::Since("3.17");
        /// Most entries of an image index.
        REPO_MIRROR_MAX_MANIFEST_ENTRIES => repo_mirror_max_manifest_entries: u32 = 1000, Mark::Since("3.17");
        /// Number of workers that the mirror health check expects.
        REPO_MIRROR_WORKER_REPLICAS => repo_mirror_worker_replicas: Option<u32> = None, Mark::Since("3.18");
        /// Accept an image index some of whose manifests are absent.
        FEATURE_SPARSE_INDEX => feature_sparse_index: bool = false, Mark::Since("3.17");
        /// Mirror organizations.
        FEATURE_ORG_MIRROR => feature_org_mirror: bool = false, Mark::Since("3.17");
        /// Seconds between two rounds of that worker.
        ORG_MIRROR_INTERVAL => org_mirror_interval: u32 = 30, Mark::Since("3.17");
        /// Seconds that finding the repositories may take.
        ORG_MIRROR_MAX_DISCOVERY_DURATION => org_mirror_max_discovery_duration: u32 = 1800, Mark::Since("3.17");
        /// Repositories of one round.
        ORG_MIRROR_BATCH_SIZE => org_mirror_batch_size: u32 = 100, Mark::Since("3.17");
        /// Seconds that one synchronisation may take.
        ORG_MIRROR_MAX_SYNC_DURATION => org_mirror_max_sync_duration: u32 = 3600, Mark::Since("3.17");
        /// Seconds that one copy may take.
        ORG_MIRROR_DEFAULT_SKOPEO_TIMEOUT => org_mirror_default_skopeo_timeout: u32 = 300, Mark::Since("3.17");
        /// Seconds that one request for repositories may take.
        ORG_MIRROR_DISCOVERY_TIMEOUT => org_mirror_discovery_timeout: u32 = 600, Mark::Since("3.17");
        /// Most repositories of one organization.
        ORG_MIRROR_MAX_REPOS_PER_ORG => org_mirror_max_repos_per_org: u32 = 10_000, Mark::Since("3.17");
        /// Most attempts for one repository.
        ORG_MIRROR_MAX_RETRIES => org_mirror_max_retries: u32 = 3, Mark::Since("3.17");
        /// Hosts and networks that mirroring, the proxy cache and callbacks may reach although their address is private.
        SSRF_ALLOWED_HOSTS => ssrf_allowed_hosts: Vec<AllowedHost> = Vec::new(), Mark::Since("3.17");
    }
}

section! {
    /// Proxy cache.
    ProxyCache {
        /// Organizations that pull through from another registry.
        FEATURE_PROXY_CACHE => feature_proxy_cache: bool = false;
        /// Fetch blobs in the background.
        FEATURE_PROXY_CACHE_BLOB_DOWNLOAD => feature_proxy_cache_blob_download: bool = true, Mark::Undocumented;
        /// Name of the queue of such blobs.
        PROXY_CACHE_BLOB_QUEUE_NAME => proxy_cache_blob_queue_name: String = "proxycacheblob".into();
    }
}
