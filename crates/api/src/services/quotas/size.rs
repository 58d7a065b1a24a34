//! Sizes as people write and read them: `10 GiB`, `10.0 GiB`. Quay reads and writes them with Python's `bitmath`, whose
//! units are these.

use super::Form;
use crate::error::{Error, Result};

/// Units of powers of 1024 that can be read, by power.
const BINARY: [&str; 6] = ["K", "M", "G", "T", "P", "E"];
/// Units of powers of 1000 that can be read, by power.
const DECIMAL: [&str; 8] = ["K", "M", "G", "T", "P", "E", "Z", "Y"];

/// Reads a whole number with a unit: `10`, `10 GiB`, `10Gi`, `10GB`, `10G`.
///
/// As in Quay, the unit may be missing for bytes, but `B` alone, `ZiB` and `YiB` cannot be read.
///
/// # Errors
/// 400 when the text has another form, in the words of the form it was sent to, or the size does not fit its column.
pub(crate) fn parse(text: &str, form: Form) -> Result<i64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let unit = rest.strip_prefix(char::is_whitespace).unwrap_or(rest);
    let factor = factor(unit).filter(|_| !digits.is_empty()).ok_or_else(|| {
        Error::invalid_request(match form {
            Form::Organization => {
                "Invalid limit format, use a number followed by a unit (e.g. 1GiB)"
            }
            Form::Superuser => "Invalid limit format",
        })
    })?;
    digits
        .parse::<i128>()
        .ok()
        .and_then(|count| count.checked_mul(factor))
        .and_then(|bytes| i64::try_from(bytes).ok())
        .ok_or_else(too_large)
}

/// The refusal of a size that does not fit its column, as Quay words it.
pub(crate) fn too_large() -> Error {
    Error::invalid_request("Unsupported quota size limit.")
}

fn factor(unit: &str) -> Option<i128> {
    if unit.is_empty() {
        return Some(1);
    }
    let power = |base: i128, units: &[&str], name: &str| {
        let index = units.iter().position(|known| *known == name)?;
        base.checked_pow(u32::try_from(index + 1).ok()?)
    };
    if let Some(name) = unit.strip_suffix("iB").or_else(|| unit.strip_suffix('i')) {
        return power(1024, &BINARY, name);
    }
    power(1000, &DECIMAL, unit.strip_suffix('B').unwrap_or(unit))
}

/// Writes a size in the largest unit of which there is at least one, with one decimal.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn show(bytes: i64) -> String {
    let mut value = bytes as f64;
    let mut unit = "Byte";
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] {
        if value.abs() < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn sizes_are_read_as_quay_reads_them() {
        for (text, bytes) in [
            ("0", 0),
            ("10", 10),
            ("10KiB", 10 << 10),
            ("10 GiB", 10 << 30),
            ("10Gi", 10 << 30),
            ("7EiB", 7 << 60),
            ("10K", 10_000),
            ("10 GB", 10_000_000_000),
            ("9E", 9_000_000_000_000_000_000),
        ] {
            assert_eq!(parse(text, Form::Organization).unwrap(), bytes, "{text}");
        }
        for text in [
            "", "GiB", "10B", "10 B", "10ZiB", "10Yi", "10 kb", "1.5GiB", "-1", "10  K", "10Kib",
        ] {
            let error = |form| parse(text, form).unwrap_err().to_string();
            assert_eq!(error(Form::Superuser), "Invalid limit format", "{text}");
            let longer = error(Form::Organization);
            assert!(longer.starts_with("Invalid limit format, use"), "{text}");
        }
        for text in [
            "8EiB",
            "10E",
            "1Z",
            "1YB",
            "99999999999999999999999999999999999999999999",
        ] {
            let error = parse(text, Form::Superuser).unwrap_err().to_string();
            assert_eq!(error, "Unsupported quota size limit.", "{text}");
        }
    }

    #[test]
    fn sizes_are_written_as_quay_writes_them() {
        for (bytes, text) in [
            (1, "1.0 Byte"),
            (1023, "1023.0 Byte"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1_048_575, "1024.0 KiB"),
            (1_000_000_000, "953.7 MiB"),
            (10 << 30, "10.0 GiB"),
            (i64::MAX, "8.0 EiB"),
        ] {
            assert_eq!(show(bytes), text);
        }
    }
}
