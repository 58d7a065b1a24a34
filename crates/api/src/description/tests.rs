#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Publisher, openapi, swagger};
use crate::controllers;
use crate::testing;

/// What `/api/v1/discovery` of Quay 3.18 lists: path, method, operation id, scopes, parameters (`!`: required).
const QUAY: &str = include_str!("quay-3.18-operations.tsv");

/// An operation as a line of [`QUAY`] tells it. Parameters in the path are told by the path.
#[derive(Debug, PartialEq, Eq)]
struct Operation {
    id: String,
    scope: String,
    parameters: BTreeSet<String>,
}

fn of_quay() -> BTreeMap<(String, String), Operation> {
    QUAY.lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let parameters = fields[4]
                .split_whitespace()
                .filter(|parameter| !parameter.starts_with("path:"))
                .map(str::to_owned)
                .collect();
            let operation = Operation {
                id: fields[2].to_owned(),
                scope: fields[3].to_owned(),
                parameters,
            };
            ((fields[0].to_owned(), fields[1].to_owned()), operation)
        })
        .collect()
}

fn ours() -> BTreeMap<(String, String), Operation> {
    let document = swagger(
        &controllers::routes(),
        &testing::config(),
        Publisher::default(),
        false,
        |_| true,
    );
    let mut operations = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let Some(id) = operation["operationId"].as_str() else {
                continue;
            };
            let scope = &operation["security"][0]["oauth2_implicit"][0];
            let parameters = operation["parameters"].as_array().unwrap();
            let told = Operation {
                id: id.to_owned(),
                scope: scope.as_str().unwrap_or_default().to_owned(),
                parameters: parameters.iter().map(parameter).collect(),
            };
            operations.insert((path.clone(), method.to_ascii_uppercase()), told);
        }
    }
    operations
}

fn parameter(parameter: &Value) -> String {
    let (place, name) = (&parameter["in"], &parameter["name"]);
    let required = if parameter["required"] == true {
        "!"
    } else {
        ""
    };
    let (place, name) = (place.as_str().unwrap(), name.as_str().unwrap());
    format!("{place}:{name}{required}")
}

/// Why discovery differs from Quay's, by the operation that differs.
const EXPLAINED: [(&str, &str); 23] = [
    ("getSuperUserRepositoryMirrorHealth", UNDECLARED),
    (
        "getRepoBuildLogs",
        "Quay reads `start`, and does not say so.",
    ),
    (
        "getRepoBuildLogsSuperUser",
        "Quay reads `start`, and does not say so.",
    ),
    (
        "renewBootstrapToken",
        "With FEATURE_PROGRAMMATIC_BOOTSTRAP, which was off where the list was taken.",
    ),
    (
        "removeTagFromTimemachine",
        "With PERMANENTLY_DELETE_TAGS, which was off.",
    ),
    (
        "enableOrganizationTeamSync",
        "With FEATURE_TEAM_SYNCING, which was off.",
    ),
    (
        "disableOrganizationTeamSync",
        "With FEATURE_TEAM_SYNCING, which was off.",
    ),
    (
        "inviteTeamMemberEmail",
        "With FEATURE_MAILING, which was off.",
    ),
    (
        "deleteTeamMemberEmailInvite",
        "With FEATURE_MAILING, which was off.",
    ),
    ("changeRepoTrust", SIGNING),
    ("getRepoSignatures", SIGNING),
    ("listOrgNotifications", QUOTA_NOTIFICATIONS),
    ("createOrgNotification", QUOTA_NOTIFICATIONS),
    ("getOrgNotification", QUOTA_NOTIFICATIONS),
    ("deleteOrgNotification", QUOTA_NOTIFICATIONS),
    ("resetOrgNotificationFailures", QUOTA_NOTIFICATIONS),
    ("testOrgNotification", QUOTA_NOTIFICATIONS),
    ("listUserNamespaceNotifications", QUOTA_NOTIFICATIONS),
    ("createUserNamespaceNotification", QUOTA_NOTIFICATIONS),
    ("getUserNamespaceNotification", QUOTA_NOTIFICATIONS),
    ("deleteUserNamespaceNotification", QUOTA_NOTIFICATIONS),
    (
        "resetUserNamespaceNotificationFailures",
        QUOTA_NOTIFICATIONS,
    ),
    ("testUserNamespaceNotification", QUOTA_NOTIFICATIONS),
];
const UNDECLARED: &str = "Quay asks for the scope, and does not say so.";
const SIGNING: &str = "With FEATURE_SIGNING, which was off.";
const QUOTA_NOTIFICATIONS: &str = "With FEATURE_QUOTA_NOTIFICATIONS, which was off.";

#[test]
fn discovery_lists_what_quay_lists_and_every_difference_is_explained() {
    let (quay, mut ours) = (of_quay(), ours());
    let mut differences = BTreeMap::new();
    for ((path, method), theirs) in quay {
        match ours.remove(&(path.clone(), method.clone())) {
            None => drop(differences.insert(theirs.id, format!("missing: {method} {path}"))),
            Some(own) if own != theirs => {
                let line = format!("{method} {path}: {own:?} instead of {theirs:?}");
                differences.insert(theirs.id, line);
            }
            Some(_) => {}
        }
    }
    for ((path, method), own) in ours {
        let line = format!("more: {method} {path} {own:?}");
        differences.insert(own.id, line);
    }
    let mut explained: BTreeMap<&str, &str> = EXPLAINED.into_iter().collect();
    let lines: Vec<String> = differences
        .into_iter()
        .map(|(id, line)| {
            let why = explained.remove(id.as_str());
            format!("{line}\n    {}", why.unwrap_or("NOT EXPLAINED"))
        })
        .collect();
    assert_eq!(explained, BTreeMap::new(), "these are as in Quay now");
    // One snapshot, so that no difference can stay behind in a file that nothing looks at.
    insta::assert_snapshot!(lines.join("\n"));
    assert!(!lines.iter().any(|line| line.ends_with("NOT EXPLAINED")));
}

#[test]
fn every_reference_of_both_documents_leads_somewhere() {
    let routes = controllers::routes();
    let config = testing::config();
    for document in [
        swagger(&routes, &config, Publisher::default(), true, |_| true),
        openapi(&routes, &config, |_| true),
    ] {
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let mut seen = BTreeSet::new();
    for (_, documentation) in super::documented(&controllers::routes()) {
        let id = (documentation.operation)().operation_id.unwrap();
        assert!(seen.insert(id.clone()), "{id}");
    }
}

#[test]
fn the_reference_in_the_docs_is_made_from_the_routes() {
    let document = openapi(&controllers::routes(), &testing::config(), |_| true);
    let text = super::reference::markdown(&document);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api-reference.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap_or_default(),
        text,
        "docs/api-reference.md differs from the routes; run: UPDATE_DOCS=1 cargo test -p pierhead-api description"
    );
}
