//! Dates as the API writes and reads them: five forms, each where Quay has it (api-v1.md §3.3). All are UTC.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// `Tue, 04 Aug 2026 10:00:00 -0000`, as Python's `formatdate` writes it (RFC 2822, of no particular zone).
pub(crate) fn rfc2822(date: NaiveDateTime) -> String {
    date.format("%a, %d %b %Y %H:%M:%S -0000").to_string()
}

/// `2026-08-04T10:00:00Z`.
pub(crate) fn iso(date: NaiveDateTime) -> String {
    date.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The same with microseconds if there are any, as Python's `isoformat` writes it.
pub(crate) fn iso_exact(date: NaiveDateTime) -> String {
    if date.and_utc().timestamp_subsec_micros() == 0 {
        return iso(date);
    }
    date.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// `Tue, 04 Aug 2026 10:00:00 GMT` (RFC 9110 §5.6.7).
pub(crate) fn http(date: NaiveDateTime) -> String {
    date.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Seconds since 1970.
pub(crate) fn epoch(date: NaiveDateTime) -> i64 {
    date.and_utc().timestamp()
}

/// Reads what [`iso`] writes, and nothing else.
pub(crate) fn parse_iso(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%SZ").ok()
}

/// Reads what [`http`] writes.
pub(crate) fn parse_http(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, "%a, %d %b %Y %H:%M:%S GMT").ok()
}

/// Seconds since 1970 of a date in RFC 3339's form, of any zone.
pub(crate) fn epoch_of_rfc3339(text: &str) -> Option<i64> {
    Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp())
}

/// Reads a day as `08/04/2026`, month first.
pub(crate) fn parse_us(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%m/%d/%Y").ok()
}

/// The time that many seconds after 1970; `None` if that is no year anybody has.
pub(crate) fn from_epoch(seconds: i64) -> Option<NaiveDateTime> {
    Some(DateTime::from_timestamp(seconds, 0)?.naive_utc())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_date_is_written_in_every_form() {
        let date = parse_iso("2026-08-04T10:00:00Z").unwrap();
        assert_eq!(rfc2822(date), "Tue, 04 Aug 2026 10:00:00 -0000");
        assert_eq!(http(date), "Tue, 04 Aug 2026 10:00:00 GMT");
        assert_eq!(iso(date), "2026-08-04T10:00:00Z");
        assert_eq!(iso_exact(date), "2026-08-04T10:00:00Z");
        let later = date + chrono::TimeDelta::milliseconds(5);
        assert_eq!(iso_exact(later), "2026-08-04T10:00:00.005000Z");
        assert_eq!(epoch(date), 1_785_837_600);
        assert_eq!(from_epoch(1_785_837_600), Some(date));
        assert_eq!(parse_http(&http(date)), Some(date));
        assert_eq!(parse_us("08/04/2026"), Some(date.date()));
        assert_eq!(
            epoch_of_rfc3339("2026-08-04T12:00:00.5+02:00"),
            Some(epoch(date))
        );
    }

    #[test]
    fn other_forms_are_not_read() {
        assert_eq!(parse_iso("2026-08-04T10:00:00+00:00"), None);
        assert_eq!(parse_us("2026-08-04"), None);
        assert_eq!(parse_http("Tue, 04 Aug 2026 10:00:00 -0000"), None);
    }
}
