//! Connections to Redis.

use crate::field::{object, options};
use crate::secret::Secret;

options! {
    /// One Redis server.
    RedisConnection {
        /// Host.
        host => host: String = "localhost".into();
        /// Port.
        port => port: u16 = 6379;
        /// User name.
        username => username: Option<String> = None;
        /// Password.
        password => password: Option<Secret> = None;
        /// Number of the database.
        db => db: u32 = 0;
        /// Use TLS.
        ssl => ssl: bool = false;
        /// Client key file.
        ssl_keyfile => ssl_keyfile: Option<String> = None;
        /// Client certificate file.
        ssl_certfile => ssl_certfile: Option<String> = None;
        /// Check of the server's certificate: `none`, `optional` or `required`.
        ssl_cert_reqs => ssl_cert_reqs: Option<String> = None;
        /// CA file.
        ssl_ca_certs => ssl_ca_certs: Option<String> = None;
        /// Directory of CA files.
        ssl_ca_path => ssl_ca_path: Option<String> = None;
        /// CA certificates in PEM form.
        ssl_ca_data => ssl_ca_data: Option<String> = None;
        /// The certificate must be for this host.
        ssl_check_hostname => ssl_check_hostname: Option<bool> = None;
    }
}

object! {
    /// A node to find a Redis cluster by.
    RedisNode {
        /// Host.
        host => host: String;
        /// Port.
        port => port: u16 = 6379;
    }
}

impl RedisConnection {
    /// A server of which only the host is known.
    pub(crate) fn of_host(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            ..Self::default()
        }
    }
}
