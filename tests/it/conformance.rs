//! The official conformance suite of the OCI distribution specification, with every optional API and
//! every kind of data switched on. Nothing may fail and nothing may be skipped.

use std::fs;

use pierhead_testkit::{Engine, Error, Pierhead, Result, Sandbox, Tool};
use serde_json::json;

/// What is off by default in the suite; the rest is named too, so that a changed default is no surprise.
const SWITCHES: [&str; 30] = [
    "OCI_API_PULL",
    "OCI_API_PUSH",
    "OCI_API_REFERRER",
    "OCI_API_BLOBS_ATOMIC",
    "OCI_API_BLOBS_DELETE",
    "OCI_API_BLOBS_DIGEST_HEADER",
    "OCI_API_BLOBS_MOUNT_ANONYMOUS",
    "OCI_API_BLOBS_UPLOAD_CANCEL",
    "OCI_API_MANIFESTS_ATOMIC",
    "OCI_API_MANIFESTS_DELETE",
    "OCI_API_MANIFESTS_DIGEST_HEADER",
    "OCI_API_MANIFESTS_TAG_PARAM",
    "OCI_API_TAGS_ATOMIC",
    "OCI_API_TAGS_DELETE",
    "OCI_API_TAGS_LIST",
    "OCI_DATA_IMAGE",
    "OCI_DATA_INDEX",
    "OCI_DATA_INDEX_LIST",
    "OCI_DATA_ARTIFACT",
    "OCI_DATA_ARTIFACT_LIST",
    "OCI_DATA_SUBJECT",
    "OCI_DATA_SUBJECT_MISSING",
    "OCI_DATA_SUBJECT_LIST",
    "OCI_DATA_DATA_FIELD",
    "OCI_DATA_NONDISTRIBUTABLE",
    "OCI_DATA_CUSTOM_FIELDS",
    "OCI_DATA_NO_LAYERS",
    "OCI_DATA_EMPTY_BLOB",
    "OCI_DATA_SHA512",
    "OCI_DATA_SPARSE",
];

/// The counts in the head of `junit.xml`, and the cases that did not pass.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    not_passed: usize,
}

impl Counts {
    /// Reads the attributes of `testsuites` and of its one `testsuite`; a count that is 0 may be left out of either.
    fn read(junit: &str) -> Option<Self> {
        let head = junit
            .split_once("<testsuites ")?
            .1
            .split_once("<testsuite ")?;
        let heads = [head.0, head.1.split_once('>')?.0];
        let number = |name: &str| {
            let named = format!("{name}=\"");
            let number = |head: &str| head.split_once(&named)?.1.split_once('"')?.0.parse().ok();
            heads.iter().filter_map(|head| number(head)).max()
        };
        let count = |mark: &str| junit.matches(mark).count();
        Some(Self {
            tests: number("tests")?,
            failures: number("failures")?,
            errors: number("errors")?,
            skipped: number(" skipped").unwrap_or(0) + number(" disabled").unwrap_or(0),
            not_passed: count("<testcase ").checked_sub(count(" status=\"passed\""))?,
        })
    }
}

#[tokio::test]
async fn the_suite_passes_completely_on_sqlite() {
    passes_completely(
        Engine::Sqlite,
        Pierhead::start(Engine::Sqlite).await.unwrap(),
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn the_suite_passes_completely_on_postgresql() {
    let server = Pierhead::builder()
        .engine(Engine::PostgreSql)
        .config(json!({ "FEATURE_SPARSE_INDEX": true }))
        .start()
        .await
        .unwrap();
    passes_completely(Engine::PostgreSql, server).await.unwrap();
}

async fn passes_completely(engine: Engine, mut server: Pierhead) -> Result<()> {
    let owner = server.initialize("devel").await?;
    // The suite asks for tags and referrers before it pushes anything; and it mounts between two
    // repositories, here of two namespaces.
    server.create_organization("conformance", &owner)?;
    let repositories = ["devel/first", "conformance/second"];
    for repository in repositories {
        server.create_repository(repository, "private")?;
    }

    let sandbox = Sandbox::new()?;
    let mut suite = Tool::new("conformance", &sandbox)?
        .env("OCI_REGISTRY", server.host())
        .env("OCI_TLS", "disabled")
        .env("OCI_REPO1", repositories[0])
        .env("OCI_REPO2", repositories[1])
        .env("OCI_USERNAME", owner.username())
        .env("OCI_PASSWORD", owner.password())
        .env("OCI_VERSION", "dev")
        .env(
            "OCI_RESULTS_DIR",
            sandbox.path("results").display().to_string(),
        );
    for switch in SWITCHES {
        suite = suite.env(switch, "true");
    }
    let output = suite.run_with_input(&[], "").await?;

    let junit = fs::read_to_string(sandbox.path("results/junit.xml")).unwrap_or_default();
    let Some(counts) = Counts::read(&junit) else {
        output.succeeded()?;
        return Err(Error::unexpected(format!(
            "the suite wrote no counts: {junit}"
        )));
    };
    println!("conformance on {engine:?}: {counts:?}");
    if counts.failures + counts.errors + counts.skipped + counts.not_passed > 0 {
        return Err(Error::unexpected(format!(
            "{counts:?}\n{}",
            complaints(&junit)
        )));
    }
    output.succeeded()?;
    assert!(
        counts.tests > 900,
        "the suite was expected to have about 1030 cases: {counts:?}"
    );
    server.stop().await
}

/// The cases of `junit.xml` that did not pass, with what was said about them.
fn complaints(junit: &str) -> String {
    junit
        .split("<testcase ")
        .skip(1)
        .filter_map(|case| case.split("</testcase>").next())
        .filter(|case| !case.contains(" status=\"passed\""))
        .map(str::trim)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_counts_are_those_of_the_whole_run() {
    let junit = "<testsuites time=\"3.2\" tests=\"12\" failures=\"1\" skipped=\"1\">\n\
                 <testsuite name=\"a\" tests=\"12\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"3.2\">\n\
                 <testcase name=\"a\" status=\"passed\"></testcase>\
                 <testcase name=\"b\" status=\"failure\"></testcase>\
                 <testcase name=\"c\" status=\"skipped\"></testcase></testsuite></testsuites>";
    let expected = Counts {
        tests: 12,
        failures: 1,
        errors: 0,
        skipped: 1,
        not_passed: 2,
    };
    assert_eq!(Counts::read(junit), Some(expected));
}
