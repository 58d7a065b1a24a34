//! HTTP clients of servers on this machine.

use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;

/// A client that goes through no proxy, and lets idle connections go before the servers do: what is sent into a connection that
/// is being closed fails.
pub(crate) fn client(redirects: Policy) -> Client {
    let builder = Client::builder()
        .no_proxy()
        .pool_idle_timeout(Duration::from_secs(30))
        .redirect(redirects);
    // Without TLS settings of ours there is nothing that could fail.
    builder.build().unwrap_or_default()
}
