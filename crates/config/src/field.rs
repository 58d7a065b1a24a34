//! The one definition of each field.
//!
//! A section lists its fields as `KEY => field: Type = default, mark;` under a doc comment. From
//! that line come the struct field and its documentation, loading, `pierhead config print` and the
//! reference in `docs/configuration.md`. A field of a nested map without a default is required.

use serde_json::{Map, Value};

use crate::problem::{At, Found, Sink};
use crate::setting::{Setting, as_map};

/// What is special about a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    Plain,
    /// New in this Quay release.
    Since(&'static str),
    /// Read by Quay, but not in its documentation.
    Undocumented,
    /// Still read; the text says what to use instead or what it does now.
    Deprecated(&'static str),
    /// Accepted and typed, without effect; the text says why.
    Ignored(&'static str),
}

/// What is known about one field, for the reference.
#[derive(Clone, Debug)]
pub struct Field {
    /// The key in `config.yaml`.
    pub key: &'static str,
    /// The kind of value.
    pub kind: String,
    /// The default as it may be shown; none for a required field of a nested map.
    pub default: Option<Value>,
    /// What the field does.
    pub doc: &'static str,
    /// What is special about it.
    pub mark: Mark,
    /// Whether its value is never shown.
    pub secret: bool,
}

/// A group of top-level fields.
pub(crate) trait Section: Default {
    /// Takes the keys of this section out of the document.
    fn apply(&mut self, document: &Map<String, Value>, sink: &mut Sink);
    /// Adds every field, value or default, secrets redacted.
    fn show(&self, out: &mut Map<String, Value>);
    /// The fields, in the order of the reference.
    fn fields() -> Vec<Field>;
}

/// The fields of a nested map.
pub(crate) trait Object: Sized {
    /// Reads the fields out of a map and leaves other keys alone.
    fn read_fields(map: &Map<String, Value>, at: &At, sink: &mut Sink) -> Option<Self>;
    /// Adds every field, secrets redacted.
    fn show_fields(&self, out: &mut Map<String, Value>);
    /// The fields, in the order of the reference.
    fn fields() -> Vec<Field>;
}

/// Sets `target` from the document if its key is there. `null` means the default.
pub(crate) fn apply<T: Setting>(
    target: &mut T,
    key: &str,
    default: impl FnOnce() -> T,
    document: &Map<String, Value>,
    sink: &mut Sink,
) {
    match document.get(key) {
        None => {}
        Some(Value::Null) if !T::NULLABLE => *target = default(),
        Some(value) => {
            if let Some(read) = T::read(value, &At::key(key), sink) {
                *target = read;
            }
        }
    }
}

/// Reads a field of a nested map; absent or `null` means the default.
pub(crate) fn read_or<T: Setting>(
    map: &Map<String, Value>,
    key: &str,
    at: &At,
    sink: &mut Sink,
    default: impl FnOnce() -> T,
) -> Option<T> {
    match map.get(key) {
        None => Some(default()),
        Some(Value::Null) if !T::NULLABLE => Some(default()),
        Some(value) => T::read(value, &at.child(key), sink),
    }
}

/// Reads a field of a nested map that must be there.
pub(crate) fn read_required<T: Setting>(
    map: &Map<String, Value>,
    key: &str,
    at: &At,
    sink: &mut Sink,
) -> Option<T> {
    match map.get(key) {
        None | Some(Value::Null) => {
            sink.problem(
                &at.child(key),
                Found::Missing,
                format!("required: {}", T::kind()),
            );
            None
        }
        Some(value) => T::read(value, &at.child(key), sink),
    }
}

/// Warns about keys of a nested map that nothing reads.
pub(crate) fn warn_unknown(
    map: &Map<String, Value>,
    mut known: impl FnMut(&str) -> bool,
    at: &At,
    sink: &mut Sink,
) {
    for key in map.keys() {
        if !known(key) {
            sink.warn(&at.child(key), "unknown key, ignored");
        }
    }
}

/// Reads a nested map whose only keys are the fields of `T`.
pub(crate) fn read_object<T: Object>(value: &Value, at: &At, sink: &mut Sink) -> Option<T> {
    let map = as_map(value, at, sink)?;
    let fields = T::fields();
    warn_unknown(
        map,
        |key| fields.iter().any(|field| field.key == key),
        at,
        sink,
    );
    for field in &fields {
        if let Mark::Deprecated(instead) = field.mark
            && map.contains_key(field.key)
        {
            sink.warn(&at.child(field.key), format!("deprecated: {instead}"));
        }
    }
    T::read_fields(map, at, sink)
}

macro_rules! mark {
    () => {
        $crate::field::Mark::Plain
    };
    ($mark:expr) => {
        $mark
    };
}

macro_rules! section {
    (
        $(#[$meta:meta])*
        $name:ident {$(
            $(#[doc = $doc:literal])+
            $key:ident => $field:ident: $ty:ty = $default:expr $(, $mark:expr)?;
        )*}
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $ty,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::field::Section for $name {
            fn apply(
                &mut self,
                document: &serde_json::Map<String, serde_json::Value>,
                sink: &mut $crate::problem::Sink,
            ) {
                $($crate::field::apply(
                    &mut self.$field, stringify!($key), || $default, document, sink,
                );)*
            }

            fn show(&self, out: &mut serde_json::Map<String, serde_json::Value>) {
                $(out.insert(
                    stringify!($key).to_owned(),
                    $crate::setting::Setting::show(&self.$field),
                );)*
            }

            fn fields() -> Vec<$crate::field::Field> {
                let default = Self::default();
                vec![$($crate::field::Field {
                    key: stringify!($key),
                    kind: <$ty as $crate::setting::Setting>::kind(),
                    default: Some($crate::setting::Setting::show(&default.$field)),
                    doc: concat!($($doc),+),
                    mark: $crate::field::mark!($($mark)?),
                    secret: <$ty as $crate::setting::Setting>::SECRET,
                }),*]
            }
        }
    };
}

macro_rules! object {
    (@read $map:ident, $at:ident, $sink:ident, $key:ident, $ty:ty) => {
        $crate::field::read_required::<$ty>($map, stringify!($key), $at, $sink)
    };
    (@read $map:ident, $at:ident, $sink:ident, $key:ident, $ty:ty, $default:expr) => {
        $crate::field::read_or::<$ty>($map, stringify!($key), $at, $sink, || $default)
    };
    (@default $ty:ty) => {
        None
    };
    (@default $ty:ty, $default:expr) => {{
        let default: $ty = $default;
        Some($crate::setting::Setting::show(&default))
    }};
    (
        $(#[$meta:meta])*
        $name:ident {$(
            $(#[doc = $doc:literal])+
            $key:ident => $field:ident: $ty:ty $(= $default:expr)? $(, $mark:expr)?;
        )*}
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $ty,)*
        }

        impl $crate::field::Object for $name {
            fn read_fields(
                map: &serde_json::Map<String, serde_json::Value>,
                at: &$crate::problem::At,
                sink: &mut $crate::problem::Sink,
            ) -> Option<Self> {
                $(let $field = $crate::field::object!(
                    @read map, at, sink, $key, $ty $(, $default)?
                );)*
                Some(Self { $($field: $field?,)* })
            }

            fn show_fields(&self, out: &mut serde_json::Map<String, serde_json::Value>) {
                $(out.insert(
                    stringify!($key).to_owned(),
                    $crate::setting::Setting::show(&self.$field),
                );)*
            }

            fn fields() -> Vec<$crate::field::Field> {
                vec![$($crate::field::Field {
                    key: stringify!($key),
                    kind: <$ty as $crate::setting::Setting>::kind(),
                    default: $crate::field::object!(@default $ty $(, $default)?),
                    doc: concat!($($doc),+),
                    mark: $crate::field::mark!($($mark)?),
                    secret: <$ty as $crate::setting::Setting>::SECRET,
                }),*]
            }
        }

        impl $crate::setting::Setting for $name {
            const QUOTABLE: bool = false;

            fn read(
                value: &serde_json::Value,
                at: &$crate::problem::At,
                sink: &mut $crate::problem::Sink,
            ) -> Option<Self> {
                $crate::field::read_object(value, at, sink)
            }

            fn show(&self) -> serde_json::Value {
                let mut out = serde_json::Map::new();
                $crate::field::Object::show_fields(self, &mut out);
                serde_json::Value::Object(out)
            }

            fn kind() -> String {
                "map".to_owned()
            }
        }
    };
}

/// An [`Object`] all of whose fields have defaults.
macro_rules! options {
    (
        $(#[$meta:meta])*
        $name:ident {$(
            $(#[doc = $doc:literal])+
            $key:ident => $field:ident: $ty:ty = $default:expr $(, $mark:expr)?;
        )*}
    ) => {
        $crate::field::object! {
            $(#[$meta])*
            $name {$(
                $(#[doc = $doc])+
                $key => $field: $ty = $default $(, $mark)?;
            )*}
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

/// A setting with a fixed set of texts.
macro_rules! choice {
    (
        $(#[$meta:meta])*
        $name:ident {$( $(#[$variant_meta:meta])* $variant:ident = $text:literal ),* $(,)?}
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)*
        }

        impl $name {
            /// The text in `config.yaml`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl $crate::setting::Setting for $name {
            fn read(
                value: &serde_json::Value,
                at: &$crate::problem::At,
                sink: &mut $crate::problem::Sink,
            ) -> Option<Self> {
                match $crate::setting::scalar_text(value).as_deref() {
                    $(Some($text) => Some(Self::$variant),)*
                    _ => {
                        sink.problem(
                            at,
                            $crate::problem::Found::value(value),
                            <Self as $crate::setting::Setting>::kind(),
                        );
                        None
                    }
                }
            }

            fn show(&self) -> serde_json::Value {
                serde_json::Value::from(self.as_str())
            }

            fn kind() -> String {
                ["one of ", &[$(concat!("`", $text, "`")),*].join(", ")].concat()
            }
        }
    };
}

pub(crate) use {choice, mark, object, options, section};
