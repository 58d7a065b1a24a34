//! A person as superusers are told about them: in lists of people, and as who approved a service key.

use std::collections::HashMap;

use pierhead_auth::accounts::ManagedAccount;
use pierhead_db::UserId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Result;
use crate::state::Api;
use crate::views::avatar::{Avatar, Of};
use crate::views::quota::NamespaceQuotas;

/// A person.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SuperuserUserView {
    /// `user`.
    #[schema(value_type = String)]
    kind: &'static str,
    name: String,
    username: String,
    email: String,
    verified: bool,
    avatar: Avatar,
    super_user: bool,
    global_readonly_super_user: bool,
    enabled: bool,
    #[serde(flatten)]
    quotas: Option<NamespaceQuotas>,
    /// After the password was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encrypted_password: Option<String>,
}

impl SuperuserUserView {
    /// A person with what their namespace holds.
    pub(crate) fn of(api: &Api, account: ManagedAccount, quotas: Option<NamespaceQuotas>) -> Self {
        let config = api.auth().config();
        Self {
            kind: "user",
            avatar: api.avatar(Of::User, &account.username, Some(&account.email)),
            super_user: config.is_listed_as_superuser(&account.username),
            global_readonly_super_user: config.is_global_readonly_superuser(&account.username),
            name: account.username.clone(),
            username: account.username,
            email: account.email,
            verified: account.verified,
            enabled: account.enabled,
            quotas,
            encrypted_password: None,
        }
    }
}

/// What the namespaces of these accounts hold, while quotas are counted.
pub(crate) async fn quotas<'a>(
    api: &Api,
    accounts: impl IntoIterator<Item = &'a ManagedAccount>,
) -> Result<HashMap<UserId, NamespaceQuotas>> {
    let ids: Vec<UserId> = accounts.into_iter().map(|account| account.id).collect();
    let mut conn = api.db().read().await?;
    NamespaceQuotas::of_each(api, &mut conn, &ids).await
}
