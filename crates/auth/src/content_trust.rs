//! Tokens with which this registry asks the server of trust metadata (`TUF_SERVER`) about the signed tags of a repository, in
//! the form of Quay's: a registry token for the repository's name there, on behalf of nobody.

use pierhead_config::Secret;
use serde_json::json;

use crate::auth::Auth;
use crate::claims::{TRUST_ROOT, TRUST_ROOTS, TrustRoot};
use crate::credential::ANONYMOUS_SUBJECT;
use crate::service_keys::SigningError;

/// `pierhead.use` of these tokens: they open nothing here.
const TRUST_USE: &str = "trust";

impl Auth {
    /// A token for the trust metadata of `name`: to read it (`pull`), or to do anything with it (`*`).
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn trust_token(&self, name: &str, action: &str) -> Result<Secret, SigningError> {
        let inner = &self.inner;
        let signer = TrustRoot::Signer.as_str();
        let body = json!({
            "iss": inner.keys.service(),
            "aud": inner.config.server_hostname,
            "sub": ANONYMOUS_SUBJECT,
            "access": [{ "type": "repository", "name": name, "actions": [action] }],
            "context": { TRUST_ROOTS: { name: signer }, TRUST_ROOT: signer },
            "pierhead": { "use": TRUST_USE },
        });
        let signed = self.sign(&body.to_string(), inner.clock.monotonic_ms())?;
        Ok(Secret::new(&*signed.token))
    }
}
