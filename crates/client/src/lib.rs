//! Requests that leave this server for an address that somebody else chose.
//!
//! Two parts: [`AddressGuard`] decides which hosts may be reached, and [`Client`] sends requests to
//! those and to no others, each with a time limit and a largest answer. A URL is looked at twice:
//! when somebody configures it ([`AddressGuard::check_url`], [`AddressGuard::resolve_url`]), so that
//! they are told at once, and when it is called, where the connection is made to exactly the
//! addresses that were checked. What a name resolves to in between does not matter.

mod addresses;
mod client;
mod error;
mod guard;
mod lookup;
mod reference;
mod refused;
mod resolver;
mod transport;

pub use bytes::Bytes;
pub use client::{Answer, Client, Limits, Outgoing};
pub use error::Error;
pub use guard::AddressGuard;
pub use lookup::{Lookup, SystemLookup};
pub use refused::Refused;
pub use transport::Transport;
