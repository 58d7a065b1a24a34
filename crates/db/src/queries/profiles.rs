//! What people say about themselves: the columns of `user` that the account page shows and changes, their prompts, their
//! external identities and the organizations they belong to.

use crate::statement::{
    execute, fetch_all, fetch_all_of, fetch_one, fetch_optional, padded, placeholders, statements,
};
use crate::{Conn, Result, UserId};

/// A person's own row.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Profile {
    /// `user.id`.
    pub id: UserId,
    /// What sessions hang on.
    pub uuid: Option<String>,
    /// The name.
    pub username: String,
    /// An address, or a uuid4 where there is none.
    pub email: String,
    /// Whether the address was confirmed.
    pub verified: bool,
    /// May log in.
    pub enabled: bool,
    /// Whether there is a password.
    pub has_password: bool,
    /// Whether somebody pays (`stripe_id` is set): hosted Quay only.
    pub paying: bool,
    /// Wants invoices by mail.
    pub invoice_email: bool,
    /// Where to.
    pub invoice_email_address: Option<String>,
    /// Seconds that deleted tags can be brought back.
    pub removed_tag_expiration_s: i64,
    /// As people say.
    pub company: Option<String>,
    /// As people say.
    pub family_name: Option<String>,
    /// As people say.
    pub given_name: Option<String>,
    /// As people say.
    pub location: Option<String>,
}

/// An organization of a person, with the strongest role of their teams.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Membership {
    /// The organization.
    pub id: UserId,
    /// Its name.
    pub username: String,
    /// Its address, or a uuid4.
    pub email: String,
    /// Whether somebody pays.
    pub paying: bool,
    /// In a team with the role `admin`.
    pub is_admin: bool,
    /// In a team with the role `admin` or `creator`.
    pub can_create: bool,
}

/// An external identity of a person.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ExternalLogin {
    /// `loginservice.name`.
    pub service: String,
    /// Who they are there.
    pub service_ident: String,
    /// Free JSON.
    pub metadata_json: String,
}

/// A namespace that is shown to everybody.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PublicNamespace {
    /// Its name.
    pub username: String,
    /// Its address, or a uuid4.
    pub email: String,
    /// Whether somebody pays.
    pub paying: bool,
}

macro_rules! profile_columns {
    () => {
        "id, uuid, username, email, verified, enabled, password_hash IS NOT NULL AS has_password,
            stripe_id IS NOT NULL AS paying, invoice_email, invoice_email_address, removed_tag_expiration_s, company,
            family_name, given_name, location"
    };
}

statements! {
    FIND = concat!("SELECT ", profile_columns!(),
        r#" FROM "user" WHERE id = $1 AND organization = false AND robot = false"#);
    FIND_BY_NAME = concat!("SELECT ", profile_columns!(),
        r#" FROM "user" WHERE username = $1 AND organization = false AND robot = false"#);
    FIND_BY_EMAIL = concat!("SELECT ", profile_columns!(),
        r#" FROM "user" WHERE email = $1 AND organization = false AND robot = false"#);
    PROMPTS = "SELECT userpromptkind.name FROM userprompt JOIN userpromptkind ON userpromptkind.id = userprompt.kind_id
        WHERE userprompt.user_id = $1 ORDER BY userprompt.id";
    INSERT_PROMPT = "INSERT INTO userprompt (user_id, kind_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    DELETE_PROMPT = "DELETE FROM userprompt WHERE user_id = $1 AND kind_id = $2";
    LOGINS = "SELECT loginservice.name AS service, federatedlogin.service_ident, federatedlogin.metadata_json
        FROM federatedlogin JOIN loginservice ON loginservice.id = federatedlogin.service_id
        WHERE federatedlogin.user_id = $1 AND loginservice.name <> 'quayrobot' ORDER BY federatedlogin.id";
    DELETE_LOGIN = "DELETE FROM federatedlogin WHERE user_id = $1
        AND service_id IN (SELECT id FROM loginservice WHERE name = $2)";
    DELETE_LOGINS = "DELETE FROM federatedlogin WHERE user_id = $1";
    MEMBERSHIPS = r#"SELECT organization.id, organization.username, organization.email,
            organization.stripe_id IS NOT NULL AS paying,
            MAX(CASE WHEN teamrole.name = 'admin' THEN 1 ELSE 0 END) = 1 AS is_admin,
            MAX(CASE WHEN teamrole.name IN ('admin', 'creator') THEN 1 ELSE 0 END) = 1 AS can_create
        FROM teammember JOIN team ON team.id = teammember.team_id
            JOIN teamrole ON teamrole.id = team.role_id
            JOIN "user" organization ON organization.id = team.organization_id
        WHERE teammember.user_id = $1
        GROUP BY organization.id, organization.username, organization.email, organization.stripe_id
        ORDER BY organization.username"#;
    SET_INVOICE_EMAIL = r#"UPDATE "user" SET invoice_email = $2 WHERE id = $1"#;
    SET_INVOICE_ADDRESS = r#"UPDATE "user" SET invoice_email_address = $2 WHERE id = $1"#;
    SET_TAG_EXPIRATION = r#"UPDATE "user" SET removed_tag_expiration_s = $2 WHERE id = $1"#;
    SET_EMAIL = r#"UPDATE "user" SET email = $2, verified = $3 WHERE id = $1"#;
    SET_VERIFIED = r#"UPDATE "user" SET verified = true WHERE id = $1"#;
    SET_UUID = r#"UPDATE "user" SET uuid = $2 WHERE id = $1"#;
    SET_GIVEN_NAME = r#"UPDATE "user" SET given_name = $2 WHERE id = $1"#;
    SET_FAMILY_NAME = r#"UPDATE "user" SET family_name = $2 WHERE id = $1"#;
    SET_COMPANY = r#"UPDATE "user" SET company = $2 WHERE id = $1"#;
    SET_LOCATION = r#"UPDATE "user" SET location = $2 WHERE id = $1"#;
    SET_USERNAME = r#"UPDATE "user" SET username = $2 WHERE id = $1"#;
    // Rare, and by exact prefix: Quay's ILIKE would rename robots of others where a name has a `_`.
    RENAME_ROBOTS = r#"UPDATE "user" SET username = $2 || substr(username, $3 + 1)
        WHERE robot = true AND substr(username, 1, $3) = $1"#;
    LONGEST_ROBOT = r#"SELECT COALESCE(MAX(length(username)), 0) FROM "user"
        WHERE robot = true AND substr(username, 1, $2) = $1"#;
    TO_ORGANIZATION = r#"UPDATE "user" SET organization = true, password_hash = NULL, uuid = $2 WHERE id = $1"#;
    DELETE_OWN_PERMISSIONS = "DELETE FROM repositorypermission WHERE user_id = $1";
    ORGANIZATIONS_BY_EMAIL = r#"SELECT DISTINCT organization.id, organization.username, member.username AS admin
        FROM "user" organization
            LEFT JOIN team ON team.organization_id = organization.id
                AND team.role_id IN (SELECT id FROM teamrole WHERE name = 'admin')
            LEFT JOIN teammember ON teammember.team_id = team.id
            LEFT JOIN "user" member ON member.id = teammember.user_id AND member.robot = false
        WHERE organization.email = $1 AND organization.organization = true
        ORDER BY organization.id, admin LIMIT $2"#;
    EMAIL_IS_INVITED = "SELECT EXISTS (SELECT 1 FROM teammemberinvite WHERE email = $1)";
    FIND_INVITE = "SELECT user_id, email FROM teammemberinvite WHERE invite_token = $1 LIMIT 1";
}

/// The person with that id.
pub async fn find(conn: &mut Conn, id: UserId) -> Result<Option<Profile>> {
    fetch_optional!(conn, FIND, id)
}

/// The person of that name.
pub async fn find_by_name(conn: &mut Conn, username: &str) -> Result<Option<Profile>> {
    fetch_optional!(conn, FIND_BY_NAME, username)
}

/// The person with that address.
pub async fn find_by_email(conn: &mut Conn, email: &str) -> Result<Option<Profile>> {
    fetch_optional!(conn, FIND_BY_EMAIL, email)
}

/// The names of what a person is still to be asked, the oldest first.
pub async fn prompts(conn: &mut Conn, user: UserId) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = fetch_all!(conn, PROMPTS, user)?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Asks a person something (`userpromptkind.id`).
pub async fn insert_prompt(conn: &mut Conn, user: UserId, kind: i32) -> Result<u64> {
    execute!(conn, INSERT_PROMPT, user, kind)
}

/// Stops asking; 0 when nobody asked.
pub async fn delete_prompt(conn: &mut Conn, user: UserId, kind: i32) -> Result<u64> {
    execute!(conn, DELETE_PROMPT, user, kind)
}

/// The external identities of a person, the oldest first.
pub async fn logins(conn: &mut Conn, user: UserId) -> Result<Vec<ExternalLogin>> {
    fetch_all!(conn, LOGINS, user)
}

/// Takes an external identity away, by `loginservice.name`.
pub async fn delete_login(conn: &mut Conn, user: UserId, service: &str) -> Result<u64> {
    execute!(conn, DELETE_LOGIN, user, service)
}

/// Takes every external identity away.
pub async fn delete_logins(conn: &mut Conn, user: UserId) -> Result<u64> {
    execute!(conn, DELETE_LOGINS, user)
}

/// The organizations that a person belongs to through a team, by name.
pub async fn memberships(conn: &mut Conn, user: UserId) -> Result<Vec<Membership>> {
    fetch_all!(conn, MEMBERSHIPS, user)
}

/// Those of these namespaces that exist.
pub async fn public_namespaces(conn: &mut Conn, names: &[String]) -> Result<Vec<PublicNamespace>> {
    let Some(last) = names.last() else {
        return Ok(Vec::new());
    };
    let sql = format!(
        r#"SELECT username, email, stripe_id IS NOT NULL AS paying FROM "user" WHERE robot = false AND username IN {}"#,
        placeholders(1, names.len())
    );
    let values = names
        .iter()
        .chain(std::iter::repeat(last))
        .take(padded(names.len()));
    fetch_all_of!(conn, sqlx::AssertSqlSafe(sql.as_str()), [], values)
}

/// Whether invoices are sent.
pub async fn set_invoice_email(conn: &mut Conn, user: UserId, wanted: bool) -> Result<u64> {
    execute!(conn, SET_INVOICE_EMAIL, user, wanted)
}

/// Where invoices are sent.
pub async fn set_invoice_address(
    conn: &mut Conn,
    user: UserId,
    address: Option<&str>,
) -> Result<u64> {
    execute!(conn, SET_INVOICE_ADDRESS, user, address)
}

/// How many seconds deleted tags can be brought back.
pub async fn set_tag_expiration(conn: &mut Conn, user: UserId, seconds: i64) -> Result<u64> {
    execute!(conn, SET_TAG_EXPIRATION, user, seconds)
}

/// Another address.
pub async fn set_email(conn: &mut Conn, user: UserId, email: &str, verified: bool) -> Result<u64> {
    execute!(conn, SET_EMAIL, user, email, verified)
}

/// The address was confirmed.
pub async fn set_verified(conn: &mut Conn, user: UserId) -> Result<u64> {
    execute!(conn, SET_VERIFIED, user)
}

/// A new uuid ends every session.
pub async fn set_uuid(conn: &mut Conn, user: UserId, uuid: &str) -> Result<u64> {
    execute!(conn, SET_UUID, user, uuid)
}

/// What a person says about themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// `given_name`
    GivenName,
    /// `family_name`
    FamilyName,
    /// `company`
    Company,
    /// `location`
    Location,
}

/// Stores one such detail.
pub async fn set_detail(
    conn: &mut Conn,
    user: UserId,
    detail: Detail,
    value: Option<&str>,
) -> Result<u64> {
    let sql = match detail {
        Detail::GivenName => SET_GIVEN_NAME,
        Detail::FamilyName => SET_FAMILY_NAME,
        Detail::Company => SET_COMPANY,
        Detail::Location => SET_LOCATION,
    };
    execute!(conn, sql, user, value)
}

/// Another name.
pub async fn set_username(conn: &mut Conn, user: UserId, username: &str) -> Result<u64> {
    execute!(conn, SET_USERNAME, user, username)
}

/// Gives the robots of a namespace its new name.
pub async fn rename_robots(conn: &mut Conn, old: &str, new: &str) -> Result<u64> {
    let (old, new) = (format!("{old}+"), format!("{new}+"));
    let length = old.chars().count() as i32;
    execute!(conn, RENAME_ROBOTS, old, new, length)
}

/// Characters of the longest full name of a namespace's robots; 0 when there is none.
pub async fn longest_robot(conn: &mut Conn, namespace: &str) -> Result<i32> {
    let prefix = format!("{namespace}+");
    let length = prefix.chars().count() as i32;
    let (longest,): (i32,) = fetch_one!(conn, LONGEST_ROBOT, prefix, length)?;
    Ok(longest)
}

/// Makes a person an organization, which has no password.
pub async fn to_organization(conn: &mut Conn, user: UserId, uuid: &str) -> Result<u64> {
    execute!(conn, TO_ORGANIZATION, user, uuid)
}

/// Takes back every permission that a person was given by themselves.
pub async fn delete_own_permissions(conn: &mut Conn, user: UserId) -> Result<u64> {
    execute!(conn, DELETE_OWN_PERMISSIONS, user)
}

/// An organization that has an address, and one of the people who administer it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AddressedOrganization {
    /// The organization.
    pub id: UserId,
    /// Its name.
    pub username: String,
    /// The person's name; nothing where nobody administers it, or in place of robots.
    pub admin: Option<String>,
}

/// The organizations with an address, the oldest first; one row for each person who administers one.
pub async fn organizations_by_email(
    conn: &mut Conn,
    email: &str,
    limit: i64,
) -> Result<Vec<AddressedOrganization>> {
    fetch_all!(conn, ORGANIZATIONS_BY_EMAIL, email, limit)
}

/// Whether anybody invited that address to a team.
pub async fn email_is_invited(conn: &mut Conn, email: &str) -> Result<bool> {
    let (invited,): (bool,) = fetch_one!(conn, EMAIL_IS_INVITED, email)?;
    Ok(invited)
}

/// Whom an invitation is for: a person, or an address.
pub async fn find_invite(
    conn: &mut Conn,
    token: &str,
) -> Result<Option<(Option<UserId>, Option<String>)>> {
    fetch_optional!(conn, FIND_INVITE, token)
}
