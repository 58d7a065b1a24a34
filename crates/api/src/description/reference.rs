//! `docs/api-reference.md`: the OpenAPI document for people to read, made from it and compared with it by a test.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

const HEAD: &str = "# API reference

<!-- Generated from the routes; after a change of one run:
     UPDATE_DOCS=1 cargo test -p pierhead-api description -->

Every operation of [the management API](api.md), as `GET /api/v1/openapi.json` describes them to programs. *Who* names whom the guard of the
operation lets through: superusers with full access may do what those of repositories and organizations may; `+global-readonly` means that
global read-only superusers may, too; `fresh` that a web session must have proven its password a short while ago; `unrestricted` that restricted
users may not; `normal` that the repository must be neither read-only nor a mirror. In brackets: the scope that an OAuth token needs.

Refusals (400, 401, 403, 404, 429, 503) are answered alike by all: see [errors](api.md#answers).
";

/// The text of the file.
pub(super) fn markdown(document: &Value) -> String {
    let mut out = HEAD.to_owned();
    let mut last = String::new();
    for (tag, path, method, operation) in operations(document) {
        if tag != last {
            write(&mut out, format_args!("\n## {tag}\n"));
            last = tag;
        }
        let id = operation["operationId"].as_str().unwrap_or_default();
        write(&mut out, format_args!("\n### {id}\n\n`{method} {path}`\n"));
        for key in ["summary", "description"] {
            if let Some(text) = operation[key].as_str() {
                write(&mut out, format_args!("\n{text}\n"));
            }
        }
        let who = operation["x-guard"].as_str().unwrap_or_default();
        write(&mut out, format_args!("\n- Who: {who}\n"));
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default();
            let place = parameter["in"].as_str().unwrap_or_default();
            let kind = kind(&parameter["schema"]);
            write(
                &mut out,
                format_args!("- `{name}` ({place}, {kind}){}\n", told(parameter)),
            );
        }
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        if !body.is_null() {
            write(&mut out, format_args!("- Body: {}\n", kind(body)));
        }
        for (status, answer) in object(&operation["responses"]) {
            if status.starts_with('2') {
                let schema = &answer["content"]["application/json"]["schema"];
                let kind = if schema.is_null() {
                    String::new()
                } else {
                    format!(" ({})", kind(schema))
                };
                write(
                    &mut out,
                    format_args!("- {status}{kind}: {}\n", text(answer)),
                );
            }
        }
    }
    out.push_str("\n## Schemas\n");
    let schemas: BTreeMap<_, _> = object(&document["components"]["schemas"]).collect();
    for (name, schema) in schemas {
        write(&mut out, format_args!("\n### {name}\n\n"));
        let about = text(schema);
        if !about.is_empty() {
            write(&mut out, format_args!("{about}\n\n"));
        }
        fields(&mut out, schema);
    }
    out
}

/// In the order of tags, paths and methods.
fn operations(document: &Value) -> Vec<(String, &String, String, &Value)> {
    let mut all = Vec::new();
    for (path, methods) in object(&document["paths"]) {
        for (method, operation) in object(methods) {
            let tag = operation["tags"][0].as_str().unwrap_or_default();
            all.push((tag.to_owned(), path, method.to_uppercase(), operation));
        }
    }
    all.sort_by(|a, b| (&a.0, a.1, &a.2).cmp(&(&b.0, b.1, &b.2)));
    all
}

fn fields(out: &mut String, schema: &Value) {
    for part in schema["allOf"].as_array().into_iter().flatten() {
        match kind(part) {
            // An anonymous part is the schema's own fields.
            own if own == "object" => fields(out, part),
            other => write(out, format_args!("- the fields of {other}\n")),
        }
    }
    let required: Vec<&str> = (schema["required"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    for (name, field) in object(&schema["properties"]) {
        let optional = if required.contains(&name.as_str()) {
            ""
        } else {
            ", optional"
        };
        write(
            out,
            format_args!("- `{name}` ({}{optional}){}\n", kind(field), told(field)),
        );
    }
    if object(&schema["properties"]).next().is_none() && schema["allOf"].is_null() {
        write(out, format_args!("- {}\n", kind(schema)));
    }
}

/// The type in words; a link for those that have a name.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next())
    {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[key].as_array() {
            let mut kinds: Vec<String> = choices.iter().map(kind).collect();
            kinds.retain(|kind| kind != "object");
            return kinds.join(" or ");
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        return values.join(" or ");
    }
    let name = match &schema["type"] {
        Value::String(one) => one.clone(),
        Value::Array(several) => {
            let names: Vec<&str> = several.iter().filter_map(Value::as_str).collect();
            names.join(" or ")
        }
        _ => "any JSON".to_owned(),
    };
    if name.contains("array") {
        return format!("{name} of {}", kind(&schema["items"]));
    }
    name
}

fn text(of: &Value) -> String {
    let text = of["description"].as_str().unwrap_or_default();
    text.replace('\n', " ")
}

/// What is said of a field, after what it is.
fn told(of: &Value) -> String {
    match text(of) {
        text if text.is_empty() => text,
        text => format!(": {text}"),
    }
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn write(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = out.write_fmt(text);
}
