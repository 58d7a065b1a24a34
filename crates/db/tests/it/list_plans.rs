//! Pages of long lists are walked along indexes: a repository of many tags, a namespace of many repositories.

use pierhead_db::queries::{self, repository_lists};

use crate::plans::{self, filled};

/// Rows of the large repository and the large namespace, and of everything else together.
const MANY: usize = 20_000;

/// One namespace (2) with many repositories and one (3) with few; a repository (1) with many tags; a team (1) and a person
/// (4) with permissions for all of namespace 2; many other people.
fn rows(series: &str) -> Vec<String> {
    let series = |most: usize| series.replace("MANY", &most.to_string());
    vec![
        format!(
            "INSERT INTO \"user\" (id, uuid, username, password_hash, email, verified, organization, robot, \
                invoice_email, invalid_login_attempts, last_invalid_login, removed_tag_expiration_s, enabled) \
             SELECT n, n, 'name' || n, '', 'mail' || n, true, n < 4, false, false, 0, '2026-01-01', 1209600, true \
             FROM {} WHERE n > 1",
            series(4)
        ),
        format!(
            "INSERT INTO \"user\" (id, uuid, username, email, verified, organization, robot, invoice_email, \
                invalid_login_attempts, last_invalid_login, removed_tag_expiration_s, enabled) \
             SELECT 100 + n, 100 + n, 'other' || n, 'other' || n, true, false, false, false, 0, '2026-01-01', 1209600, true \
             FROM {}",
            series(MANY)
        ),
        format!(
            "INSERT INTO repository (id, namespace_user_id, name, visibility_id, badge_token, kind_id, trust_enabled, state) \
             SELECT n, CASE WHEN n % 500 = 0 THEN 3 ELSE 2 END, 'r' || n, CASE WHEN n % 7 = 0 THEN 1 ELSE 2 END, '', 1, false, 0 \
             FROM {}",
            series(MANY)
        ),
        "INSERT INTO team (id, name, organization_id, role_id, description) VALUES (1, 'all', 2, 3, '')".to_owned(),
        "INSERT INTO teammember (user_id, team_id) VALUES (4, 1)".to_owned(),
        format!(
            "INSERT INTO repositorypermission (team_id, repository_id, role_id) SELECT 1, n, 3 FROM {} WHERE n % 500 <> 0",
            series(MANY)
        ),
        format!(
            "INSERT INTO repositorypermission (user_id, repository_id, role_id) SELECT 4, n, 3 FROM {} WHERE n % 500 <> 0",
            series(MANY)
        ),
        "INSERT INTO manifest (id, repository_id, digest, media_type_id, manifest_bytes) VALUES (1, 1, 'sha256:00', 1, '{}')"
            .to_owned(),
        format!(
            "INSERT INTO tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, reversion, \
                tag_kind_id, immutable) \
             SELECT 't' || n, 1, 1, n, CASE WHEN n % 3 = 0 THEN n + 1 END, false, false, 1, false FROM {}",
            series(MANY)
        ),
    ]
}

/// The pages to look at: what for, the text, its values, and what the plan must use.
fn pages() -> Vec<(String, String, Vec<&'static str>, &'static [&'static str])> {
    let fixed = |name: &str| {
        queries::statements()
            .into_iter()
            .find(|(module, statement, _)| (*module, *statement) == ("tag_history", name))
            .map(|(_, _, sql)| sql.to_owned())
            .unwrap()
    };
    let last = "9223372036854775807";
    let mut pages = vec![
        (
            "all tags".to_owned(),
            fixed("PAGE"),
            vec!["1", "NULL", "NULL", last, "''", "0", "51", "0"],
            &["tag_repository_id_lifetime_start_ms"][..],
        ),
        (
            "living tags, from the middle on".to_owned(),
            fixed("PAGE"),
            vec!["1", "5", "NULL", "9000", "'t9000'", "1", "51", "0"],
            &["tag_repository_id_lifetime_start_ms"],
        ),
        (
            "a place in the list of tags".to_owned(),
            fixed("PLACE"),
            vec!["1", "NULL", "NULL", last, "''", "0", "900"],
            &["tag_repository_id_lifetime_start_ms"],
        ),
        (
            "tags that came".to_owned(),
            fixed("CHANGES"),
            vec!["1", "19990", "NULL", "NULL", "NULL", "1001"],
            &["tag_repository_id_lifetime_start_ms"],
        ),
        (
            "tags that came and tags that ended".to_owned(),
            fixed("CHANGES"),
            vec!["1", "19990", "19000", "18990", "NULL", "1001"],
            &["tag_repository_id_lifetime_start_ms", "_lifetime_end_ms "],
        ),
        (
            "the newest tag".to_owned(),
            fixed("NEWEST_START"),
            vec!["1"],
            &["tag_repository_id_lifetime_start_ms"],
        ),
        (
            "the history of a name".to_owned(),
            fixed("PAGE_OF_NAME"),
            vec!["1", "'t77'", "NULL", "51", "0"],
            &["tag_repository_id_name"],
        ),
    ];
    for (what, sql) in repository_lists::shapes() {
        pages.push((
            what.to_owned(),
            sql,
            vec![
                "1",
                "101",
                "1",
                "1",
                "4",
                "'2026-01-01'",
                "5",
                "2",
                "1",
                "2",
            ],
            &[],
        ));
    }
    pages
}

#[tokio::test]
async fn postgresql_walks_a_page_of_a_long_list() {
    let mut conn = plans::postgres(&rows("(SELECT generate_series(1, MANY) AS n) s")).await;
    for (what, sql, values, used) in pages() {
        let plan = plans::of_postgres(&mut conn, &filled(&sql, &values)).await;
        for index in used {
            assert!(plan.contains(index), "{what}: {index} is not used\n{plan}");
        }
        for step in plan.lines() {
            let rows = plans::rows_given(step);
            assert!(rows < 1_000, "{what}: {rows} rows in one step\n{plan}");
            let left_out = plans::rows_left_out(step);
            assert!(
                left_out < 2_000,
                "{what}: {left_out} rows read for nothing\n{plan}"
            );
        }
    }
}

#[tokio::test]
async fn sqlite_walks_a_page_of_a_long_list() {
    let folder = tempfile::tempdir().unwrap();
    let mut conn = plans::sqlite(folder.path()).await;
    for (what, sql, values, used) in pages() {
        let plan = plans::of_sqlite(&mut conn, &filled(&sql, &values)).await;
        for index in used {
            assert!(plan.contains(index), "{what}: {index} is not used\n{plan}");
        }
        // A branch is read in order, so that its limit ends it; only the few rows of all branches together are sorted.
        for step in plan.lines().filter(|step| step.starts_with("SCAN")) {
            let few = [
                "SCAN b",
                "SCAN u",
                "SCAN v",
                "SCAN page",
                "SCAN CONSTANT",
                "SCAN r",
            ];
            assert!(
                few.iter().any(|few| step.starts_with(few)),
                "{what}: {step}\n{plan}"
            );
        }
    }
}
