//! Settings that are a pair in Quay's code and a two-element list in YAML: `[name, {arguments}]`.

use serde_json::{Value, json};

use crate::problem::{At, Found, Sink};
use crate::setting::Setting;

/// A name with arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<T> {
    /// The first element.
    pub name: String,
    /// The second element.
    pub args: T,
}

impl<T: Setting> Setting for Named<T> {
    const SECRET: bool = T::SECRET;
    const QUOTABLE: bool = false;

    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let (name, args) = match value.as_array().map(Vec::as_slice) {
            Some([Value::String(name), args]) => (name, args),
            Some([Value::String(name)]) => (name, &json!({})),
            _ => {
                sink.problem(at, Found::kind(value), Self::kind());
                return None;
            }
        };
        let args = T::read(args, &at.index(1), sink)?;
        Some(Self {
            name: name.clone(),
            args,
        })
    }

    fn show(&self) -> Value {
        json!([self.name, self.args.show()])
    }

    fn kind() -> String {
        "list of a name and a map of arguments".to_owned()
    }
}
