//! `config.yaml` as Quay sees it.
//!
//! Quay loads its file with `PyYAML`'s safe loader, which resolves plain scalars by YAML 1.1: `yes`
//! and `off` are booleans, `0777` is octal, `1:30` is 90, `1_000` is 1000, `1e3` is a text. YAML 1.2
//! libraries differ in each of these, so the events come from a parser and the scalars are resolved
//! here. Further rules of that loader that are kept: a repeated key takes its last value, `<<`
//! merges maps, one document per file, tags that would build objects (`!!python/...`) are refused.
//!
//! Limits: [`MAX_BYTES`] per file, [`MAX_NODES`] values, copies for anchors and aliases included. Messages name a
//! line and never quote the file, which is full of secrets.

mod scalar;

use std::collections::HashMap;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Value};

use self::scalar::scalar;

/// Largest file that is read, in bytes.
pub(crate) const MAX_BYTES: usize = 4 << 20;

/// Most values of a file, copies for anchors and aliases included.
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
            // The copy counts, or nested anchors would multiply what is held.
            let size = nodes(&value);
            self.count(size, line)?;
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
