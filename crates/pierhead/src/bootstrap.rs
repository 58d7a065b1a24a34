//! The token of programmatic bootstrap, at each start: made if the feature is on, revoked if it was switched off.
//!
//! As in Quay, a registry that cannot make the token serves all the same; the log says why.

use chrono::Duration;
use pierhead_auth::accounts::{Accounts, Bootstrap, Provisioned};
use pierhead_config::Config;
use pierhead_config::sections::keys::RegistryState;

const FEATURE: &str = "FEATURE_PROGRAMMATIC_BOOTSTRAP";

/// Makes or revokes the token, as the configuration says.
pub(crate) async fn set_up(config: &Config, accounts: &Accounts) {
    if config.keys.registry_state == RegistryState::ReadOnly || !config.is_given(FEATURE) {
        return;
    }
    let tokens = &config.tokens;
    if !tokens.feature_programmatic_bootstrap {
        match accounts
            .revoke_bootstrap(&tokens.bootstrap_token_path)
            .await
        {
            Ok(()) => tracing::debug!("{FEATURE} is off: there is no bootstrap token"),
            Err(error) => tracing::error!(%error, "the bootstrap token could not be revoked"),
        }
        return;
    }
    if tokens.programmatic_token_k8s_secret.is_some() {
        tracing::warn!(
            "PROGRAMMATIC_TOKEN_K8S_SECRET is not supported: the bootstrap token is written to BOOTSTRAP_TOKEN_PATH"
        );
    }
    let Some(bootstrap) = settings(config) else {
        tracing::error!(
            "{FEATURE} is on, but BOOTSTRAP_TOKEN_OWNER is not set or not one of SUPER_USERS: no bootstrap token is made"
        );
        return;
    };
    match accounts.provision_bootstrap(&bootstrap).await {
        Ok(Provisioned::Made) => {
            tracing::info!(path = %bootstrap.path.display(), "made the bootstrap token");
        }
        Ok(Provisioned::AlreadyThere) => tracing::info!("there is a bootstrap token already"),
        Ok(Provisioned::NoOwner) => tracing::error!(
            owner = bootstrap.owner,
            "BOOTSTRAP_TOKEN_OWNER is no user: no bootstrap token is made before the next start"
        ),
        Err(error) => tracing::error!(%error, "no bootstrap token was made"),
    }
}

fn settings(config: &Config) -> Option<Bootstrap> {
    let tokens = &config.tokens;
    let owner = tokens.bootstrap_token_owner.clone()?;
    config
        .users
        .super_users
        .contains(&owner)
        .then(|| Bootstrap {
            owner,
            scope: tokens.bootstrap_token_scope.clone(),
            lifetime: Duration::seconds(tokens.bootstrap_token_expiration.into()),
            path: tokens.bootstrap_token_path.clone(),
        })
}
