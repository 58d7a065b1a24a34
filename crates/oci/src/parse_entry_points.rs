//! The places where text from the network is parsed, each with the properties that must hold for
//! *every* input: no panic, and what was accepted reads back as the same value.
//!
//! Property tests run all of them on random input; a fuzzer is meant to call the same list.

use crate::digest::Digest;
use crate::manifest::{Limits, Manifest};
use crate::media_type::{self, ManifestType};
use crate::name::{NameRules, NamespaceName, RepositoryName};
use crate::range::{BlobRange, ContentRange};
use crate::reference::Reference;
use crate::scope::Scope;
use crate::tag_pattern::TagPattern;

/// Parses arbitrary bytes; an error names the property that does not hold.
pub type EntryPoint = fn(&[u8]) -> Result<(), String>;

/// Every parser of network input, by name.
pub const ENTRY_POINTS: &[(&str, EntryPoint)] = &[
    ("manifest", manifest),
    ("reference", reference),
    ("name", name),
    ("range", range),
    ("content_range", content_range),
    ("scope", scope),
    ("media_type", media_type),
    ("tag_pattern", tag_pattern),
];

/// [`Manifest::parse`] under each `Content-Type`: sizes stay within `i64`, local and foreign blobs
/// are distinct and disjoint, and a type taken from the body is the one its header would give.
pub fn manifest(input: &[u8]) -> Result<(), String> {
    let limits = Limits::default();
    for content_type in ManifestType::ALL.map(ManifestType::as_str) {
        let Ok(manifest) = Manifest::parse(Some(content_type), input, &limits) else {
            continue;
        };
        let local = manifest.local_blobs();
        let foreign = manifest.foreign_blobs();
        let mut digests: Vec<Digest> = local.iter().chain(&foreign).map(|d| d.digest).collect();
        digests.sort_unstable();
        digests.dedup();
        // A digest may be foreign in one place and local in another, but never twice in one list.
        if digests.len() < local.len().max(foreign.len()) {
            return Err(format!("{content_type}: blobs are not distinct"));
        }
        if manifest.manifest_type().is_index() != manifest.config().is_none() {
            return Err(format!("{content_type}: neither image nor index"));
        }
        if i64::try_from(manifest.layers_compressed_size().unwrap_or(0)).is_err() {
            return Err(format!("{content_type}: size does not fit i64"));
        }
    }
    if let Ok(by_body) = Manifest::parse(None, input, &limits) {
        let content_type = by_body.manifest_type().as_str();
        match Manifest::parse(Some(content_type), input, &limits) {
            Ok(by_header) if by_header == by_body => {}
            other => return Err(format!("by body {by_body:?}, by header {other:?}")),
        }
    }
    Ok(())
}

/// [`Reference::parse`]: display reads back as the same reference.
pub fn reference(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    match Reference::parse(&text) {
        Ok(reference) if reference.to_string() == text => Ok(()),
        Ok(reference) => Err(format!("{text:?} was read as {reference}")),
        Err(_) => Ok(()),
    }
}

/// [`RepositoryName::parse`]: display reads back as the same name and is never a path that climbs.
pub fn name(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    let rules = NameRules::default();
    if let Ok(name) = RepositoryName::parse(&text, &rules) {
        if RepositoryName::parse(name.as_str(), &rules).as_ref() != Ok(&name) {
            return Err(format!("{name} does not read back"));
        }
        if name
            .as_str()
            .split('/')
            .any(|s| matches!(s, "" | "." | ".."))
        {
            return Err(format!("{name} climbs"));
        }
    }
    if let Ok(name) = NamespaceName::validate_new(&text)
        && !NamespaceName::is_addressable(name.as_str())
    {
        return Err(format!("{name} can be created and not addressed"));
    }
    Ok(())
}

/// [`BlobRange::parse`]: a part lies within the blob, whatever its length.
pub fn range(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    for length in [0, 1, 10, u64::MAX] {
        if let BlobRange::Part(part) = BlobRange::parse(&text, length)
            && (part.start > part.end_inclusive
                || part.end_inclusive >= length
                || part.len() > length)
        {
            return Err(format!("{text:?} of {length} bytes became {part:?}"));
        }
    }
    Ok(())
}

/// [`ContentRange::parse`]: display reads back as the same range.
pub fn content_range(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    match ContentRange::parse(&text) {
        Ok(range) if ContentRange::parse(&range.to_string()).as_ref() != Ok(&range) => {
            Err(format!("{range} does not read back"))
        }
        Ok(range) if range.start > range.end_inclusive => Err(format!("{range} is reversed")),
        _ => Ok(()),
    }
}

/// [`Scope::parse_all`]: display reads back as the same scope, and no target occurs twice.
pub fn scope(input: &[u8]) -> Result<(), String> {
    const HOST: &str = "localhost:8080";
    let text = String::from_utf8_lossy(input);
    let Ok(scopes) = Scope::parse_all([&*text], HOST) else {
        return Ok(());
    };
    let mut targets = std::collections::HashSet::new();
    for scope in &scopes {
        let (target, actions_known) = match scope {
            Scope::Repository(scope) => (scope.requested_name(), !scope.actions.is_empty()),
            Scope::Catalog => ("", true),
        };
        if !targets.insert(target) {
            return Err(format!("{text:?} has {scope} twice"));
        }
        if actions_known && Scope::parse(&scope.to_string(), HOST).as_ref() != Ok(scope) {
            return Err(format!("{scope} does not read back"));
        }
    }
    Ok(())
}

/// [`ManifestType::parse`] and [`media_type::accepts`]: a type that is named is accepted.
pub fn media_type(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    if let Some(known) = ManifestType::parse(&text)
        && !text.contains(',')
        && !media_type::accepts([&*text], known)
    {
        return Err(format!("{text:?} does not accept {known}"));
    }
    Ok(())
}

/// [`TagPattern::parse`]: an alternative of a pattern with itself selects the same names.
pub fn tag_pattern(input: &[u8]) -> Result<(), String> {
    let Some(text) = std::str::from_utf8(input).ok() else {
        return Ok(());
    };
    let Ok(pattern) = TagPattern::parse(text) else {
        return Ok(());
    };
    let Ok(twice) = TagPattern::parse(&format!("(?:{text})|(?:{text})")) else {
        return Ok(());
    };
    for tag in ["latest", "v1.0", "", text] {
        if pattern.matches_whole(tag) != twice.matches_whole(tag) {
            return Err(format!(
                "{text:?} does not select {tag:?} as its alternative does"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
