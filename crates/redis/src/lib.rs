//! How a Redis server is reached: TCP or TLS, sign-in, database, and a limit on everything that waits.
//!
//! Why a room of its own: several rooms use Redis for different things, and each must reach it as the configuration says
//! (config.md §5.1), never wait for it without a bound, and never print its password. What is kept or published there is
//! theirs to know.
//!
//! The protocol is the `redis` crate's. The connection below it is made here and not there, because the crate knows neither
//! the authorities of an installation nor what redis-py's `ssl_*` arguments mean.
//!
//! Invariants: nothing is reconnected behind the back of a caller: a connection that failed is dropped, and the caller says
//! when the next one is made. Errors name the server by its address and hold no credential.

mod commands;
mod error;
mod server;
mod stream;
mod subscriber;
#[cfg(test)]
mod tests;
mod tls;

pub use commands::Commands;
pub use error::{Error, SetupError};
pub use server::{Redis, RedisSettings};
pub use subscriber::{Message, Subscriber};
pub use tls::{RedisTls, Verify};

/// What the room's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
