//! Expected values are those of PyYAML's `safe_load`.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::yaml::{MAX_NODES, parse};

fn value(yaml: &str) -> Value {
    parse(yaml).unwrap().value
}

#[test]
fn plain_scalars_mean_what_pyyaml_says() {
    for (text, expected) in [
        ("yes", json!(true)),
        ("No", json!(false)),
        ("ON", json!(true)),
        ("off", json!(false)),
        ("TRUE", json!(true)),
        ("tRUE", json!("tRUE")),
        ("y", json!("y")),
        ("n", json!("n")),
        ("~", Value::Null),
        ("Null", Value::Null),
        ("nULL", json!("nULL")),
        ("", Value::Null),
        ("0", json!(0)),
        ("00", json!(0)),
        ("0777", json!(511)),
        ("08", json!("08")),
        ("-0x1F", json!(-31)),
        ("0x", json!("0x")),
        ("0b101", json!(5)),
        ("0o17", json!("0o17")),
        ("+12", json!(12)),
        ("1_000", json!(1000)),
        ("_1", json!("_1")),
        ("1,000", json!("1,000")),
        ("190:20:30", json!(685_230)),
        ("1:30", json!(90)),
        ("1:60", json!("1:60")),
        ("0:0", json!("0:0")),
        ("007:30", json!("007:30")),
        ("1.5", json!(1.5)),
        ("1.", json!(1.0)),
        (".5", json!(0.5)),
        ("-.5", json!("-.5")),
        ("1_0.5", json!(10.5)),
        ("1e3", json!("1e3")),
        ("1.5e3", json!("1.5e3")),
        ("1.5e+3", json!(1500.0)),
        ("12.3.4", json!("12.3.4")),
        ("2026-01-02", json!("2026-01-02")),
        ("'5432'", json!("5432")),
        ("\"yes\"", json!("yes")),
        ("!!str 12", json!("12")),
        ("!!int '12'", json!(12)),
        ("! 12", json!("12")),
    ] {
        assert_eq!(
            value(&format!("key: {text}")),
            json!({"key": expected}),
            "{text}"
        );
    }
}

#[test]
fn a_number_too_large_for_a_machine_keeps_its_digits() {
    let digits = "123456789012345678901234567890123456789012345678901234567890";
    assert_eq!(value(&format!("key: {digits}")), json!({"key": digits}));
}

#[test]
fn json_anchors_and_merge_keys_are_understood() {
    assert_eq!(
        value(r#"{"a": [1, {"b": null}]}"#),
        json!({"a": [1, {"b": null}]})
    );
    assert_eq!(
        value("base: &base {host: a, port: 1}\nother:\n  <<: *base\n  port: 2\nsame: *base"),
        json!({
            "base": {"host": "a", "port": 1},
            "other": {"port": 2, "host": "a"},
            "same": {"host": "a", "port": 1},
        })
    );
    assert_eq!(
        value("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}")["c"],
        json!({"x": 1, "y": 2})
    );
}

#[test]
fn the_last_of_a_repeated_key_counts_and_is_reported() {
    let parsed = parse("a: 1\nb: 2\na: 3").unwrap();
    assert_eq!(parsed.value, json!({"a": 3, "b": 2}));
    assert_eq!(parsed.repeated, [("a".to_owned(), 3)]);
}

#[test]
fn tags_that_would_build_objects_are_refused() {
    for text in [
        "key: !!python/object/apply:os.system [ls]",
        "key: !!python/name:os.system ''",
        "key: !custom {a: 1}",
        "key: !!set {a}",
        "!!python/tuple [1]",
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.message.contains("tag"), "{text}: {error}");
    }
}

#[test]
fn what_is_not_one_document_of_plain_values_is_refused() {
    for text in [
        "a: 1\n---\nb: 2",
        "a: &a [*a]",
        "? [a]\n: 1",
        "a: *nothing",
        "a: [1",
        "a: !!int x",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn aliases_cannot_blow_up_the_document() {
    let mut text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
    for level in 1..9 {
        let previous = format!("*a{}", level - 1);
        text.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            vec![previous; 10].join(", ")
        ));
    }
    let error = parse(&text).unwrap_err();
    assert!(error.message.contains(&MAX_NODES.to_string()), "{error}");
}

proptest! {
    #[test]
    fn no_text_stops_the_parser(text in "([a-z0-9:&*!<>|#%@'\"{}\\[\\], \n.-]|\\PC){0,80}") {
        let _ = parse(&text);
    }

    #[test]
    fn json_is_read_as_json(text in "[a-z]{1,8}", number in any::<i64>(), flag in any::<bool>()) {
        let document = json!({"list": [text, number, flag, Value::Null], "map": {"inner": number}});
        prop_assert_eq!(value(&document.to_string()), document);
    }
}
