//! Names for people who come from elsewhere: as they are called there, as far as names here can be like that, followed by
//! something if that is taken. The order is Quay's, so that both give the same name.

use super::super::names::{MAX_NAME_LEN, MIN_NAME_LEN};

/// What is put behind a name that is taken.
const FILLERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// How many names are tried: the plain one, and those with up to two fillers.
const MOST: usize = 1 + 36 + 36 * 36;

/// Names like that one, the most alike first. Each may be the name of an account; none is looked up.
pub(super) fn like(name: &str) -> impl Iterator<Item = String> {
    let prefix = prefix(name);
    let least = MIN_NAME_LEN.saturating_sub(prefix.len());
    let most = MAX_NAME_LEN - prefix.len();
    (least..=most)
        .flat_map(fillers)
        .map(move |filler| format!("{prefix}{filler}"))
        .take(MOST)
}

/// The name in letters, digits, and single separators between them. Quay leaves `-` beside another separator, or at an end,
/// and then makes no account.
fn prefix(name: &str) -> String {
    let mut prefix = String::new();
    let plain = deunicode::deunicode_with_tofu(name, "");
    let mut separators: Vec<char> = Vec::new();
    for letter in plain.trim().to_lowercase().chars() {
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() {
            let separator = match &separators[..] {
                _ if prefix.is_empty() => None,
                [] => None,
                [one] => Some(*one),
                _ => Some('_'),
            };
            separators.clear();
            let letters = separator.into_iter().chain([letter]);
            for letter in letters {
                if prefix.len() < MAX_NAME_LEN {
                    prefix.push(letter);
                }
            }
        } else {
            separators.push(if letter == '-' { '-' } else { '_' });
        }
    }
    let end = prefix.trim_end_matches(['-', '_']).len();
    prefix.truncate(end);
    prefix
}

/// Every text of that many fillers, in order.
fn fillers(length: usize) -> impl Iterator<Item = String> {
    let base = FILLERS.len();
    let count = u32::try_from(length).map_or(usize::MAX, |length| base.saturating_pow(length));
    (0..count).map(move |number| {
        let mut digits = vec![FILLERS[0]; length];
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit = FILLERS[rest % base];
            rest /= base;
        }
        digits.into_iter().map(char::from).collect()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::names::check_namespace;
    use super::*;

    fn first(name: &str) -> String {
        like(name).next().unwrap_or_default()
    }

    #[test]
    fn a_name_from_elsewhere_stays_as_it_is_where_it_can() {
        for (given, name) in [
            ("someuser", "someuser"),
            ("SomeUser", "someuser"),
            ("some-user", "some-user"),
            ("some.user", "some_user"),
            ("  some user ", "some_user"),
            ("some__user", "some_user"),
            ("_some_user_", "some_user"),
            ("jörg.müller", "jorg_muller"),
            ("北亰", "bei_jing"),
            // Quay makes no account for these.
            ("-some--user-", "some_user"),
            ("some-.user", "some_user"),
            // Too short.
            ("a", "a0"),
            ("", "00"),
            ("...", "00"),
        ] {
            assert_eq!(first(given), name, "{given:?}");
        }
        assert_eq!(first(&"a".repeat(400)), "a".repeat(255));
        assert_eq!(first(&format!("{}-b", "a".repeat(254))), "a".repeat(254));
    }

    #[test]
    fn what_follows_a_name_that_is_taken_is_in_order() {
        let names: Vec<String> = like("ann").collect();
        assert_eq!(names.len(), MOST);
        assert_eq!(names[..3], ["ann", "ann0", "ann1"]);
        assert_eq!(names[11..13], ["anna", "annb"]);
        assert_eq!(names[36..39], ["annz", "ann00", "ann01"]);
        assert_eq!(names[MOST - 1], "annzz");
        let short: Vec<String> = like("").take(38).collect();
        assert_eq!((&*short[0], &*short[37]), ("00", "11"));
        assert_eq!(like(&"a".repeat(255)).count(), 1);
        assert_eq!(like(&"a".repeat(254)).count(), 37);
    }

    proptest! {
        #[test]
        fn every_name_may_be_that_of_an_account(given in ".{0,40}") {
            for name in like(&given).take(40) {
                prop_assert!(check_namespace(&name).is_ok(), "{name}");
            }
        }
    }
}
