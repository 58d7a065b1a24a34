//! `config.yaml` as Quay sees it.
//!
//! Quay loads its file with `PyYAML`'s safe loader, which resolves plain scalars by YAML 1.1: `yes`
//! and `off` are booleans, `0777` is octal, `1:30` is 90, `1_000` is 1000, `1e3` is a text. YAML 1.2
//! libraries differ in each of these, so the events come from a parser and the scalars are resolved
//! here. Further rules of that loader that are kept: a repeated key takes its last value, `<<`
//! merges maps, one document per file, tags that would build objects (`!!python/...`) are refused.
//!
//! Limits: [`MAX_BYTES`] per file, [`MAX_NODES`] values after aliases are expanded. Messages name a
//! line and never quote the file, which is full of secrets.

use std::collections::HashMap;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Number, Value};

/// Largest file that is read, in bytes.
pub(crate) const MAX_BYTES: usize = 4 << 20;

/// Most values a file may hold after aliases are expanded.
pub(crate) const MAX_NODES: usize = 200_000;

const CORE: &str = "tag:yaml.org,2002:";

/// What is wrong with a file, and in which line (from 1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub(crate) struct YamlError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong; holds no text of the file.
    pub message: String,
}

/// A parsed file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parsed {
    /// The document; `null` if the file is empty.
    pub value: Value,
    /// Keys that occur more than once in one map, with the line of the later one.
    pub repeated: Vec<(String, usize)>,
}

/// Parses one YAML 1.1 document.
pub(crate) fn parse(text: &str) -> Result<Parsed, YamlError> {
    if text.len() > MAX_BYTES {
        return Err(YamlError {
            line: 1,
            message: format!("the file is larger than {MAX_BYTES} bytes"),
        });
    }
    let mut builder = Builder::default();
    let mut options = Options::default();
    options.emit_comments = false;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| YamlError {
            line: error.marker().line().max(1),
            message: error.kind().to_string(),
        })?;
        builder.event(event, span)?;
    }
    Ok(Parsed {
        value: builder.root.unwrap_or(Value::Null),
        repeated: builder.repeated,
    })
}

enum Open {
    List {
        items: Vec<Value>,
    },
    Map {
        map: Map<String, Value>,
        merged: Vec<Map<String, Value>>,
        key: Option<Key>,
    },
}

enum Key {
    Text(String),
    Merge,
}

#[derive(Default)]
struct Builder {
    open: Vec<(Open, usize)>,
    anchors: HashMap<usize, (Value, usize)>,
    root: Option<Value>,
    nodes: usize,
    repeated: Vec<(String, usize)>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        let line = span.start.line().max(1);
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(wrong(line, "the file holds more than one document"))
            }
            Event::Scalar(text, style, anchor, tag) => {
                if self.wants_key() && is_merge(&text, style, tag.as_deref()) {
                    return self.key(Key::Merge, line);
                }
                let value = scalar(&text, style, tag.as_deref(), line)?;
                if self.wants_key() {
                    if anchor != 0 {
                        self.anchors.insert(anchor, (value.clone(), 1));
                    }
                    return self.key(key_text(value, &text), line);
                }
                self.value(value, 1, anchor, line)
            }
            Event::SequenceStart(_, anchor, tag) => {
                collection_tag(tag.as_deref(), "seq", line)?;
                self.not_a_key(line)?;
                self.open.push((Open::List { items: Vec::new() }, anchor));
                Ok(())
            }
            Event::MappingStart(_, anchor, tag) => {
                collection_tag(tag.as_deref(), "map", line)?;
                self.not_a_key(line)?;
                self.open.push((
                    Open::Map {
                        map: Map::new(),
                        merged: Vec::new(),
                        key: None,
                    },
                    anchor,
                ));
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some((Open::List { items }, anchor)) => {
                    self.value(Value::Array(items), 1, anchor, line)
                }
                Some((
                    Open::Map {
                        mut map, merged, ..
                    },
                    anchor,
                )) => {
                    for source in merged {
                        for (key, value) in source {
                            map.entry(key).or_insert(value);
                        }
                    }
                    self.value(Value::Object(map), 1, anchor, line)
                }
                None => Err(wrong(line, "a list or map ends that never began")),
            },
            Event::Alias(id) => {
                let Some((value, size)) = self.anchors.get(&id).cloned() else {
                    return Err(wrong(
                        line,
                        "an alias stands inside the value that it names",
                    ));
                };
                if self.wants_key() {
                    let text = value.as_str().unwrap_or_default().to_owned();
                    return self.key(key_text(value, &text), line);
                }
                self.value(value, size, 0, line)
            }
            _ => Ok(()),
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some((Open::Map { key: None, .. }, _)))
    }

    fn not_a_key(&self, line: usize) -> Result<(), YamlError> {
        if self.wants_key() {
            return Err(wrong(line, "a list or map cannot be a key"));
        }
        Ok(())
    }

    fn key(&mut self, new: Key, line: usize) -> Result<(), YamlError> {
        self.count(1, line)?;
        if let Some((Open::Map { map, key, .. }, _)) = self.open.last_mut() {
            if let Key::Text(text) = &new
                && map.contains_key(text)
            {
                self.repeated.push((text.clone(), line));
            }
            *key = Some(new);
        }
        Ok(())
    }

    fn count(&mut self, size: usize, line: usize) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(size);
        if self.nodes > MAX_NODES {
            return Err(wrong(line, &format!("more than {MAX_NODES} values")));
        }
        Ok(())
    }

    fn value(
        &mut self,
        value: Value,
        size: usize,
        anchor: usize,
        line: usize,
    ) -> Result<(), YamlError> {
        self.count(size, line)?;
        if anchor != 0 {
            let size = nodes(&value);
            self.anchors.insert(anchor, (value.clone(), size));
        }
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some((Open::List { items }, _)) => items.push(value),
            Some((Open::Map { map, merged, key }, _)) => match key.take() {
                Some(Key::Text(key)) => {
                    map.insert(key, value);
                }
                Some(Key::Merge) => merge(merged, value, line)?,
                None => return Err(wrong(line, "a value stands where a key belongs")),
            },
        }
        Ok(())
    }
}

fn wrong(line: usize, message: &str) -> YamlError {
    YamlError {
        line,
        message: message.to_owned(),
    }
}

fn nodes(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(nodes).sum(),
        Value::Object(map) => map.values().map(|value| 1 + nodes(value)).sum(),
        _ => 0,
    }
}

fn merge(merged: &mut Vec<Map<String, Value>>, value: Value, line: usize) -> Result<(), YamlError> {
    let sources = match value {
        Value::Array(items) => items,
        one => vec![one],
    };
    for source in sources {
        match source {
            Value::Object(map) => merged.push(map),
            _ => return Err(wrong(line, "`<<` takes a map or a list of maps")),
        }
    }
    Ok(())
}

fn key_text(value: Value, written: &str) -> Key {
    Key::Text(match value {
        Value::String(text) => text,
        _ => written.to_owned(),
    })
}

fn is_merge(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> bool {
    match tag {
        None => text == "<<" && style == ScalarStyle::Plain,
        Some(tag) => name(tag) == "tag:yaml.org,2002:merge",
    }
}

fn name(tag: &Tag) -> String {
    format!("{}{}", tag.handle(), tag.suffix())
}

fn collection_tag(tag: Option<&Tag>, expected: &str, line: usize) -> Result<(), YamlError> {
    match tag.map(name) {
        None => Ok(()),
        Some(name) if name == "!" || name.strip_prefix(CORE) == Some(expected) => Ok(()),
        Some(_) => Err(refused_tag(line)),
    }
}

fn refused_tag(line: usize) -> YamlError {
    wrong(
        line,
        "a tag is not accepted: only plain values, lists and maps are",
    )
}

fn scalar(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    line: usize,
) -> Result<Value, YamlError> {
    let Some(tag) = tag.map(name) else {
        return Ok(match style {
            ScalarStyle::Plain => resolve(text),
            _ => Value::from(text),
        });
    };
    if tag == "!" {
        return Ok(Value::from(text));
    }
    let kind = tag.strip_prefix(CORE).ok_or_else(|| refused_tag(line))?;
    let resolved = match kind {
        "str" | "timestamp" => Some(Value::from(text)),
        "null" => Some(Value::Null),
        "bool" => boolean(&text.to_ascii_lowercase()).map(Value::from),
        "int" => int(text),
        "float" => float(text).or_else(|| int(text)),
        _ => return Err(refused_tag(line)),
    };
    resolved.ok_or_else(|| wrong(line, "the value does not fit its tag"))
}

/// The value of a plain scalar by the rules of YAML 1.1.
fn resolve(text: &str) -> Value {
    if matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return Value::Null;
    }
    boolean(text)
        .map(Value::from)
        .or_else(|| int(text))
        .or_else(|| float(text))
        .unwrap_or_else(|| Value::from(text))
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// Splits a sign off.
fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn int(text: &str) -> Option<Value> {
    let (negative, body) = signed(text);
    let digits = |body: &str, radix: u32| -> Option<String> {
        let plain: String = body.chars().filter(|c| *c != '_').collect();
        (!plain.is_empty() && plain.chars().all(|c| c.is_digit(radix))).then_some(plain)
    };
    let (plain, radix) = if let Some(rest) = body.strip_prefix("0b") {
        (digits(rest, 2)?, 2)
    } else if let Some(rest) = body.strip_prefix("0x") {
        (digits(rest, 16)?, 16)
    } else if body == "0" {
        (body.to_owned(), 10)
    } else if body.starts_with('0') {
        (digits(body, 8)?, 8)
    } else if !body.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    } else if body.contains(':') {
        return sexagesimal(body).map(|value| Value::from(if negative { -value } else { value }));
    } else {
        (digits(body, 10)?, 10)
    };
    let magnitude = u128::from_str_radix(&plain, radix).ok();
    let fits = magnitude.and_then(|magnitude| {
        let value = i128::try_from(magnitude).ok()?;
        let value = if negative { -value } else { value };
        i64::try_from(value)
            .map(Number::from)
            .or_else(|_| u64::try_from(value).map(Number::from))
            .ok()
    });
    // A number too large for 64 bits is a secret key in practice: its digits are what counts.
    Some(fits.map_or_else(
        || {
            let digits = match magnitude {
                Some(magnitude) if radix != 10 => magnitude.to_string(),
                _ => plain,
            };
            Value::from(format!("{}{digits}", if negative { "-" } else { "" }))
        },
        Value::Number,
    ))
}

/// `[1-9][0-9_]*(:[0-5]?[0-9])+`
fn sexagesimal(body: &str) -> Option<i64> {
    let mut parts = body.split(':');
    let first = parts.next()?.replace('_', "");
    let mut value: i64 = first.parse().ok()?;
    for part in parts {
        let digit: i64 = match part.as_bytes() {
            [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9'] => part.parse().ok()?,
            _ => return None,
        };
        value = value.checked_mul(60)?.checked_add(digit)?;
    }
    Some(value)
}

fn float(text: &str) -> Option<Value> {
    let (negative, body) = signed(text);
    match body {
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN" => return Some(Value::from(text)),
        _ => {}
    }
    // A leading point takes no sign in PyYAML's pattern.
    if body.starts_with('.') && body.len() != text.len() {
        return None;
    }
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (&body[..at], Some(&body[at + 1..])),
        None => (body, None),
    };
    let (whole, fraction) = mantissa.split_once('.')?;
    let valid = |part: &str| part.chars().all(|c| c.is_ascii_digit() || c == '_');
    let starts = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    if !(valid(whole)
        && valid(fraction)
        && (starts(whole) || (whole.is_empty() && starts(fraction))))
    {
        return None;
    }
    if let Some(exponent) = exponent {
        // PyYAML wants a sign in the exponent: `1.5e3` is a text.
        let digits = exponent.strip_prefix(['+', '-'])?;
        if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
    }
    let number: f64 = body.replace('_', "").parse().ok()?;
    Number::from_f64(if negative { -number } else { number }).map(Value::Number)
}
