//! A person or robot in answers about something else.

use pierhead_auth::accounts::AccountRef;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::Api;
use crate::views::avatar::{Avatar, Of};

/// A team in answers about something else.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TeamRef {
    /// Its name.
    name: String,
    /// What a client draws it from.
    avatar: Avatar,
}

impl Api {
    /// The avatar of a person or robot.
    pub(crate) fn account_avatar(&self, account: &AccountRef) -> Avatar {
        let of = if account.robot { Of::Robot } else { Of::User };
        self.avatar(of, &account.username, Some(&account.email))
    }

    /// Teams by name.
    pub(crate) fn team_refs(&self, teams: Vec<String>) -> Vec<TeamRef> {
        teams
            .into_iter()
            .map(|name| TeamRef {
                avatar: self.avatar(Of::Team, &name, None),
                name,
            })
            .collect()
    }
}
