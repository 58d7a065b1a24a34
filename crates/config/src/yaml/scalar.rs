//! The value of one scalar, by the patterns of `PyYAML`'s resolver.

use granit_parser::{ScalarStyle, Tag};
use serde_json::{Number, Value};

use super::{CORE, YamlError, name, refused_tag, wrong};

/// The value of a scalar: a quoted one is text, a plain one is resolved, a tag decides otherwise.
pub(super) fn scalar(
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
