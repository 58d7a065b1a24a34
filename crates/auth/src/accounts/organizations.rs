//! Organizations: making, changing and listing them. What is in them has rooms of its own.

use pierhead_db::enums::TeamRole;
use pierhead_db::queries::organizations::{self, Organization, OrganizationUpdate};
use pierhead_db::queries::users::{self, Account, NewAccount};
use pierhead_db::{Conn, TeamId, UserId};
use serde_json::{Value, json};

use super::audit::Event;
use super::teams::insert_team;
use super::users::{email_or_uuid, find_person, insert_account};
use super::{Accounts, AccountsError, Actor, Result, names, uuid4};

/// Most characters of an address that invoices go to.
const MAX_ADDRESS_LEN: usize = 255;

/// The team that every organization begins with.
const OWNERS: &str = "owners";

/// An organization to be made.
#[derive(Clone, Debug)]
pub struct NewOrganization {
    /// See [`super::MIN_NAME_LEN`]; shared with people.
    pub name: String,
    /// For people who want to reach it. Always a well-formed address, because mail is sent to it once mailing is on.
    pub email: Option<String>,
    /// The person who administers it first.
    pub owner: String,
}

/// What to change of an organization; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct OrganizationChange {
    /// Its address; empty to have none.
    pub email: Option<String>,
    /// Whether invoices are mailed.
    pub invoice_email: Option<bool>,
    /// Where to; `Some(None)` to have none.
    pub invoice_email_address: Option<Option<String>>,
    /// How long deleted tags can be brought back, in seconds: one of `TAG_EXPIRATION_OPTIONS`. Ignored where nobody may
    /// change it.
    pub tag_expiration_s: Option<i64>,
}

/// A new organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatedOrganization {
    /// The organization.
    pub id: UserId,
    /// Its team `owners`.
    pub owners: TeamId,
    /// The person in it.
    pub owner: UserId,
}

impl Accounts {
    /// Makes an organization with the team `owners`, in which the owner is.
    ///
    /// # Errors
    /// When the name or address is malformed or taken, or there is no such owner.
    pub async fn create_organization(
        &self,
        actor: &Actor,
        new: NewOrganization,
    ) -> Result<CreatedOrganization> {
        names::check_namespace(&new.name)?;
        let given = new.email;
        let email = given.clone().filter(|email| !email.is_empty());
        if let Some(email) = &email {
            names::check_address(email)?;
        }
        let account = NewAccount {
            uuid: uuid4(),
            username: new.name,
            password_hash: None,
            email: email_or_uuid(email.as_deref()),
            verified: false,
            organization: true,
            robot: false,
            removed_tag_expiration_s: self.config().default_tag_expiration_s,
            maximum_queued_builds: self.config().maximum_queued_builds,
            now: self.now(),
        };
        let (accounts, shared_email, actor) =
            (self.clone(), self.config().org_shared_email, actor.clone());
        let admin = self.id_of(TeamRole::Admin);
        self.write(move |conn| {
            Box::pin(async move {
                let owner = find_person(conn, &new.owner).await?;
                // Organizations may always share an address among themselves; with a person only where that is allowed.
                if let Some(email) = &email
                    && !shared_email
                    && users::find_by_email(conn, email)
                        .await?
                        .is_some_and(|account| !account.organization)
                {
                    return Err(AccountsError::EmailTaken(email.clone()));
                }
                let id = insert_account(conn, &account).await?;
                let owners = insert_team(conn, id, &account.username, OWNERS, admin, "").await?;
                organizations::insert_member(conn, owner.id, owners).await?;
                let event = Event {
                    kind: "org_create",
                    account: id,
                    repository: None,
                    metadata: json!({ "email": given, "namespace": account.username }),
                };
                accounts.record(conn, &actor, account.now, event).await?;
                Ok(CreatedOrganization {
                    id,
                    owners,
                    owner: owner.id,
                })
            })
        })
        .await
    }

    /// An organization as its administrators see it.
    ///
    /// # Errors
    /// When there is no such organization.
    pub async fn organization(&self, name: &str) -> Result<Organization> {
        organizations::find(&mut self.read().await?, name)
            .await?
            .ok_or_else(|| AccountsError::NoSuchOrganization(name.to_owned()))
    }

    /// The person or organization of that id, as its administrators see it.
    ///
    /// # Errors
    /// When there is none.
    pub async fn namespace(&self, id: UserId) -> Result<Organization> {
        organizations::find_by_id(&mut self.read().await?, id)
            .await?
            .ok_or_else(|| AccountsError::NoSuchNamespace(id.to_string()))
    }

    /// Changes an organization, and says what it is now.
    ///
    /// # Errors
    /// When an address is malformed, the tag expiration is not one of the options, or there is no such organization.
    pub async fn change_organization(
        &self,
        actor: &Actor,
        name: &str,
        change: OrganizationChange,
    ) -> Result<Organization> {
        if let Some(Some(address)) = &change.invoice_email_address {
            names::check_length("The address for invoices", address, MAX_ADDRESS_LEN)?;
        }
        let (accounts, now, actor, name) =
            (self.clone(), self.now(), actor.clone(), name.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let missing = || AccountsError::NoSuchOrganization(name.clone());
                let found = organizations::find(conn, &name)
                    .await?
                    .ok_or_else(missing)?;
                let (update, events) = accounts.changes(&found, change)?;
                organizations::update(conn, found.id, &update).await?;
                for (kind, mut metadata) in events {
                    metadata["namespace"] = json!(name);
                    let event = Event {
                        kind,
                        account: found.id,
                        repository: None,
                        metadata,
                    };
                    accounts.record(conn, &actor, now, event).await?;
                }
                organizations::find(conn, &name).await?.ok_or_else(missing)
            })
        })
        .await
    }

    /// The columns that a change sets, and what the audit log says of it: one event for each, as in Quay.
    fn changes(
        &self,
        found: &Organization,
        change: OrganizationChange,
    ) -> Result<(OrganizationUpdate, Vec<(&'static str, Value)>)> {
        let mut update = OrganizationUpdate::default();
        let mut events = Vec::new();
        if let Some(wanted) = change.invoice_email {
            update.invoice_email = Some(wanted);
            events.push(("org_change_invoicing", json!({ "invoice_email": wanted })));
        }
        if let Some(address) = change.invoice_email_address
            && address != found.invoice_email_address
        {
            let metadata = json!({ "invoice_email_address": address });
            events.push(("org_change_invoicing", metadata));
            update.invoice_email_address = Some(address.filter(|address| !address.is_empty()));
        }
        if let Some(email) = change.email {
            let old = known_address(&found.email);
            if email != old {
                if !email.is_empty() {
                    names::check_address(&email)?;
                }
                let metadata = json!({ "email": email, "old_email": old });
                events.push(("org_change_email", metadata));
                update.email = Some(email_or_uuid(Some(&email)));
            }
        }
        if let Some(seconds) = change.tag_expiration_s
            && self.config().change_tag_expiration
        {
            if !self.config().tag_expiration_options_s.contains(&seconds) {
                return Err(AccountsError::InvalidTagExpiration);
            }
            let metadata = json!({ "tag_expiration": seconds });
            events.push(("org_change_tag_expiration", metadata));
            update.removed_tag_expiration_s = Some(seconds);
        }
        Ok((update, events))
    }

    /// At most `limit` organizations by name, after a name (the empty one to begin).
    pub async fn list_organizations(&self, after: &str, limit: u32) -> Result<Vec<Account>> {
        Ok(users::list(&mut self.read().await?, true, after, limit.into()).await?)
    }
}

/// The address in the column `email`, which holds a uuid4 where there is none: then it is empty.
pub fn known_address(email: &str) -> &str {
    if names::check_address(email).is_ok() {
        email
    } else {
        ""
    }
}

/// The organization of that name.
pub(super) async fn find_organization(conn: &mut Conn, name: &str) -> Result<Account> {
    users::find(conn, name)
        .await?
        .filter(|account| account.organization)
        .ok_or_else(|| AccountsError::NoSuchOrganization(name.to_owned()))
}

#[cfg(test)]
mod tests;
