//! The people of an organization, whichever of its teams they are in, and those from outside with permissions of their own.

use std::collections::{HashMap, HashSet};

use pierhead_db::UserId;
use pierhead_db::queries::account_refs::{self, AccountRef};
use pierhead_db::queries::organization_members::{self, AccountWith};

use super::organizations::find_organization;
use super::teams::lock_admins;
use super::users::find_person;
use super::{Accounts, AccountsError, Result, robots};

/// Somebody with what they have in an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationMember {
    /// Who it is.
    pub account: AccountRef,
    /// The teams they are in.
    pub teams: Vec<String>,
    /// The repositories on which they have a permission of their own.
    pub repositories: Vec<String>,
}

impl Accounts {
    /// The people in the teams of an organization, in the order they joined. Costs two statements.
    ///
    /// # Errors
    /// When there is no such organization.
    pub async fn organization_members(
        &self,
        organization: UserId,
    ) -> Result<Vec<OrganizationMember>> {
        let mut conn = self.read().await?;
        let mut people = People::default();
        for with in organization_members::in_teams(&mut conn, organization).await? {
            people.entry(&with).teams.push(with.name);
        }
        for with in organization_members::with_permissions(&mut conn, organization).await? {
            if let Some(member) = people.known(with.account.id) {
                member.repositories.push(with.name);
            }
        }
        Ok(people.list)
    }

    /// The people who are in no team of an organization, but have permissions of their own on its repositories. Costs two
    /// statements.
    pub async fn organization_collaborators(
        &self,
        organization: UserId,
    ) -> Result<Vec<OrganizationMember>> {
        let mut conn = self.read().await?;
        let members = organization_members::in_teams(&mut conn, organization).await?;
        let members: HashSet<UserId> = members.iter().map(|with| with.account.id).collect();
        let mut people = People::default();
        for with in organization_members::with_permissions(&mut conn, organization).await? {
            if !members.contains(&with.account.id) {
                people.entry(&with).repositories.push(with.name);
            }
        }
        Ok(people.list)
    }

    /// A person in a team of an organization, or one of its robots.
    ///
    /// # Errors
    /// When there is no such account, or it does not belong to the organization.
    pub async fn organization_member(
        &self,
        organization: UserId,
        organization_name: &str,
        member: &str,
    ) -> Result<OrganizationMember> {
        let mut conn = self.read().await?;
        let missing = || AccountsError::NoSuchUser(member.to_owned());
        let account = account_refs::find(&mut conn, member)
            .await?
            .ok_or_else(missing)?;
        let teams = organization_members::teams_of(&mut conn, organization, account.id).await?;
        let own_robot = account.robot && robots::belongs_to(&account.username, organization_name);
        if teams.is_empty() && !own_robot {
            return Err(missing());
        }
        let repositories =
            organization_members::repositories_of(&mut conn, organization, account.id).await?;
        Ok(OrganizationMember {
            account,
            teams,
            repositories,
        })
    }

    /// Takes somebody out of every team of an organization, and takes back their permissions on its repositories. Returns
    /// who that was. As in Quay, the audit log does not tell of it.
    ///
    /// # Errors
    /// When there is no such person or organization, or they alone administer it.
    pub async fn remove_organization_member(
        &self,
        organization: &str,
        member: &str,
    ) -> Result<UserId> {
        let (organization, member) = (organization.to_owned(), member.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let person = find_person(conn, &member).await?;
                let org = find_organization(conn, &organization).await?;
                lock_admins(conn, org.id).await?;
                if organization_members::two_admins(conn, org.id).await? == [person.id] {
                    return Err(AccountsError::OnlyOrganizationAdmin);
                }
                organization_members::delete_permissions(conn, org.id, person.id).await?;
                organization_members::delete_memberships(conn, org.id, person.id).await?;
                Ok(person.id)
            })
        })
        .await
    }
}

/// People in the order in which they were first met.
#[derive(Default)]
struct People {
    list: Vec<OrganizationMember>,
    places: HashMap<UserId, usize>,
}

impl People {
    fn entry(&mut self, with: &AccountWith) -> &mut OrganizationMember {
        let next = self.list.len();
        let place = *self.places.entry(with.account.id).or_insert(next);
        if place == next {
            self.list.push(OrganizationMember {
                account: with.account.clone(),
                teams: Vec::new(),
                repositories: Vec::new(),
            });
        }
        &mut self.list[place]
    }

    fn known(&mut self, user: UserId) -> Option<&mut OrganizationMember> {
        let place = *self.places.get(&user)?;
        self.list.get_mut(place)
    }
}

#[cfg(test)]
mod tests;
