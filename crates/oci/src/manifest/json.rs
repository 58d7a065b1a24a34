//! Picking known fields out of a JSON document without building a tree.
//!
//! The document is scanned once by the JSON library, which finds every syntax error; known fields are
//! kept as slices of the text and read further only when they matter. Skipping does not recurse,
//! so no input can exhaust the stack, and each level of the document costs one linear scan.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::error::ManifestError;
use crate::excerpt::excerpt;

/// A place in the document, shown as `layers[3].digest`.
#[derive(Clone, Copy)]
pub(super) struct At<'p> {
    parent: Option<&'p At<'p>>,
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    Root,
    Field(&'static str),
    Item(usize),
}

impl At<'_> {
    pub(super) const ROOT: Self = At {
        parent: None,
        step: Step::Root,
    };

    pub(super) fn field(&self, name: &'static str) -> At<'_> {
        At {
            parent: Some(self),
            step: Step::Field(name),
        }
    }

    pub(super) fn item(&self, index: usize) -> At<'_> {
        At {
            parent: Some(self),
            step: Step::Item(index),
        }
    }

    fn is_root(&self) -> bool {
        matches!(self.step, Step::Root)
    }

    pub(super) fn wrong_type(&self, expected: &'static str) -> ManifestError {
        ManifestError::WrongType {
            at: self.to_string(),
            expected,
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parent = self.parent.filter(|parent| !parent.is_root());
        if let Some(parent) = parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => f.write_str("the manifest"),
            Step::Field(name) if parent.is_some() => write!(f, ".{name}"),
            Step::Field(name) => f.write_str(name),
            Step::Item(index) => write!(f, "[{index}]"),
        }
    }
}

/// Fails when arrays and objects are nested deeper than `max`. Understands strings, but not
/// whether the text is JSON at all.
pub(super) fn check_depth(text: &str, max: usize) -> Result<(), ManifestError> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > max {
                    return Err(ManifestError::TooDeep { max });
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// The known fields of one JSON object.
pub(super) struct Object<'a, 'p> {
    at: At<'p>,
    fields: Vec<(&'static str, &'a str)>,
}

impl<'a, 'p> Object<'a, 'p> {
    /// Reads an object, keeping the fields named in `known`. A known field that occurs twice or in
    /// another case is an error; all others are skipped.
    pub(super) fn read(
        text: &'a str,
        at: At<'p>,
        known: &'static [&'static str],
    ) -> Result<Self, ManifestError> {
        let mut json = serde_json::Deserializer::from_str(text);
        let collected = ObjectSeed { known }
            .deserialize(&mut json)
            .and_then(|collected| json.end().map(|()| collected));
        match collected {
            Ok(collected) => {
                if let Some(problem) = collected.problem {
                    return Err(problem.at(&at));
                }
                Ok(Self {
                    at,
                    fields: collected.fields,
                })
            }
            Err(error) if error.is_data() && at.is_root() => Err(ManifestError::NotAnObject),
            Err(error) if error.is_data() => Err(at.wrong_type("an object")),
            Err(error) => Err(ManifestError::Syntax(error)),
        }
    }

    /// Whether the field is there, even as `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| *known == name)
    }

    /// The text of a field; `null` counts as absent, as it does for clients in Go.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.fields
            .iter()
            .find(|(known, text)| *known == name && *text != "null")
            .map(|(_, text)| *text)
    }

    /// The text of a field that must be there.
    pub(super) fn require(&self, name: &'static str) -> Result<&'a str, ManifestError> {
        self.get(name).ok_or_else(|| ManifestError::MissingField {
            at: self.at.field(name).to_string(),
        })
    }

    pub(super) fn at(&self) -> &At<'p> {
        &self.at
    }
}

/// Reads a string. NUL is refused because databases cannot store it.
pub(super) fn string(text: &str, at: &At<'_>) -> Result<String, ManifestError> {
    let value: String = serde_json::from_str(text).map_err(|_| at.wrong_type("a string"))?;
    if value.contains('\0') {
        return Err(at.wrong_type("a string without NUL characters"));
    }
    Ok(value)
}

/// Reads a string of at most `max` bytes without control characters.
pub(super) fn line(text: &str, at: &At<'_>, max: usize) -> Result<String, ManifestError> {
    let value = string(text, at)?;
    if value.len() > max || value.chars().any(char::is_control) {
        return Err(ManifestError::Text {
            at: at.to_string(),
            max,
        });
    }
    Ok(value)
}

/// Reads a number of bytes: an integer literal of 0 to 2⁶³−1.
pub(super) fn size(text: &str, at: &At<'_>) -> Result<u64, ManifestError> {
    if !text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return Err(at.wrong_type("a number"));
    }
    text.parse::<i64>()
        .ok()
        .filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|value| u64::try_from(value).ok())
        .ok_or_else(|| ManifestError::Size {
            at: at.to_string(),
            found: excerpt(text),
        })
}

/// Reads an array of at most `max` elements.
pub(super) fn items<'a>(
    text: &'a str,
    at: &At<'_>,
    max: usize,
) -> Result<Vec<&'a str>, ManifestError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let (items, found) = ItemsSeed { max }
        .deserialize(&mut json)
        .map_err(|_| at.wrong_type("an array"))?;
    if found > max {
        return Err(ManifestError::TooMany {
            at: at.to_string(),
            found,
            max,
        });
    }
    Ok(items)
}

/// Reads an array of strings of at most `max` elements.
pub(super) fn strings(text: &str, at: &At<'_>, max: usize) -> Result<Vec<String>, ManifestError> {
    items(text, at, max)?
        .into_iter()
        .enumerate()
        .map(|(i, item)| string(item, &at.item(i)))
        .collect()
}

/// Reads a map of strings to strings of at most `max` entries. Of equal keys the last wins, as it
/// does for every known reader.
pub(super) fn string_map(
    text: &str,
    at: &At<'_>,
    max: usize,
) -> Result<BTreeMap<String, String>, ManifestError> {
    let map: BTreeMap<String, String> =
        serde_json::from_str(text).map_err(|_| at.wrong_type("an object of strings"))?;
    if map.len() > max {
        return Err(ManifestError::TooMany {
            at: at.to_string(),
            found: map.len(),
            max,
        });
    }
    if map
        .iter()
        .any(|(k, v)| k.contains('\0') || v.contains('\0'))
    {
        return Err(at.wrong_type("an object of strings without NUL characters"));
    }
    Ok(map)
}

/// Whether Go's JSON decoder takes `key` for `name`: equal when case is ignored, where the long s
/// and the Kelvin sign count as letters.
fn folds_to(key: &str, name: &str) -> bool {
    let folded = key.chars().map(|c| match c {
        'ſ' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    });
    folded.eq(name.chars().map(|c| c.to_ascii_lowercase()))
}

enum Problem {
    Duplicate(&'static str),
    Misspelled { name: &'static str, found: String },
}

impl Problem {
    fn at(self, object: &At<'_>) -> ManifestError {
        match self {
            Self::Duplicate(name) => ManifestError::DuplicateField {
                at: object.field(name).to_string(),
            },
            Self::Misspelled { name, found } => ManifestError::MisspelledField {
                at: object.field(name).to_string(),
                found,
            },
        }
    }
}

struct Collected<'a> {
    fields: Vec<(&'static str, &'a str)>,
    /// The first problem; reported only when the whole text is valid JSON.
    problem: Option<Problem>,
}

struct ObjectSeed {
    known: &'static [&'static str],
}

impl<'de> DeserializeSeed<'de> for ObjectSeed {
    type Value = Collected<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed {
    type Value = Collected<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields: Vec<(&'static str, &'de str)> = Vec::new();
        let mut problem = None;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let Some(name) = self.known.iter().copied().find(|name| folds_to(&key, name)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value::<&'de RawValue>()?.get();
            if problem.is_some() {
                continue;
            }
            if key != name {
                problem = Some(Problem::Misspelled {
                    name,
                    found: excerpt(&key),
                });
            } else if fields.iter().any(|(known, _)| *known == name) {
                problem = Some(Problem::Duplicate(name));
            } else {
                fields.push((name, value));
            }
        }
        Ok(Collected { fields, problem })
    }
}

/// A key, borrowed unless it contains escapes.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

struct ItemsSeed {
    max: usize,
}

impl<'de> DeserializeSeed<'de> for ItemsSeed {
    type Value = (Vec<&'de str>, usize);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ItemsSeed {
    type Value = (Vec<&'de str>, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        let mut found = 0;
        while let Some(item) = seq.next_element::<&'de RawValue>()? {
            found += 1;
            if found <= self.max {
                items.push(item.get());
            }
        }
        Ok((items, found))
    }
}
