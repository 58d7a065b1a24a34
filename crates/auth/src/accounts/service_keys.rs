//! Keys of services, as superusers and services themselves manage them (api-v1.md §5.22, §6.4).
//!
//! A service hands in the public half of a key that it signed for itself; the key verifies nothing until a superuser approves
//! it. An approved key can be replaced by one that it signs for, which takes over its approval. Superusers can also make a
//! key, whose private half is in the answer and nowhere else.

use chrono::{NaiveDateTime, TimeDelta};
use pierhead_config::Secret;
use pierhead_db::encoding::approval::ApprovalType;
use pierhead_db::queries::service_keys::{self, NewServiceKey as Row, ServiceKeyDetails};
use pierhead_db::queries::users;
use pierhead_db::{Conn, UserId};
use serde_json::{Map, Value, json};

use super::audit::Event;
use super::{Accounts, AccountsError, Actor, Result, names};
use crate::service_keys::SigningKey;

/// `notificationkind.name` of what tells superusers that a key waits.
const SUBMITTED: &str = "service_key_submitted";
/// Most keys that may wait for approval: anybody can hand one in, for a service of any name.
const MAX_WAITING: i64 = 100;
/// Most characters of names, key ids and services.
const MAX_TEXT_LEN: usize = 255;

/// Settings of service keys.
#[derive(Clone, Debug)]
pub struct ServiceKeysPolicy {
    /// `EXPIRED_SERVICE_KEY_TTL_SEC`: for how long keys that ended are still shown.
    pub expired_ttl: TimeDelta,
    /// `UNAPPROVED_SERVICE_KEY_TTL_SEC`: for how long keys wait for approval.
    pub unapproved_ttl: TimeDelta,
    /// `SUPER_USERS`: who is told that a key waits.
    pub superusers: Vec<String>,
    /// `SERVICE_LOG_ACCOUNT_ID`: to whose log such changes belong; the oldest account's when not set.
    pub log_account: Option<UserId>,
}

/// A key that a superuser asks for.
#[derive(Clone, Debug)]
pub struct NewServiceKey {
    /// Which service.
    pub service: String,
    /// Its name, for people.
    pub name: String,
    /// What else there is to say.
    pub metadata: Map<String, Value>,
    /// Why it is approved.
    pub notes: String,
    /// When it ends, UTC.
    pub expires: Option<NaiveDateTime>,
}

/// A key that was made, with its private half, which is stored nowhere.
#[derive(Clone, Debug)]
pub struct CreatedServiceKey {
    /// Its id.
    pub kid: String,
    /// `PUBLIC KEY` in PEM.
    pub public_key: String,
    /// `RSA PRIVATE KEY` in PEM.
    pub private_key: Secret,
}

/// What to change of a key; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct ServiceKeyChange {
    /// Its name.
    pub name: Option<String>,
    /// Keys to set in its metadata.
    pub metadata: Option<Map<String, Value>>,
    /// When it ends, UTC; `Some(None)` is never.
    pub expires: Option<Option<NaiveDateTime>>,
}

/// A key that a service hands in.
#[derive(Clone, Debug)]
pub struct SubmittedServiceKey {
    /// Its id.
    pub kid: String,
    /// The service.
    pub service: String,
    /// The public key, as JSON.
    pub jwk: Value,
    /// When it ends, UTC.
    pub expires: Option<NaiveDateTime>,
    /// After how many seconds the service replaces it.
    pub rotation_duration: Option<i32>,
}

/// From where a service calls.
#[derive(Clone, Debug, Default)]
pub struct ServiceKeyOrigin {
    /// Its address.
    pub ip: Option<String>,
    /// Its `User-Agent`.
    pub user_agent: Option<String>,
}

impl ServiceKeyOrigin {
    fn actor(&self) -> Actor {
        Actor {
            ip: self.ip.clone(),
            ..Actor::default()
        }
    }

    /// What audit rows say about where a call came from.
    fn audited(&self, mut metadata: Value) -> Value {
        metadata["user_agent"] = json!(self.user_agent);
        metadata["ip"] = json!(self.ip);
        metadata
    }
}

impl Accounts {
    /// Every key that is not stale, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_service_keys(
        &self,
        policy: &ServiceKeysPolicy,
    ) -> Result<Vec<ServiceKeyDetails>> {
        let since = self.now() - policy.expired_ttl;
        Ok(service_keys::list(&mut self.read().await?, since).await?)
    }

    /// One key that is not stale, whatever its state.
    ///
    /// # Errors
    /// When there is none.
    pub async fn service_key(
        &self,
        policy: &ServiceKeysPolicy,
        kid: &str,
    ) -> Result<ServiceKeyDetails> {
        let since = self.now() - policy.expired_ttl;
        find(&mut self.read().await?, kid, since).await
    }

    /// Makes a key for a service, approved by the superuser who asks for it.
    ///
    /// # Errors
    /// When a name is malformed or the key would have ended.
    pub async fn create_service_key(
        &self,
        actor: &Actor,
        policy: &ServiceKeysPolicy,
        new: NewServiceKey,
    ) -> Result<CreatedServiceKey> {
        check_name(&new.name)?;
        check_service(&new.service)?;
        self.check_end(new.expires)?;
        let (key, pem) = SigningKey::generate().await?;
        let created = CreatedServiceKey {
            kid: key.kid().to_owned(),
            public_key: key.public_pem()?,
            private_key: Secret::new(pem),
        };
        let (jwk, kid) = (key.public().to_jwk(), created.kid.clone());
        let (accounts, actor, now) = (self.clone(), actor.clone(), self.now());
        let policy = policy.clone();
        self.write(move |conn| {
            Box::pin(async move {
                policy.collect(conn, &new.service, now).await?;
                let approved = ApprovalType::Superuser.as_str();
                let approval =
                    service_keys::approve(conn, approved, now, actor.user, &new.notes).await?;
                let row = Row {
                    name: &new.name,
                    kid: &kid,
                    service: &new.service,
                    jwk: &jwk,
                    metadata: &Value::Object(new.metadata).to_string(),
                    created: now,
                    expires: new.expires,
                    rotation_duration: None,
                    approval: Some(approval),
                };
                service_keys::insert(conn, &row).await?;
                let metadata = json!({
                    "kid": kid,
                    "preshared": true,
                    "service": new.service,
                    "name": new.name,
                    "expiration_date": epoch(new.expires),
                    "auto_approved": true,
                });
                for kind in ["service_key_create", "service_key_approve"] {
                    let metadata = metadata.clone();
                    policy
                        .record(&accounts, conn, &actor, now, kind, metadata)
                        .await?;
                }
                Ok::<_, AccountsError>(())
            })
        })
        .await?;
        Ok(created)
    }

    /// Changes a key's name, metadata or end.
    ///
    /// # Errors
    /// When there is none, a name is malformed or the key would have ended.
    pub async fn change_service_key(
        &self,
        actor: &Actor,
        policy: &ServiceKeysPolicy,
        kid: &str,
        change: ServiceKeyChange,
    ) -> Result<ServiceKeyDetails> {
        let (accounts, actor, now) = (self.clone(), actor.clone(), self.now());
        let (policy, kid) = (policy.clone(), kid.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let key = find(conn, &kid, now - policy.expired_ttl).await?;
                if let Some(expires) = change.expires {
                    accounts.check_end(expires)?;
                }
                let name = change.name.as_deref().unwrap_or(&key.name);
                check_name(name)?;
                let expires = change.expires.unwrap_or(key.expiration_date);
                let mut metadata = object(&key.metadata);
                metadata.extend(change.metadata.clone().unwrap_or_default());
                let metadata = Value::Object(metadata).to_string();
                service_keys::update(conn, &kid, name, &metadata, expires).await?;
                let mut told = json!({
                    "kid": kid,
                    "service": key.service,
                    "name": name,
                    "expiration_date": epoch(key.expiration_date),
                });
                if change.expires.is_some() {
                    told["old_expiration_date"] = json!(epoch(key.expiration_date));
                    told["expiration_date"] = json!(epoch(expires));
                    let (kind, told) = ("service_key_extend", told.clone());
                    policy
                        .record(&accounts, conn, &actor, now, kind, told)
                        .await?;
                }
                if change.name.is_some() || change.metadata.is_some() {
                    let kind = "service_key_modify";
                    policy
                        .record(&accounts, conn, &actor, now, kind, told)
                        .await?;
                }
                find(conn, &kid, now - policy.expired_ttl).await
            })
        })
        .await
    }

    /// Deletes a key: what it signed is worthless from then on.
    ///
    /// # Errors
    /// When there is none.
    pub async fn delete_service_key(
        &self,
        actor: &Actor,
        policy: &ServiceKeysPolicy,
        kid: &str,
    ) -> Result<()> {
        let (accounts, actor, now) = (self.clone(), actor.clone(), self.now());
        let (policy, kid) = (policy.clone(), kid.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let key = find(conn, &kid, now - policy.expired_ttl).await?;
                service_keys::delete(conn, &kid).await?;
                accounts
                    .take_back_under(conn, SUBMITTED, &path(&kid))
                    .await?;
                policy.collect(conn, &key.service, now).await?;
                let metadata = json!({
                    "kid": kid,
                    "service": key.service,
                    "name": key.name,
                    "created_date": epoch(Some(key.created_date)),
                    "expiration_date": epoch(key.expiration_date),
                });
                let kind = "service_key_delete";
                policy
                    .record(&accounts, conn, &actor, now, kind, metadata)
                    .await
            })
        })
        .await
    }

    /// Approves a key that waits. One that is approved stays as it is.
    ///
    /// # Errors
    /// When there is none.
    pub async fn approve_service_key(
        &self,
        actor: &Actor,
        policy: &ServiceKeysPolicy,
        kid: &str,
        notes: &str,
    ) -> Result<()> {
        let (accounts, actor, now) = (self.clone(), actor.clone(), self.now());
        let (policy, kid, notes) = (policy.clone(), kid.to_owned(), notes.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let key = find(conn, &kid, now - policy.expired_ttl).await?;
                if key.approval_id.is_some() {
                    return Ok(());
                }
                let approved = ApprovalType::Superuser.as_str();
                let approval =
                    service_keys::approve(conn, approved, now, actor.user, &notes).await?;
                service_keys::set_approval(conn, &kid, approval).await?;
                accounts
                    .take_back_under(conn, SUBMITTED, &path(&kid))
                    .await?;
                let metadata = json!({
                    "kid": kid,
                    "service": key.service,
                    "name": key.name,
                    "expiration_date": epoch(key.expiration_date),
                });
                let kind = "service_key_approve";
                policy
                    .record(&accounts, conn, &actor, now, kind, metadata)
                    .await
            })
        })
        .await
    }

    /// Takes in a key that signed for itself. It waits for a superuser, who is told so.
    ///
    /// # Errors
    /// When a name is malformed, there is a key of that id, or too many wait already.
    pub async fn submit_service_key(
        &self,
        policy: &ServiceKeysPolicy,
        origin: &ServiceKeyOrigin,
        new: SubmittedServiceKey,
    ) -> Result<()> {
        check_service(&new.service)?;
        names::check_length("The key id", &new.kid, MAX_TEXT_LEN)?;
        let (accounts, now) = (self.clone(), self.now());
        let (policy, origin) = (policy.clone(), origin.clone());
        self.write(move |conn| {
            Box::pin(async move {
                policy.collect(conn, &new.service, now).await?;
                refuse_taken(conn, &new.kid).await?;
                service_keys::delete_waiting(conn, now - policy.unapproved_ttl).await?;
                if service_keys::count_waiting(conn).await? >= MAX_WAITING {
                    return Err(AccountsError::TooManyWaitingServiceKeys(MAX_WAITING));
                }
                let metadata = json!({ "ip": origin.ip });
                let row = Row {
                    name: "",
                    kid: &new.kid,
                    service: &new.service,
                    jwk: &new.jwk.to_string(),
                    metadata: &metadata.to_string(),
                    created: now,
                    expires: new.expires,
                    rotation_duration: new.rotation_duration,
                    approval: None,
                };
                service_keys::insert(conn, &row).await?;
                let mut told = json!({
                    "name": "",
                    "kid": new.kid,
                    "service": new.service,
                    "jwk": new.jwk,
                    "metadata": metadata,
                    "created_date": epoch(Some(now)),
                });
                if new.expires.is_some() {
                    told["expiration_date"] = json!(epoch(new.expires));
                }
                for superuser in &policy.superusers {
                    let Some(account) = users::find(conn, superuser).await? else {
                        continue;
                    };
                    let id = account.id;
                    let path = format!("{}{id}", path(&new.kid));
                    accounts
                        .notify(conn, SUBMITTED, id, &told, Some(&path))
                        .await?;
                }
                let metadata = origin.audited(json!({
                    "kid": new.kid,
                    "preshared": false,
                    "service": new.service,
                    "name": "",
                    "expiration_date": epoch(new.expires),
                }));
                let (kind, actor) = ("service_key_create", origin.actor());
                policy
                    .record(&accounts, conn, &actor, now, kind, metadata)
                    .await
            })
        })
        .await
    }

    /// Replaces an approved key by one that it signed for. The new one has its name, metadata and approval.
    ///
    /// # Errors
    /// When the old key is gone, or there is another of the new one's id.
    pub async fn rotate_service_key(
        &self,
        policy: &ServiceKeysPolicy,
        origin: &ServiceKeyOrigin,
        signer: &str,
        new: SubmittedServiceKey,
    ) -> Result<()> {
        names::check_length("The key id", &new.kid, MAX_TEXT_LEN)?;
        let (accounts, now) = (self.clone(), self.now());
        let (policy, origin, signer) = (policy.clone(), origin.clone(), signer.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let old = find(conn, &signer, now).await?;
                refuse_taken(conn, &new.kid).await?;
                // Of two that replace it at once, one deletes it.
                if service_keys::delete(conn, &signer).await? == 0 {
                    return Err(AccountsError::NoSuchServiceKey(signer));
                }
                let mut metadata = object(&old.metadata);
                metadata.insert("ip".to_owned(), json!(origin.ip));
                metadata.insert("created_by".to_owned(), json!("Key Rotation"));
                let row = Row {
                    name: &old.name,
                    kid: &new.kid,
                    service: &old.service,
                    jwk: &new.jwk.to_string(),
                    metadata: &Value::Object(metadata).to_string(),
                    created: now,
                    expires: new.expires,
                    rotation_duration: old.rotation_duration,
                    approval: old.approval_id,
                };
                service_keys::insert(conn, &row).await?;
                accounts
                    .take_back_under(conn, SUBMITTED, &path(&signer))
                    .await?;
                policy.collect(conn, &old.service, now).await?;
                let metadata = origin.audited(json!({
                    "kid": new.kid,
                    "signer_kid": signer,
                    "service": old.service,
                    "name": old.name,
                    "expiration_date": epoch(new.expires),
                }));
                let (kind, actor) = ("service_key_rotate", origin.actor());
                policy
                    .record(&accounts, conn, &actor, now, kind, metadata)
                    .await
            })
        })
        .await
    }

    /// Deletes a key of a service at the wish of the holder of `signer`, itself or another key of the service.
    ///
    /// # Errors
    /// When there is none.
    pub async fn withdraw_service_key(
        &self,
        policy: &ServiceKeysPolicy,
        origin: &ServiceKeyOrigin,
        signer: &str,
        service: &str,
        kid: &str,
    ) -> Result<()> {
        let (accounts, now) = (self.clone(), self.now());
        let (policy, origin, signer) = (policy.clone(), origin.clone(), signer.to_owned());
        let (service, kid) = (service.to_owned(), kid.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let key = find(conn, &kid, now - policy.expired_ttl).await?;
                // Quay lets a service delete the keys of others.
                if key.service != service {
                    return Err(AccountsError::NoSuchServiceKey(kid));
                }
                service_keys::delete(conn, &kid).await?;
                accounts
                    .take_back_under(conn, SUBMITTED, &path(&kid))
                    .await?;
                policy.collect(conn, &service, now).await?;
                let metadata = origin.audited(json!({
                    "kid": kid,
                    "signer_kid": signer,
                    "service": service,
                    "name": key.name,
                }));
                let (kind, actor) = ("service_key_delete", origin.actor());
                policy
                    .record(&accounts, conn, &actor, now, kind, metadata)
                    .await
            })
        })
        .await
    }

    fn check_end(&self, expires: Option<NaiveDateTime>) -> Result<()> {
        if expires.is_some_and(|end| end <= self.now()) {
            return Err(AccountsError::ServiceKeyEndsInThePast);
        }
        Ok(())
    }
}

impl ServiceKeysPolicy {
    /// Deletes keys of a service that ended, or waited for approval, for too long.
    async fn collect(&self, conn: &mut Conn, service: &str, now: NaiveDateTime) -> Result<()> {
        let (expired, unapproved) = (now - self.expired_ttl, now - self.unapproved_ttl);
        service_keys::delete_stale(conn, service, expired, unapproved).await?;
        Ok(())
    }

    /// Writes an audit row of the installation itself. While there is no account, there is no log.
    async fn record(
        &self,
        accounts: &Accounts,
        conn: &mut Conn,
        actor: &Actor,
        now: NaiveDateTime,
        kind: &'static str,
        metadata: Value,
    ) -> Result<()> {
        let account = match self.log_account {
            Some(account) => Some(account),
            None => service_keys::first_account(conn).await?,
        };
        let Some(account) = account else {
            return Ok(());
        };
        let event = Event {
            kind,
            account,
            repository: None,
            metadata,
        };
        accounts.record(conn, actor, now, event).await
    }
}

async fn find(conn: &mut Conn, kid: &str, since: NaiveDateTime) -> Result<ServiceKeyDetails> {
    service_keys::find(conn, kid, since)
        .await?
        .ok_or_else(|| AccountsError::NoSuchServiceKey(kid.to_owned()))
}

async fn refuse_taken(conn: &mut Conn, kid: &str) -> Result<()> {
    match service_keys::by_kid(conn, kid).await? {
        Some(_) => Err(AccountsError::ServiceKeyExists(kid.to_owned())),
        None => Ok(()),
    }
}

/// What the look-up paths of notifications about a key begin with; the superuser's id follows.
fn path(kid: &str) -> String {
    format!("/service_key_approval/{kid}/")
}

fn object(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap_or_default()
}

/// Dates in audit rows and notifications are seconds since 1970.
fn epoch(date: Option<NaiveDateTime>) -> Option<i64> {
    date.map(|date| date.and_utc().timestamp())
}

fn check_service(service: &str) -> Result<()> {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if service.is_empty() || service.len() > MAX_TEXT_LEN || !service.bytes().all(word) {
        return Err(AccountsError::InvalidServiceName(service.to_owned()));
    }
    Ok(())
}

/// Letters, digits, white space and `-_:/`.
fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c.is_whitespace() || "-_:/".contains(c);
    if name.chars().count() > MAX_TEXT_LEN || !name.chars().all(allowed) {
        return Err(AccountsError::InvalidServiceKeyName(name.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
