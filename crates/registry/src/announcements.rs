//! What people are told of what their clients do (`FEATURE_USER_EVENTS`): Quay's actions at the places where Quay tells them.
//! Nothing here waits, and nothing is made that nobody could hear.

use pierhead_auth::{Credential, CredentialTable, Grant};
use pierhead_events::UserEvent;
use pierhead_oci::Action;

use crate::audit::Event;
use crate::state::Registry;

impl Event {
    /// Tells a person that their client did something to the repository. Robots and tokens of repositories are told nothing.
    pub(crate) fn announce(&self, registry: &Registry, action: &'static str) {
        let Some(events) = registry.events.as_ref().filter(|events| events.is_heard()) else {
            return;
        };
        let person = self.bearer.subject().filter(|subject| {
            subject.user_id.is_some() && subject.credential.table != CredentialTable::Robot
        });
        if let Some(person) = person {
            let repository = Some(self.repository.name.clone());
            let event = UserEvent::Client { action, repository };
            events.publish(&person.name, event);
        }
    }
}

impl Registry {
    /// Tells an account, a robot too, that one of its clients got a token. What for is what the first scope of the request
    /// was answered with.
    pub(crate) fn announce_token(&self, credential: &Credential, grants: &[Grant]) {
        let (Some(events), Some(account)) = (&self.events, &credential.account) else {
            return;
        };
        if !events.is_heard() {
            return;
        }
        let first = grants.first();
        let granted = |action| first.is_some_and(|grant| grant.actions.contains(action));
        let action = if granted(Action::Push) {
            "push_start"
        } else if granted(Action::Pull) {
            "pull_start"
        } else {
            "login"
        };
        let repository = first.map(|grant| grant.name.clone());
        let event = UserEvent::Client { action, repository };
        events.publish(&account.username, event);
    }
}
