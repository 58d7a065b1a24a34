//! Looking for names by their beginning reads what begins so, among many accounts and teams of others, and not everything.

use pierhead_db::queries;

use crate::plans;

/// Accounts, teams and memberships of others, and repositories of the large namespace.
const MANY: usize = 20_000;

/// Two organizations (2, with many repositories, and 3), and a person (5) who is in a team (1) with permissions for all of the
/// large one and administers (2) the other; a robot (4) of that; and others.
const ROWS: &[&str] = &[
    "INSERT INTO \"user\" (id, uuid, username, email, verified, organization, robot, invoice_email, \
        invalid_login_attempts, last_invalid_login, removed_tag_expiration_s, enabled) \
     SELECT n, n, CASE WHEN n = 4 THEN 'name3+bot' ELSE 'name' || n END, 'mail' || n, true, n < 4, n = 4, false, 0, \
        '2026-01-01', 1209600, true \
     FROM {} WHERE n > 1 AND n < 6",
    "INSERT INTO \"user\" (id, uuid, username, email, verified, organization, robot, invoice_email, \
        invalid_login_attempts, last_invalid_login, removed_tag_expiration_s, enabled) \
     SELECT 100 + n, 100 + n, 'other' || n || CASE WHEN n % 2 = 0 THEN '+bot' ELSE '' END, 'other' || n, false, \
        n % 3 = 1, n % 2 = 0, false, 0, '2026-01-01', 1209600, true \
     FROM {}",
    "INSERT INTO repository (id, namespace_user_id, name, visibility_id, badge_token, kind_id, trust_enabled, state) \
     SELECT n, CASE WHEN n % 500 = 0 THEN 3 ELSE 2 END, 'r' || n, 2, '', 1, false, 0 FROM {}",
    "INSERT INTO team (id, name, organization_id, role_id, description) VALUES (1, 'all', 2, 3, ''), (2, 'owners', 3, 1, '')",
    "INSERT INTO team (id, name, organization_id, role_id, description) SELECT 100 + n, 'other' || n, 100 + n, 1, '' FROM {}",
    "INSERT INTO teammember (user_id, team_id) VALUES (5, 1), (5, 2)",
    "INSERT INTO teammember (user_id, team_id) SELECT 100 + n, 100 + n FROM {}",
    "INSERT INTO repositorypermission (team_id, repository_id, role_id) SELECT 1, n, 3 FROM {} WHERE n % 500 <> 0",
];

/// The statements: module, name, values.
const STATEMENTS: &[(&str, &str, &[&str])] = &[
    ("account_refs", "PEOPLE", &["'name'", "'namf'", "10", "2"]),
    (
        "account_refs",
        "ROBOTS",
        &["'name3+'", "'name3,'", "10", "2"],
    ),
    ("robot_details", "LIST", &["'name3+'", "'name3,'", "10"]),
    (
        "search",
        "NAMESPACES",
        &["'name'", "'namf'", "5", "1", "1", "6"],
    ),
    ("search", "ROBOTS", &["5", "'bo'", "'bp'", "1", "6"]),
    ("search", "TEAMS", &["5", "'o%'", "1", "6"]),
];

/// The statement as this engine has it, with its values.
fn filled(module: &str, name: &str, engine: &str, values: &[&str]) -> String {
    let of_engine = format!("{name}_{engine}");
    let (_, _, sql) = queries::statements()
        .into_iter()
        .find(|(in_module, statement, _)| {
            *in_module == module && (*statement == name || *statement == of_engine)
        })
        .unwrap();
    plans::filled(sql, values)
}

#[tokio::test]
async fn postgresql_reads_what_begins_so() {
    let series = format!("(SELECT generate_series(1, {MANY}) AS n) s");
    let rows: Vec<String> = ROWS.iter().map(|sql| sql.replace("{}", &series)).collect();
    let mut conn = plans::postgres(&rows).await;
    for (module, name, values) in STATEMENTS {
        let sql = filled(module, name, "POSTGRES", values);
        let plan = plans::of_postgres(&mut conn, &sql).await;
        if *name != "TEAMS" {
            assert!(
                plan.contains("pierhead_user_username"),
                "{module}::{name}\n{plan}"
            );
        }
        for step in plan.lines() {
            let read = plans::rows_given(step) + plans::rows_left_out(step);
            assert!(
                read < 100,
                "{module}::{name}: {read} rows in one step\n{plan}"
            );
        }
    }
}

#[tokio::test]
async fn sqlite_reads_what_begins_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut conn = plans::sqlite(folder.path()).await;
    for (module, name, values) in STATEMENTS {
        let sql = filled(module, name, "SQLITE", values);
        let plan = plans::of_sqlite(&mut conn, &sql).await;
        if *name != "TEAMS" {
            assert!(plan.contains("user_username"), "{module}::{name}\n{plan}");
        }
        // Those hold what was found, and the few namespaces and teams of the person who asks.
        let few = ["found", "own", "owner", "mine", "open_to_all"];
        for step in plan.lines() {
            let scanned = step
                .strip_prefix("SCAN ")
                .and_then(|rest| rest.split(' ').next());
            assert!(
                scanned.is_none_or(|scanned| few.contains(&scanned)),
                "{module}::{name}: {step}\n{plan}"
            );
            // An index of a column that half of the accounts share is as good as none.
            let shared = ["user_robot ", "user_organization "];
            assert!(
                !shared.iter().any(|index| step.contains(index)),
                "{module}::{name}: {step}\n{plan}"
            );
        }
    }
}
