//! Addresses that are told about a repository once their owners have agreed.

use pierhead_db::RepositoryId;
use pierhead_db::queries::repository_views::{self, AuthorizedEmail};

use super::{Accounts, AccountsError, Result, names, uuid4};

impl Accounts {
    /// What an address answered; `None` if nobody asked it.
    pub async fn authorized_email(
        &self,
        repository: RepositoryId,
        email: &str,
    ) -> Result<Option<AuthorizedEmail>> {
        let mut conn = self.read().await?;
        Ok(repository_views::authorized_email(&mut conn, repository, email).await?)
    }

    /// Remembers that an address is asked. Who asks again gets the same code.
    ///
    /// # Errors
    /// When the address is malformed.
    pub async fn ask_email(
        &self,
        repository: RepositoryId,
        email: &str,
    ) -> Result<Option<AuthorizedEmail>> {
        names::check_email(Some(email), self.config())?;
        let email = email.to_owned();
        self.write(move |conn| {
            Box::pin(async move {
                repository_views::authorize_email(conn, repository, &email, &uuid4()).await?;
                Ok(repository_views::authorized_email(conn, repository, &email).await?)
            })
        })
        .await
    }

    /// Believes who followed the link with that code, as often as they like; returns `namespace/name` of the repository.
    ///
    /// # Errors
    /// [`AccountsError::InvalidCode`] when nobody got such a link, or the repository is gone.
    pub async fn confirm_email_for_repository(&self, code: &str) -> Result<String> {
        let code = code.to_owned();
        let confirmed = self.write(move |conn| {
            Box::pin(async move { repository_views::confirm_email(conn, &code).await })
        });
        confirmed.await?.ok_or(AccountsError::InvalidCode)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::testing::Fixture;
    use super::super::{AccountsError, Actor, NewUser};

    #[tokio::test]
    async fn an_address_that_is_asked_twice_keeps_its_code() {
        let fixture = Fixture::with(|config| config.email_required = true).await;
        let alice = NewUser {
            username: "alice".to_owned(),
            password: None,
            email: Some("alice@b.example".to_owned()),
            verified: true,
        };
        fixture
            .accounts
            .create_user(&Actor::operator(), alice)
            .await
            .unwrap();
        let repository = fixture.repository("alice", "app").await.id;
        let accounts = &fixture.accounts;
        let email = "bob@b.example";
        let known = accounts.authorized_email(repository, email).await.unwrap();
        assert!(known.is_none());
        let first = accounts
            .ask_email(repository, email)
            .await
            .unwrap()
            .unwrap();
        let again = accounts
            .ask_email(repository, email)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((&first.code, first.confirmed), (&again.code, false));
        assert!(accounts.ask_email(repository, "no address").await.is_err());

        let unknown = accounts.confirm_email_for_repository("no code").await;
        assert!(matches!(unknown, Err(AccountsError::InvalidCode)));
        let name = accounts.confirm_email_for_repository(&first.code).await;
        assert_eq!(name.unwrap(), "alice/app");
        let answered = accounts.authorized_email(repository, email).await.unwrap();
        assert!(answered.unwrap().confirmed);
    }
}
