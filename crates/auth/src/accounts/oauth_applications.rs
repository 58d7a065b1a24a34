//! OAuth applications of organizations: programs that may ask people for tokens.
//!
//! The client secret is encrypted in its column and shown to administrators of the organization only.

use pierhead_config::Secret;
use pierhead_db::encoding::Plaintext;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::random;
use pierhead_db::queries::oauth_applications::{self, Application, NewApplication};
use pierhead_db::{Conn, UserId};
use serde_json::{Map, Value, json};

use super::audit::Event;
use super::{Accounts, AccountsError, Actor, Result, names};

/// The name of the application that [`super::bootstrap`] makes; nobody else may use it.
pub(super) const BOOTSTRAP_NAME: &str = "__quay_bootstrap_app";
/// Most characters of every text but the description.
const MAX_TEXT_LEN: usize = 255;
/// Most characters of a description.
const MAX_DESCRIPTION_LEN: usize = 65_536;

/// What the owner decides about an application. What is `None` was not given.
#[derive(Clone, Debug, Default)]
pub struct OAuthApplicationSettings {
    /// For people.
    pub name: String,
    /// Where browsers are sent with a token: what requests name must begin with it.
    pub redirect_uri: Option<String>,
    /// Its home page.
    pub application_uri: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// The address whose avatar it shows.
    pub avatar_email: Option<String>,
}

impl OAuthApplicationSettings {
    fn check(&self) -> Result<()> {
        if self.name == BOOTSTRAP_NAME {
            return Err(AccountsError::ReservedApplicationName);
        }
        names::check_length("The name", &self.name, MAX_TEXT_LEN)?;
        let texts = [
            ("The redirect URI", &self.redirect_uri, MAX_TEXT_LEN),
            ("The application URI", &self.application_uri, MAX_TEXT_LEN),
            ("The avatar's address", &self.avatar_email, MAX_TEXT_LEN),
            ("The description", &self.description, MAX_DESCRIPTION_LEN),
        ];
        for (what, text, limit) in texts {
            names::check_length(what, text.as_deref().unwrap_or_default(), limit)?;
        }
        Ok(())
    }

    fn columns(&self) -> NewApplication<'_> {
        NewApplication {
            name: &self.name,
            description: self.description.as_deref().unwrap_or_default(),
            redirect_uri: self.redirect_uri.as_deref().unwrap_or_default(),
            application_uri: self.application_uri.as_deref().unwrap_or_default(),
            avatar_email: self.avatar_email.as_deref(),
            ..NewApplication::default()
        }
    }

    /// As audit rows tell them: what was given.
    fn audited(&self, client_id: &str) -> Value {
        let mut keys = Map::new();
        keys.insert("name".to_owned(), json!(self.name));
        let given = [
            ("redirect_uri", &self.redirect_uri),
            ("application_uri", &self.application_uri),
            ("description", &self.description),
            ("avatar_email", &self.avatar_email),
        ];
        for (key, value) in given {
            if let Some(value) = value {
                keys.insert(key.to_owned(), json!(value));
            }
        }
        keys.insert("application_name".to_owned(), json!(self.name));
        keys.insert("client_id".to_owned(), json!(client_id));
        Value::Object(keys)
    }
}

impl Accounts {
    /// Makes an application of an organization.
    ///
    /// # Errors
    /// When the name is reserved or a text is too long.
    pub async fn create_application(
        &self,
        actor: &Actor,
        organization: UserId,
        settings: OAuthApplicationSettings,
    ) -> Result<Application> {
        settings.check()?;
        let client_id = random::token(random::OAUTH_CLIENT_ID)?;
        let secret = self.new_client_secret()?;
        let (accounts, actor, now) = (self.clone(), actor.clone(), self.now());
        self.write(move |conn| {
            Box::pin(async move {
                let new = NewApplication {
                    client_id: &client_id,
                    secure_client_secret: &secret,
                    ..settings.columns()
                };
                oauth_applications::insert(conn, organization, &new).await?;
                let event = Event {
                    kind: "create_application",
                    account: organization,
                    repository: None,
                    metadata: settings.audited(&client_id),
                };
                accounts.record(conn, &actor, now, event).await?;
                find_application(conn, organization, &client_id).await
            })
        })
        .await
    }

    /// Every application of an organization, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_applications(&self, organization: UserId) -> Result<Vec<Application>> {
        Ok(oauth_applications::list(&mut self.read().await?, organization).await?)
    }

    /// An application of an organization.
    ///
    /// # Errors
    /// When it has none with that client id.
    pub async fn application(&self, organization: UserId, client_id: &str) -> Result<Application> {
        find_application(&mut self.read().await?, organization, client_id).await
    }

    /// An application, whoever owns it.
    ///
    /// # Errors
    /// When there is none with that client id.
    pub async fn application_by_client_id(&self, client_id: &str) -> Result<Application> {
        oauth_applications::by_client_id(&mut self.read().await?, client_id)
            .await?
            .ok_or_else(|| AccountsError::NoSuchApplication(client_id.to_owned()))
    }

    /// Changes an application. What is not given is emptied.
    ///
    /// # Errors
    /// When there is none, the name is reserved or a text is too long.
    pub async fn update_application(
        &self,
        actor: &Actor,
        organization: UserId,
        client_id: &str,
        settings: OAuthApplicationSettings,
    ) -> Result<Application> {
        let client_id = client_id.to_owned();
        let (accounts, actor, now) = (self.clone(), actor.clone(), self.now());
        self.write(move |conn| {
            Box::pin(async move {
                let application = find_application(conn, organization, &client_id).await?;
                settings.check()?;
                oauth_applications::update(conn, application.id, &settings.columns()).await?;
                let event = Event {
                    kind: "update_application",
                    account: organization,
                    repository: None,
                    metadata: settings.audited(&client_id),
                };
                accounts.record(conn, &actor, now, event).await?;
                find_application(conn, organization, &client_id).await
            })
        })
        .await
    }

    /// Removes an application with its tokens, codes and assignments; returns whose tokens they were.
    ///
    /// # Errors
    /// When there is none.
    pub async fn delete_application(
        &self,
        actor: &Actor,
        organization: UserId,
        client_id: &str,
    ) -> Result<Vec<UserId>> {
        let client_id = client_id.to_owned();
        let (accounts, actor, now) = (self.clone(), actor.clone(), self.now());
        self.write(move |conn| {
            Box::pin(async move {
                let application = find_application(conn, organization, &client_id).await?;
                let users = remove_application(conn, application.id).await?;
                let event = about("delete_application", &application);
                accounts.record(conn, &actor, now, event).await?;
                Ok(users)
            })
        })
        .await
    }

    /// Gives an application a new client secret; the old one is worthless from then on. Tokens stay.
    ///
    /// # Errors
    /// When there is no such application.
    pub async fn reset_client_secret(
        &self,
        actor: &Actor,
        organization: UserId,
        client_id: &str,
    ) -> Result<Application> {
        let client_id = client_id.to_owned();
        let secret = self.new_client_secret()?;
        let (accounts, actor, now) = (self.clone(), actor.clone(), self.now());
        self.write(move |conn| {
            Box::pin(async move {
                let application = find_application(conn, organization, &client_id).await?;
                oauth_applications::set_secret(conn, application.id, &secret).await?;
                let event = about("reset_application_client_secret", &application);
                accounts.record(conn, &actor, now, event).await?;
                Ok(Application {
                    secure_client_secret: Some(secret),
                    ..application
                })
            })
        })
        .await
    }

    /// The secret of an application; `None` if it has none, as very old ones.
    ///
    /// # Errors
    /// When it cannot be decrypted.
    pub fn client_secret(&self, application: &Application) -> Result<Option<Secret>> {
        let secret = self.decrypted_client_secret(application)?;
        Ok(secret.map(|secret| Secret::new(secret.expose())))
    }

    pub(super) fn decrypted_client_secret(
        &self,
        application: &Application,
    ) -> Result<Option<Plaintext>> {
        let column = EncryptedColumn::OAUTH_CLIENT_SECRET;
        let stored = application.secure_client_secret.as_deref();
        Ok(stored
            .map(|stored| self.0.cipher.decrypt(column, stored))
            .transpose()?)
    }

    pub(super) fn new_client_secret(&self) -> Result<String> {
        let secret = random::token(random::OAUTH_CLIENT_SECRET)?;
        Ok(self
            .0
            .cipher
            .encrypt(EncryptedColumn::OAUTH_CLIENT_SECRET, &secret)?)
    }
}

pub(super) async fn find_application(
    conn: &mut Conn,
    organization: UserId,
    client_id: &str,
) -> Result<Application> {
    oauth_applications::find(conn, organization, client_id)
        .await?
        .ok_or_else(|| AccountsError::NoSuchApplication(client_id.to_owned()))
}

/// Removes an application and all that hangs on it; returns whose tokens it had.
pub(super) async fn remove_application(conn: &mut Conn, id: i32) -> Result<Vec<UserId>> {
    oauth_applications::delete_assignments(conn, id).await?;
    oauth_applications::delete_codes(conn, id).await?;
    let mut users = oauth_applications::delete_tokens(conn, id).await?;
    oauth_applications::delete(conn, id).await?;
    users.sort_unstable();
    users.dedup();
    Ok(users)
}

fn about(kind: &'static str, application: &Application) -> Event {
    Event {
        kind,
        account: application.owner_id,
        repository: None,
        metadata: json!({
            "application_name": application.name,
            "client_id": application.client_id,
        }),
    }
}

#[cfg(test)]
mod tests;
