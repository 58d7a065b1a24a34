//! From schemas of OpenAPI 3.1 to those of Swagger 2.0, which knows no null and keeps definitions elsewhere.

use serde_json::{Value, json};

/// The schema in Swagger's words.
pub(crate) fn swagger(schema: Value) -> Value {
    match schema {
        Value::Object(fields) => {
            if let Some(known) = fields.get("oneOf").and_then(without_null) {
                return swagger(known);
            }
            fields
                .into_iter()
                .map(|(key, value)| match key.as_str() {
                    "$ref" => (key, json!(reference(&value))),
                    "type" => (key, json!(first_type(&value))),
                    _ => (key, swagger(value)),
                })
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.into_iter().map(swagger).collect(),
        other => other,
    }
}

/// The type of a parameter.
pub(crate) fn simple_type(schema: &Value) -> &str {
    let given = schema
        .get("oneOf")
        .and_then(Value::as_array)
        .and_then(|choices| choices.iter().find(|choice| choice["type"] != "null"))
        .unwrap_or(schema);
    match first_type(&given["type"]) {
        "" => "string",
        known => known,
    }
}

/// The only choice beside null.
fn without_null(choices: &Value) -> Option<Value> {
    let mut others = choices
        .as_array()?
        .iter()
        .filter(|choice| choice["type"] != "null");
    let only = others.next()?;
    others.next().is_none().then(|| only.clone())
}

fn first_type(of: &Value) -> &str {
    match of {
        Value::String(one) => one,
        Value::Array(several) => several
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null")
            .unwrap_or_default(),
        _ => "",
    }
}

fn reference(target: &Value) -> String {
    let target = target.as_str().unwrap_or_default();
    target.replace("#/components/schemas/", "#/definitions/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_left_out_and_definitions_are_elsewhere() {
        let schema = json!({
            "type": "object",
            "properties": {
                "name": { "type": ["string", "null"] },
                "owner": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Owner" }] },
            },
        });
        assert_eq!(
            swagger(schema),
            json!({
                "type": "object",
                "properties": {
                    "name": { "type": "string" },
                    "owner": { "$ref": "#/definitions/Owner" },
                },
            })
        );
        assert_eq!(
            simple_type(&json!({ "type": ["integer", "null"] })),
            "integer"
        );
    }
}
