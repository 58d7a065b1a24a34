//! A map that keeps the order of the file, where that order means something.

use serde_json::Value;

use crate::problem::{At, Sink};
use crate::setting::{Setting, as_map};

/// Names and values in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordered<T>(Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Ordered<T> {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// Whether the name is there.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T> FromIterator<(String, T)> for Ordered<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<T: Setting> Setting for Ordered<T> {
    const SECRET: bool = T::SECRET;
    const QUOTABLE: bool = false;

    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let read: Vec<Option<(String, T)>> = as_map(value, at, sink)?
            .iter()
            .map(|(name, item)| {
                T::read(item, &at.child(name), sink).map(|item| (name.clone(), item))
            })
            .collect();
        read.into_iter().collect()
    }

    fn show(&self) -> Value {
        Value::Object(
            self.iter()
                .map(|(name, value)| (name.to_owned(), value.show()))
                .collect(),
        )
    }

    fn kind() -> String {
        format!("map to {}", T::kind())
    }
}
