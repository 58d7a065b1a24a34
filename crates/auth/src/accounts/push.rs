//! What the first push to a missing repository makes, by the same rules as everything else here.

use pierhead_db::queries::users;
use pierhead_db::{BoxFuture, NamespaceId, UserId};
use pierhead_oci::RepositoryName;

use super::{Accounts, AccountsError, Actor, NewOrganization, NewRepository, Role, Visibility};
use crate::push_creation::{PushCreation, PushCreationError};

impl PushCreation for Accounts {
    fn create_repository<'a>(
        &'a self,
        _namespace: NamespaceId,
        name: &'a RepositoryName,
        creator: UserId,
        public: bool,
    ) -> BoxFuture<'a, Result<(), PushCreationError>> {
        let accounts = self.clone();
        let new = NewRepository {
            namespace: name.namespace().to_owned(),
            name: name.repository().to_owned(),
            visibility: if public {
                Visibility::Public
            } else {
                Visibility::Private
            },
            description: None,
            creator: Some(creator),
            creator_role: Role::Admin,
        };
        Box::pin(async move {
            self.write(move |conn| {
                Box::pin(async move {
                    let actor = Actor::user(creator);
                    accounts.find_or_create_repository(conn, &actor, &new).await
                })
            })
            .await?;
            Ok(())
        })
    }

    fn create_organization<'a>(
        &'a self,
        name: &'a str,
        owner: UserId,
    ) -> BoxFuture<'a, Result<NamespaceId, PushCreationError>> {
        Box::pin(async move {
            let account = users::find_by_id(&mut self.read().await?, owner).await?;
            let new = NewOrganization {
                name: name.to_owned(),
                email: None,
                owner: account.map(|account| account.username).unwrap_or_default(),
            };
            let created = self.create_organization(&Actor::user(owner), new).await?;
            Ok(NamespaceId(created.id.0))
        })
    }
}

impl From<AccountsError> for PushCreationError {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::Database(error) => Self::Database(error),
            refused => Self::Refused(refused.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::testing::Fixture;
    use super::*;

    #[tokio::test]
    async fn a_push_makes_a_repository_once_and_its_creator_administers_it() {
        let fixture = Fixture::new().await;
        let alice = fixture.user("alice").await;
        let name = RepositoryName::new("alice", "team/app").unwrap();
        let push = async || {
            PushCreation::create_repository(
                &fixture.accounts,
                NamespaceId(alice.0),
                &name,
                alice,
                true,
            )
            .await
        };
        push().await.unwrap();
        let found = fixture
            .accounts
            .repository("alice", "team/app")
            .await
            .unwrap();
        assert_eq!(found.visibility, "public");
        let permissions = fixture
            .accounts
            .list_permissions("alice", "team/app")
            .await
            .unwrap();
        assert_eq!(
            (permissions.len(), permissions[0].role.as_str()),
            (1, "admin")
        );
        let rows = fixture.audit_rows().await;
        push().await.unwrap();
        assert_eq!(fixture.audit_rows().await, rows);
    }

    #[tokio::test]
    async fn a_push_makes_an_organization_that_its_pusher_owns() {
        let fixture = Fixture::new().await;
        let alice = fixture.user("alice").await;
        let create =
            async |name| PushCreation::create_organization(&fixture.accounts, name, alice).await;
        create("acme").await.unwrap();
        assert_eq!(
            fixture
                .accounts
                .list_team_members("acme", "owners")
                .await
                .unwrap(),
            ["alice"]
        );
        let refused = create("acme").await.unwrap_err();
        assert!(
            matches!(refused, PushCreationError::Refused(_)),
            "{refused}"
        );
    }
}
