use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Bundle, MINIMAL};
use crate::environment::Environment;
use crate::field::Section;
use crate::{Config, ConfigError, IGNORED, reference};

/// Every top-level field that Quay's configuration is known to have.
const FIELDS: &str = include_str!("../../testdata/fields.txt");

/// Every environment variable that a Quay container is known to read.
const VARIABLES: &str = include_str!("../../testdata/environment.txt");

/// Every key of nested maps, behind the name of the map.
const NESTED: &str = include_str!("../../testdata/nested-fields.txt");

fn typed() -> Vec<&'static str> {
    Config::reference()
        .iter()
        .flat_map(|section| section.fields.iter().map(|field| field.key))
        .collect()
}

#[test]
fn every_field_of_quay_is_typed_or_ignored_for_a_reason() {
    let typed: BTreeSet<&str> = typed().into_iter().collect();
    let ignored: BTreeMap<&str, &str> = IGNORED.iter().copied().collect();
    for field in FIELDS.lines() {
        let open_ended = field.ends_with("_LOGIN_CONFIG");
        let reason = ignored.get(field).is_some_and(|reason| !reason.is_empty());
        assert!(
            typed.contains(field) != reason || open_ended,
            "{field} must be typed or ignored for a reason, not both"
        );
    }
    assert!(FIELDS.lines().count() > 400);
}

#[test]
fn no_field_is_defined_twice_and_each_is_described() {
    let keys = typed();
    let unique: BTreeSet<&str> = keys.iter().copied().collect();
    assert_eq!(unique.len(), keys.len());
    for section in Config::reference() {
        for field in section.fields {
            assert!(field.doc.trim().ends_with('.'), "{}", field.key);
        }
    }
}

#[test]
fn every_environment_variable_is_known() {
    let fields = <Environment as Section>::fields();
    for variable in VARIABLES.lines() {
        assert!(
            fields.iter().any(|field| field.key == variable),
            "{variable}"
        );
    }
}

#[test]
fn every_key_of_nested_maps_is_in_the_reference() {
    let reference = reference();
    let sections: Vec<&str> = reference.split("\n#").collect();
    for line in NESTED.lines() {
        let (name, keys) = line.split_once(": ").unwrap();
        let name = name.replace("EXAMPLE", "<PREFIX>");
        let section = sections
            .iter()
            .find(|section| section.lines().next().unwrap().contains(&name))
            .unwrap_or_else(|| panic!("no section for {name}"));
        for key in keys.split(' ') {
            assert!(section.contains(&format!("| `{key}` |")), "{name}: {key}");
        }
    }
}

#[test]
fn every_default_that_is_shown_is_read_back_as_the_same_value() {
    let defaults = Config::default().show();
    // Secrets are not shown, and the others are what a file must set itself.
    let kept: Vec<_> = defaults
        .iter()
        .filter(|(key, _)| !["PAGE_TOKEN_KEY", "FEATURE_MAILING"].contains(&key.as_str()))
        .filter(|(key, _)| !MINIMAL.contains(&format!("\n{key}:")))
        .collect();
    assert!(kept.len() > 380);
    let mut yaml = String::new();
    for (key, value) in &kept {
        yaml.push_str(&format!("{key}: {value}\n"));
    }
    let shown = Bundle::minimal_and(&yaml).load().config.show();
    for (key, value) in kept {
        assert_eq!(&shown[key], value, "{key}");
    }
}

#[test]
fn no_value_of_any_field_stops_the_process() {
    let bundle = Bundle::minimal_and("");
    for key in typed() {
        for value in [
            "null",
            "true",
            "-1",
            "0",
            "1e300",
            "18446744073709551615",
            "\"\"",
            "\"\\u0000é\"",
            "[]",
            "{}",
            "[[]]",
            "[null]",
            "[\"a\", {}]",
            "{\"a\": {\"b\": []}}",
            "{\"\": null}",
        ] {
            let json = format!("{{\"{key}\": {value}}}");
            match Config::load(&bundle.sources(&[("QUAY_OVERRIDE_CONFIG", &json)])) {
                Ok(loaded) => assert!(loaded.config.print().contains(key)),
                Err(ConfigError::Invalid { problems }) => assert!(!problems.is_empty()),
                Err(error) => panic!("{key}: {value}: {error}"),
            }
        }
    }
}

#[test]
fn the_reference_in_docs_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let expected = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == expected,
        "docs/configuration.md differs from the fields; run: UPDATE_DOCS=1 cargo test -p pierhead-config"
    );
}
