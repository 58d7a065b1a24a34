//! The chain of Quay's schema revisions, so that a refusal can name the release a database belongs to.
//!
//! The chain is linear, and each release's chain begins with its predecessor's (database.md §3). A database can be
//! at any step of it when an upgrade was interrupted.

/// Releases with the revisions each added, in order.
const CHAIN: &[(&str, &[&str])] = &[
    (
        "3.7 or older",
        &[
            "c156deb8845d",
            "6c7014e84a5e",
            "faf752bd2e0a",
            "94836b099894",
            "45fd8b9869d4",
            "f5167870dd66",
            "fc47c1ec019f",
            "3e8cc74a1e7b",
            "d42c175b439a",
            "e2894a3a3c19",
            "7a525c68eb13",
            "b8ae68ad3e52",
            "b4df55dea4b3",
            "a6c463dfb9fe",
            "be8d1c402ce0",
            "f30984525c86",
            "c3d4b7ebcdf7",
            "ed01e313d3cb",
            "53e2ac668296",
            "dc4af11a5f90",
            "d8989249f8f6",
            "7367229b38d9",
            "cbc8177760d9",
            "152bb29a1bb3",
            "c91c564aad34",
            "152edccba18c",
            "b4c2d45bc132",
            "61cadbacb9fc",
            "17aff2e1354e",
            "87fbbc224f10",
            "0cf50323c78b",
            "b547bc139ad8",
            "224ce4c72c2f",
            "5b7503aada1b",
            "1783530bee68",
            "5cbbfc95bac7",
            "610320e9dacf",
            "5d463ea1e8a8",
            "d17c695859ea",
            "6c21e2cfb8b6",
            "9093adccc784",
            "eafdeadcebc7",
            "654e6df88b71",
            "13411de1c0ff",
            "10f45ee2310b",
            "67f0abd172ae",
            "c00a1f15968b",
            "54492a68a3cf",
            "6ec8726c0ace",
            "e184af42242d",
            "b9045731c4de",
            "481623ba00ba",
            "b918abdbee43",
            "5248ddf35167",
            "c13c8052f7a6",
            "703298a825c2",
            "49e1138ed12d",
            "c059b952ed76",
            "cc6778199cdb",
            "34c8ef052ec9",
            "4fd6b8463eb2",
            "8e6a363784bb",
            "04b9d2191450",
            "3383aad1e992",
            "88e64904d000",
            "909d725887d3",
            "e9f3e4dbb979",
            "10d34e6536f8",
            "b43b44996c26",
            "d94d328733e4",
        ],
    ),
    ("3.8", &["2d66ad598b56", "7bca88923f2c", "b2d1e4b95fc2"]),
    (
        "3.9",
        &[
            "f0875fbc7c7a",
            "a648ab200ab7",
            "43fea47d641f",
            "0246c2d0e750",
            "ab5a24478052",
            "8cf90670bf38",
        ],
    ),
    (
        "3.10",
        &[
            "46980ea2dde5",
            "a0fc06d604a4",
            "8a70b8777089",
            "b82361fba1cd",
            "4366f54be43c",
            "222debc16e18",
            "2062bbd5ef0e",
            "8d47693829a0",
        ],
    ),
    (
        "3.11",
        &[
            "3f8e3657bb67",
            "41d15c93c299",
            "b4da5b09c8df",
            "135fd3e94615",
            "cead4183265c",
        ],
    ),
    (
        "3.12",
        &[
            "36cd2b747a08",
            "946f0e90f9c9",
            "0cdd1f27a450",
            "0988213e0885",
            "66147b81aad2",
            "f67fe4871771",
            "2664723e1b4b",
            "8a7ba94c2e84",
            "3f8d7acdf7f9",
        ],
    ),
    (
        "3.13",
        &[
            "a32e17bfad20",
            "5b8dc452f5c3",
            "ba263f9be4a6",
            "9085e82074f2",
            "8e97c2cfee57",
        ],
    ),
    ("3.14", &["3634f2df3c5b"]),
    ("3.15", &["e8ed3fb547da", "1623f40582ed"]),
    ("3.16", &["7078c84d14e8"]),
    (
        "3.17",
        &[
            "9307c3d604b4",
            "27d0df099ac4",
            "a1b2c3d4e5f6",
            "285f36ce97fd",
            "b2c3d4e5f6a7",
            "b1c2d3e4f5a6",
            "15f06d00c4b3",
            "414c5e2fc487",
            "c3d4e5f6a7b8",
        ],
    ),
    (
        "3.18",
        &[
            "b1a79fa8e630",
            "d064a4f00d4a",
            "b30800b1d271",
            "6715e4719375",
            "9fa37f66a9b6",
        ],
    ),
];

/// The release whose migrations contain this revision.
pub(super) fn release_of(revision: &str) -> Option<&'static str> {
    CHAIN
        .iter()
        .find(|(_, revisions)| revisions.contains(&revision))
        .map(|(release, _)| *release)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::schema::HEAD_REVISION;

    #[test]
    fn the_chain_has_124_different_revisions_and_ends_with_the_head() {
        let all: Vec<_> = CHAIN
            .iter()
            .flat_map(|(_, revisions)| revisions.iter())
            .collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 124);
        assert_eq!(all.len(), 124);
        assert_eq!(all.last(), Some(&&HEAD_REVISION));
    }

    #[test]
    fn each_release_ends_with_its_head() {
        let heads: Vec<_> = CHAIN
            .iter()
            .map(|(release, revisions)| (*release, revisions.last().copied()))
            .collect();
        let expected = [
            ("3.7 or older", "d94d328733e4"),
            ("3.8", "b2d1e4b95fc2"),
            ("3.9", "8cf90670bf38"),
            ("3.10", "8d47693829a0"),
            ("3.11", "cead4183265c"),
            ("3.12", "3f8d7acdf7f9"),
            ("3.13", "8e97c2cfee57"),
            ("3.14", "3634f2df3c5b"),
            ("3.15", "1623f40582ed"),
            ("3.16", "7078c84d14e8"),
            ("3.17", "c3d4e5f6a7b8"),
            ("3.18", "9fa37f66a9b6"),
        ];
        assert_eq!(heads, expected.map(|(release, head)| (release, Some(head))));
    }
}
