//! The paths of templates.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::Value;

/// Values that a path may find or pass.
const MOST_FOUND: usize = 10_000;
/// Steps of a path.
const MOST_STEPS: usize = 64;

/// A path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path(Vec<Step>);

#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// The values of these fields.
    Fields(Vec<String>),
    /// Every value of an object or list.
    All,
    /// One of a list.
    Index(usize),
    /// Some of a list.
    Slice(Option<usize>, Option<usize>),
    /// The value and everything below it.
    Below,
}

type Source<'t> = Peekable<Chars<'t>>;

impl Path {
    /// Reads a path.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut source = text.chars().peekable();
        let mut steps = Vec::new();
        if source.next_if_eq(&'$').is_some() {
            if source.peek().is_none() {
                return Ok(Self(steps));
            }
        } else {
            steps.push(step(&mut source)?);
        }
        while let Some(char) = source.peek() {
            match char {
                '.' => {
                    source.next();
                    if source.next_if_eq(&'.').is_some() {
                        steps.push(Step::Below);
                    }
                }
                '[' => {}
                _ => return Err("a name is followed by something else than . or ["),
            }
            steps.push(step(&mut source)?);
            if steps.len() > MOST_STEPS {
                return Err("the path has too many steps");
            }
        }
        Ok(Self(steps))
    }

    /// Everything that it leads to.
    pub(super) fn find<'d>(&self, data: &'d Value) -> Result<Vec<&'d Value>, &'static str> {
        let mut found = vec![data];
        for step in &self.0 {
            let mut next = Vec::new();
            for value in found {
                step.take(value, &mut next);
                if next.len() > MOST_FOUND {
                    return Err("the path finds too much");
                }
            }
            found = next;
        }
        Ok(found)
    }
}

impl Step {
    fn take<'d>(&self, value: &'d Value, into: &mut Vec<&'d Value>) {
        match (self, value) {
            (Self::Fields(names), Value::Object(fields)) => {
                into.extend(names.iter().filter_map(|name| fields.get(name)));
            }
            (Self::All, Value::Object(fields)) => into.extend(fields.values()),
            (Self::All, Value::Array(items)) => into.extend(items),
            (Self::Index(index), Value::Array(items)) => into.extend(items.get(*index)),
            (Self::Slice(from, to), Value::Array(items)) => {
                let to = to.unwrap_or(items.len()).min(items.len());
                let from = from.unwrap_or(0).min(to);
                into.extend(&items[from..to]);
            }
            (Self::Below, value) => below(value, into),
            _ => {}
        }
    }
}

fn below<'d>(value: &'d Value, into: &mut Vec<&'d Value>) {
    if into.len() > MOST_FOUND {
        return;
    }
    into.push(value);
    match value {
        Value::Object(fields) => fields.values().for_each(|value| below(value, into)),
        Value::Array(items) => items.iter().for_each(|value| below(value, into)),
        _ => {}
    }
}

fn step(source: &mut Source<'_>) -> Result<Step, &'static str> {
    match source.peek() {
        Some('*') => {
            source.next();
            Ok(Step::All)
        }
        Some('[') => {
            source.next();
            let step = bracket(source)?;
            match source.next() {
                Some(']') => Ok(step),
                _ => Err("a bracket is not closed"),
            }
        }
        Some(_) => Ok(Step::Fields(vec![name(source)?])),
        None => Err("a name is missing"),
    }
}

fn bracket(source: &mut Source<'_>) -> Result<Step, &'static str> {
    match source.peek() {
        Some('*') => {
            source.next();
            Ok(Step::All)
        }
        Some(char) if char.is_ascii_digit() || *char == ':' => {
            let from = number(source)?;
            if source.next_if_eq(&':').is_some() {
                return Ok(Step::Slice(from, number(source)?));
            }
            from.map(Step::Index).ok_or("a number is missing")
        }
        Some(_) => {
            let mut names = vec![name(source)?];
            while source.next_if_eq(&',').is_some() {
                names.push(name(source)?);
            }
            Ok(Step::Fields(names))
        }
        None => Err("a bracket is not closed"),
    }
}

fn number(source: &mut Source<'_>) -> Result<Option<usize>, &'static str> {
    let mut digits = String::new();
    while let Some(digit) = source.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    if digits.is_empty() {
        return Ok(None);
    }
    digits
        .parse()
        .map(Some)
        .map_err(|_| "a number is too large")
}

fn name(source: &mut Source<'_>) -> Result<String, &'static str> {
    if let Some(quote) = source.next_if(|char| matches!(char, '\'' | '"')) {
        let mut name = String::new();
        for char in source.by_ref() {
            if char == quote {
                return Ok(name);
            }
            name.push(char);
        }
        return Err("a quoted name is not closed");
    }
    let mut name = String::new();
    let begins = |char: &char| char.is_ascii_alphabetic() || matches!(char, '_' | '@');
    let goes_on = |char: &char| char.is_ascii_alphanumeric() || matches!(char, '_' | '@' | '-');
    match source.next_if(begins) {
        Some(char) => name.push(char),
        None => return Err("a name is missing"),
    }
    while let Some(char) = source.next_if(goes_on) {
        name.push(char);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn found(path: &str) -> Value {
        let data = json!({ "a": { "b": [1, 2, 3], "c-d": "x" }, "b": 4 });
        let path = Path::parse(path).unwrap();
        json!(path.find(&data).unwrap())
    }

    #[test]
    fn a_path_leads_where_it_says() {
        for (path, expected) in [
            ("a.b", json!([[1, 2, 3]])),
            ("$.a.b[0]", json!([1])),
            ("a['c-d']", json!(["x"])),
            ("a.c-d", json!(["x"])),
            ("a.b[1:]", json!([2, 3])),
            ("a.b[:2]", json!([1, 2])),
            ("a.b[*]", json!([1, 2, 3])),
            ("[a,b].b[9]", json!([])),
            ("$..b", json!([4, [1, 2, 3]])),
            ("a.*[0]", json!([1])),
            ("b.c", json!([])),
        ] {
            assert_eq!(found(path), expected, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in [
            "", ".a", "a.", "a b", "a[", "a[0", "a['b", "1", "a[-1]", "a.$",
        ] {
            assert!(Path::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_path_that_finds_too_much_is_given_up() {
        let deep = (0..60).fold(json!(1), |inner, _| json!([inner]));
        let path = Path::parse("$..*..*..*..*").unwrap();
        assert!(path.find(&deep).is_err());
    }
}
