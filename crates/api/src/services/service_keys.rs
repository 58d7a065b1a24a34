//! What the configuration says about keys of services.

use chrono::TimeDelta;
use pierhead_auth::accounts::ServiceKeysPolicy;
use pierhead_db::UserId;

use crate::state::Api;

/// Longer times are as good as this one, and dates that far away can still be computed.
const CENTURY: TimeDelta = TimeDelta::days(36_525);

/// The settings that the rules of service keys depend on.
pub(crate) fn policy(api: &Api) -> ServiceKeysPolicy {
    let config = api.config();
    let seconds = |seconds: u64| {
        let seconds = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
        seconds.map_or(CENTURY, |ttl| ttl.min(CENTURY))
    };
    ServiceKeysPolicy {
        expired_ttl: seconds(config.keys.expired_service_key_ttl_sec),
        unapproved_ttl: seconds(config.keys.unapproved_service_key_ttl_sec),
        superusers: config.users.super_users.clone(),
        log_account: config
            .users
            .service_log_account_id
            .and_then(|id| i32::try_from(id).ok())
            .map(UserId),
    }
}
