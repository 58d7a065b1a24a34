//! `DATA_MODEL_CACHE_CONFIG`.

use serde_json::{Value, json};

use crate::byte_size::ByteSize;
use crate::duration::Duration;
use crate::field::{Mark, choice, object, options};
use crate::problem::{At, Found, Sink};
use crate::redis::{RedisConnection, RedisNode};
use crate::secret::Secret;
use crate::setting::Setting;

choice! {
    /// Where rows are cached.
    CacheEngine {
        /// Nowhere.
        Noop = "noop",
        /// In the process.
        InMemory = "inmemory",
        /// In memcached.
        Memcached = "memcached",
        /// In Redis.
        Redis = "redis",
        /// In a Redis cluster.
        RedisCluster = "rediscluster",
    }
}

/// The address of memcached, `[host, port]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemcachedEndpoint {
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Setting for MemcachedEndpoint {
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let Some([host, port]) = value.as_array().map(Vec::as_slice) else {
            sink.problem(at, Found::value(value), Self::kind());
            return None;
        };
        let host = String::read(host, &at.index(0), sink);
        let port = u16::read(port, &at.index(1), sink);
        Some(Self {
            host: host?,
            port: port?,
        })
    }

    fn show(&self) -> Value {
        json!([self.host, self.port])
    }

    fn kind() -> String {
        "list of host and port".to_owned()
    }
}

object! {
    /// `redis_config`: with engine `redis` a primary and perhaps a replica, with `rediscluster` the
    /// nodes of the cluster.
    RedisCacheConfig {
        /// Server for everything (engine `redis`).
        primary => primary: Option<RedisConnection> = None;
        /// Server for reads (engine `redis`).
        replica => replica: Option<RedisConnection> = None;
        /// Nodes to find the cluster by (engine `rediscluster`).
        startup_nodes => startup_nodes: Vec<RedisNode> = Vec::new();
        /// User name (engine `rediscluster`).
        username => username: Option<String> = None;
        /// Password (engine `rediscluster`).
        password => password: Option<Secret> = None;
        /// Use TLS (engine `rediscluster`).
        ssl => ssl: bool = false;
        /// Check of the server's certificate: `none`, `optional` or `required`.
        ssl_cert_reqs => ssl_cert_reqs: Option<String> = None;
        /// CA file.
        ssl_ca_certs => ssl_ca_certs: Option<String> = None;
        /// Client certificate file.
        ssl_certfile => ssl_certfile: Option<String> = None;
        /// Client key file.
        ssl_keyfile => ssl_keyfile: Option<String> = None;
        /// The certificate must be for this host.
        ssl_check_hostname => ssl_check_hostname: Option<bool> = None;
        /// Read from replicas (engine `rediscluster`).
        read_from_replicas => read_from_replicas: bool = false;
        /// Old name of `read_from_replicas`.
        readonly_mode => readonly_mode: Option<bool> = None, Mark::Deprecated("use read_from_replicas");
        /// Do not insist that the nodes cover every slot (engine `rediscluster`).
        skip_full_coverage_check => skip_full_coverage_check: bool = false;
    }
}

options! {
    /// `DATA_MODEL_CACHE_CONFIG`. A map in `config.yaml` replaces Quay's default map as a whole.
    CacheConfig {
        /// Where rows are cached.
        engine => engine: CacheEngine = CacheEngine::Noop;
        /// Address of memcached.
        endpoint => endpoint: Option<MemcachedEndpoint> = None;
        /// Seconds that memcached may take to answer.
        timeout => timeout: Option<f64> = None;
        /// Seconds to wait for a connection to memcached.
        connect_timeout => connect_timeout: Option<f64> = None;
        /// Give the database connection back before memcached is asked.
        predisconnect_from_db => predisconnect_from_db: bool = false, Mark::Ignored("connections are not held while waiting");
        /// Largest value that is stored in memcached.
        value_size_limit => value_size_limit: ByteSize = ByteSize::mebibytes(1);
        /// Redis servers.
        redis_config => redis_config: Option<RedisCacheConfig> = None;
        /// Life of cached blobs of a repository.
        repository_blob_cache_ttl => repository_blob_cache_ttl: Duration = Duration::seconds(60);
        /// Life of cached catalog pages.
        catalog_page_cache_ttl => catalog_page_cache_ttl: Duration = Duration::seconds(60);
        /// Life of cached tag lists.
        active_repo_tags_cache_ttl => active_repo_tags_cache_ttl: Duration = Duration::seconds(120);
        /// Life of cached repositories.
        repository_lookup_cache_ttl => repository_lookup_cache_ttl: Duration = Duration::seconds(120);
        /// Life of cached manifests.
        repository_manifest_cache_ttl => repository_manifest_cache_ttl: Duration = Duration::seconds(300);
        /// Life of cached security reports.
        security_report_cache_ttl => security_report_cache_ttl: Duration = Duration::seconds(300);
        /// Life of cached referrers.
        manifest_referrers_cache_ttl => manifest_referrers_cache_ttl: Duration = Duration::seconds(60);
    }
}

impl RedisCacheConfig {
    /// Whether reads go to replicas of the cluster, by either of its keys.
    pub fn reads_from_replicas(&self) -> bool {
        self.read_from_replicas || self.readonly_mode == Some(true)
    }
}

impl CacheConfig {
    /// Quay's default: the memcached of its container.
    pub(crate) fn container() -> Self {
        Self {
            engine: CacheEngine::Memcached,
            endpoint: Some(MemcachedEndpoint {
                host: "127.0.0.1".to_owned(),
                port: 18_080,
            }),
            ..Self::default()
        }
    }
}
