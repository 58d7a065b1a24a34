use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Bundle, variables};
use crate::{Config, Secret, Sources, yaml};

/// A file with `MARKER` wherever a secret can stand.
const TEMPLATE: &str = include_str!("../../testdata/secrets.yaml");

/// Everything that the crate can say about a configuration.
fn everything_said(sources: &Sources) -> String {
    match Config::load(sources) {
        Err(error) => format!("{error}\n{error:?}"),
        Ok(loaded) => format!(
            "{loaded:?}\n{:#?}\n{}\n{}\n{}\n{}",
            loaded.config,
            loaded.config.print(),
            serde_json::to_string(&loaded.config).unwrap(),
            loaded.config.published(),
            loaded
                .warnings
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n"),
        ),
    }
}

fn said_of(yaml: &str) -> String {
    everything_said(&Bundle::new(yaml).file("f.pem").sources(&[]))
}

#[test]
fn the_template_is_valid_and_has_every_secret_field() {
    let loaded = Bundle::new(&TEMPLATE.replace("MARKER", "marker"))
        .file("f.pem")
        .load();
    for section in Config::reference() {
        for field in section.fields.iter().filter(|field| field.secret) {
            assert!(
                loaded.config.is_given(field.key),
                "{} is not in the template",
                field.key
            );
        }
    }
    assert_eq!(
        loaded.config.mail.mail_password,
        Some(Secret::new("marker"))
    );
}

#[test]
fn a_secret_shows_itself_only_when_it_is_exposed() {
    let secret = Secret::new("hunter2");
    let said = format!(
        "{secret} {secret:?} {}",
        serde_json::to_string(&secret).unwrap()
    );
    assert!(!said.contains("hunter2"));
    assert_eq!(secret.expose(), "hunter2");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_secret_is_ever_said(marker in "q[a-z0-9]{14,24}z") {
        prop_assert!(!said_of(&TEMPLATE.replace("MARKER", &marker)).contains(&marker));
    }
}

/// The places of a document below which a secret stands.
fn places(value: &Value, place: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    if !value.to_string().contains("sekrit") {
        return;
    }
    if !place.is_empty() {
        found.push(place.clone());
    }
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        place.push(key);
        places(child, place, found);
        place.pop();
    }
}

#[test]
fn no_secret_is_said_when_it_stands_where_it_does_not_belong() {
    let document = yaml::parse(&TEMPLATE.replace("MARKER", "sekrit"))
        .unwrap()
        .value;
    let mut found = Vec::new();
    places(&document, &mut Vec::new(), &mut found);
    assert!(found.len() > 100, "{}", found.len());
    for place in found {
        for wrong in [
            json!("sekrit"),
            json!({"x": "sekrit"}),
            json!([["sekrit"]]),
            json!(true),
        ] {
            let mut changed = document.clone();
            *changed
                .pointer_mut(&format!("/{}", place.join("/")))
                .unwrap() = wrong.clone();
            let said = said_of(&changed.to_string());
            assert!(!said.contains("sekrit"), "{place:?} = {wrong}: {said}");
        }
    }
}

#[test]
fn no_secret_is_said_when_the_file_is_broken() {
    for text in [
        "SECRET_KEY: *sekrit",
        "SECRET_KEY: 'sekrit",
        "SECRET_KEY: !sekrit x",
        "SECRET_KEY: %sekrit",
        "SECRET_KEY: @sekrit",
        "SECRET_KEY: `sekrit",
        "SECRET_KEY: sekrit: x",
        "SECRET_KEY: [sekrit",
        "SECRET_KEY: !!int sekrit",
        "- sekrit",
        "sekrit",
        "%sekrit\n---\na: b",
    ] {
        let said = said_of(text);
        assert!(!said.contains("sekrit"), "{text}: {said}");
    }
}

#[test]
fn no_secret_of_the_environment_is_said() {
    let bundle = Bundle::minimal_and("");
    for value in [
        "sekrit",
        "{\"MAIL_PASSWORD\": \"sekrit\"}",
        "{\"MAIL_PASSWORD\": [\"sekrit\"]}",
        "{\"sekrit",
    ] {
        let mut sources = bundle.sources(&[("HTTPS_PROXY", "http://user:sekrit@proxy:3128")]);
        sources
            .environment
            .extend(variables(&[("QUAY_OVERRIDE_CONFIG", value)]));
        let said = everything_said(&sources);
        assert!(!said.contains("sekrit"), "{value}: {said}");
    }
}
