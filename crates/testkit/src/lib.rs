//! Starts the real server, the real services around it and real clients, for tests.
//!
//! Everything listens on loopback, on a port that no other test uses, and lives in a folder of its
//! own; everything is ended by its own process id when its handle is dropped. A service or client
//! that is not installed is an [`Error::Missing`] that says how to install it: a test fails then, it
//! does not pass silently. Waiting is for a condition, with a deadline ([`patience`]), never for a
//! length of time.
//!
//! ```no_run
//! use pierhead_testkit::{Client, Engine, Image, Pierhead};
//!
//! # async fn example() -> Result<(), pierhead_testkit::Error> {
//! let mut server = Pierhead::start(Engine::PostgreSql).await?;
//! let owner = server.initialize("devel").await?;
//! let client = Client::new(&server, Some(&owner));
//! let image = Image::build(1, &[4096, 100]);
//! client.push_image("devel/hello", "latest", &image).await?;
//! assert_eq!(client.get_manifest("devel/hello", "latest").await?.bytes, image.manifest.bytes);
//! server.stop().await
//! # }
//! ```

mod api_client;
mod client;
mod containerd;
mod dataset;
mod deadline;
mod docker;
mod error;
mod event_stream;
mod fixtures;
mod http;
mod metrics;
mod pgbouncer;
mod pierhead;
mod port;
mod postgres;
mod process;
mod proxy;
mod redis;
mod sandbox;
mod smtp;
mod tool;

pub use api_client::ApiClient;
pub use client::{Client, Credentials, Manifest, Response, Upload};
pub use containerd::Containerd;
pub use dataset::Dataset;
pub use deadline::{eventually, patience};
pub use docker::Docker;
pub use error::Error;
pub use event_stream::EventStream;
pub use fixtures::{Blob, Image, Index, Layout, digest_of, media_types, pseudorandom};
pub use metrics::Metrics;
pub use pgbouncer::PgBouncer;
pub use pierhead::{Builder, Engine, Pierhead};
pub use port::Port;
pub use postgres::{Database, Durability, Postgres};
pub use proxy::Proxy;
pub use redis::{Redis, RedisOptions};
pub use sandbox::Sandbox;
pub use smtp::{Mail, Smtp};
pub use tool::{Output, Tool};

/// What the kit's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
