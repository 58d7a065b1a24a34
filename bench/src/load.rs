//! The client side: a load generator that takes as little CPU as it can, because client and
//! server share the machine.
//!
//! Every connection is one blocking thread with a keep-alive HTTP/1.1 connection: no runtime, no
//! futures, one `write` and one or two `read`s for an ordinary request.

pub(crate) mod client;
pub(crate) mod connection;
pub(crate) mod content;
pub(crate) mod measure;
pub(crate) mod message;
