//! Templates of JSON documents: `${path}` in their strings is replaced by what the path finds in an event's data. Users write
//! them for the bodies of webhooks (api-v1.md §8.3) and the names of tags that builds get.
//!
//! A path is the part of `JSONPath` that Quay's documentation uses: names, `*`, indexes, slices, lists of names in brackets, `..`
//! for everything below, quoted names, and `$` at the start. A string that is nothing but one `${path}` becomes what was
//! found, of whatever type; in other strings it is written as text.
//!
//! Templates come from users: their size and what one path may find are bounded.

use serde_json::{Map, Value};

mod path;

use path::Path;

/// Longest template in bytes.
const LONGEST: usize = 64 * 1024;
/// What stands for a value that was not found, inside a longer string.
const MISSING: &str = "(none)";

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is no JSON.
    #[error("Could not parse template: {0}")]
    NotJson(String),
    /// It is too long.
    #[error("Could not parse template: it is longer than {LONGEST} bytes")]
    TooLong,
    /// `${}`.
    #[error("Empty expression found")]
    Empty,
    /// A path that cannot be read.
    #[error("For expression `{expression}`: {problem}")]
    Path {
        /// What stands between the braces.
        expression: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// A template that can be used.
#[derive(Clone, Debug)]
pub struct JsonTemplate(Value);

impl JsonTemplate {
    /// Reads a template and every path in it.
    ///
    /// # Errors
    /// [`TemplateError`] as its variants say.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.len() > LONGEST {
            return Err(TemplateError::TooLong);
        }
        let value = serde_json::from_str(text)
            .map_err(|error| TemplateError::NotJson(error.to_string()))?;
        let template = Self(value);
        template.apply(&Value::Object(Map::new()))?;
        Ok(template)
    }

    /// The document for some data.
    ///
    /// # Errors
    /// When a path finds more than it may.
    pub fn apply(&self, data: &Value) -> Result<Value, TemplateError> {
        fill_value(&self.0, data)
    }
}

fn fill_value(template: &Value, data: &Value) -> Result<Value, TemplateError> {
    Ok(match template {
        Value::String(text) => fill(text, data, MISSING)?,
        Value::Array(items) => items
            .iter()
            .map(|item| fill_value(item, data))
            .collect::<Result<_, _>>()?,
        Value::Object(fields) => {
            let mut filled = Map::new();
            for (key, value) in fields {
                let key = match fill(key, data, MISSING)? {
                    Value::String(key) => key,
                    other => text_of(&other, MISSING),
                };
                filled.insert(key, fill_value(value, data)?);
            }
            Value::Object(filled)
        }
        other => other.clone(),
    })
}

/// Replaces every `${path}` in a string. What is not found is `missing` inside a longer string, and null if the string is
/// nothing else.
///
/// # Errors
/// When a path cannot be read, or finds more than it may.
pub fn fill(text: &str, data: &Value, missing: &str) -> Result<Value, TemplateError> {
    let whole = text
        .strip_prefix("${")
        .and_then(|text| text.strip_suffix('}'))
        .filter(|expression| !expression.contains('}'));
    if let Some(expression) = whole {
        return find(expression, data);
    }
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((expression, after)) = behind.split_once('}') else {
            break;
        };
        let found = find(expression, data)?;
        filled.push_str(before);
        filled.push_str(&text_of(&found, missing));
        rest = after;
    }
    filled.push_str(rest);
    Ok(Value::String(filled))
}

/// What a path finds: null for nothing, the value itself if it is one, else a list.
fn find(expression: &str, data: &Value) -> Result<Value, TemplateError> {
    if expression.is_empty() {
        return Err(TemplateError::Empty);
    }
    let wrong = |problem| TemplateError::Path {
        expression: expression.to_owned(),
        problem,
    };
    let found = Path::parse(expression)
        .and_then(|path| path.find(data))
        .map_err(wrong)?;
    Ok(match found.as_slice() {
        [] => Value::Null,
        [one] => (*one).clone(),
        many => Value::Array(many.iter().map(|value| (*value).clone()).collect()),
    })
}

/// A value inside a longer string, as Python writes it.
fn text_of(value: &Value, missing: &str) -> String {
    match value {
        Value::Null => missing.to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Array(items) if items.len() > 1 => {
            let items: Vec<String> = items.iter().map(|item| text_of(item, missing)).collect();
            items.join(",")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn data() -> Value {
        json!({
            "repository": "ann/app", "updated_tags": ["v1", "v2"], "n": 3, "yes": true,
            "commit_info": { "short_sha": "42d4a62", "author": { "username": "ann" } },
        })
    }

    #[test]
    fn a_template_is_filled() {
        let template = JsonTemplate::parse(
            r#"{"repo": "${repository}", "text": "${repository}: ${updated_tags} (${n}, ${yes}, ${none})",
                "tags": "${updated_tags}", "${n}": ["${commit_info.author.username}", 5], "no": "${none.at[0]}"}"#,
        )
        .unwrap();
        assert_eq!(
            template.apply(&data()).unwrap(),
            json!({
                "repo": "ann/app", "text": "ann/app: v1,v2 (3, True, (none))", "tags": ["v1", "v2"],
                "3": ["ann", 5], "no": null,
            })
        );
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in [
            "",
            "{",
            r#"{"a": "${}"}"#,
            r#"{"a": "${a.}"}"#,
            r#"["${a[}"]"#,
            r#""${ä}""#,
        ] {
            assert!(JsonTemplate::parse(text).is_err(), "{text}");
        }
        assert!(JsonTemplate::parse(&format!("\"{}\"", "a".repeat(LONGEST))).is_err());
        assert!(JsonTemplate::parse(r#""${unclosed""#).is_ok());
    }

    #[test]
    fn a_tag_is_named_by_a_template() {
        let tag = |text| fill(text, &data(), "$MISSING$").unwrap();
        assert_eq!(tag("v-${commit_info.short_sha}"), json!("v-42d4a62"));
        assert_eq!(tag("v-${parsed_ref.branch}"), json!("v-$MISSING$"));
        assert_eq!(tag("${parsed_ref.branch}"), Value::Null);
    }
}
