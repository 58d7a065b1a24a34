//! Known places in lists of tags, with the number of rows before them.
//!
//! A place is a row's place in the order of the list, so that it stays where it is whatever happens to its row; what comes
//! and goes in front of it changes its number. Rows come in front of all others, because every interval begins later than
//! those before it. From a list of living tags they go anywhere, when they end. Both are asked of the database before the
//! numbers are used; they are then as right as counting would have been at that moment.
//!
//! Rows that vanish otherwise (their history is collected, an end is moved into the past) are not noticed: a list is forgotten
//! after ten minutes at the latest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pierhead_db::RepositoryId;
use pierhead_db::queries::tag_history::{Change, Place};
use quick_cache::sync::Cache;

use super::TagFilter;

/// Lists of which places are remembered.
const LISTS: usize = 128;
/// Places of one list; about 150 bytes each. When there are more, the one with the nearest neighbours is forgotten, so that
/// they stay spread over what was asked for.
const PLACES: usize = 256;
/// How long a list is remembered.
const REMEMBERED_MS: i64 = 600_000;
/// Changes of a list that are made up for; after more it is forgotten.
pub(super) const MOST_CHANGES: i64 = 1000;

/// A list of tags.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ListKey {
    pub(super) repository: RepositoryId,
    pub(super) filter: TagFilter,
}

/// The places of every list.
#[derive(Debug)]
pub struct TagPlaces(Cache<ListKey, Arc<Mutex<List>>>);

impl Default for TagPlaces {
    fn default() -> Self {
        Self(Cache::new(LISTS))
    }
}

/// The state that places are numbered under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// When the newest interval began, in epoch milliseconds.
    pub(super) newest_ms: i64,
    /// Until when ends of intervals are made up for.
    pub(super) as_of_ms: i64,
    /// How often the numbers changed.
    version: u64,
}

/// The places of one list.
#[derive(Debug)]
struct List {
    made_ms: i64,
    state: State,
    /// By the number of rows up to and including the place.
    places: BTreeMap<i64, Place>,
}

impl List {
    /// Moves the places by what came and went until `now_ms`.
    fn shift(&mut self, changes: &[Change], now_ms: i64) {
        self.state.as_of_ms = self.state.as_of_ms.max(now_ms);
        if changes.is_empty() {
            return;
        }
        self.state.version += 1;
        let (came, gone): (Vec<&Change>, Vec<&Change>) =
            changes.iter().partition(|change| change.came);
        let newest = came.iter().map(|change| change.lifetime_start_ms).max();
        self.state.newest_ms = self.state.newest_ms.max(newest.unwrap_or_default());
        let moved = std::mem::take(&mut self.places).into_iter();
        self.places = moved
            .map(|(before, place)| {
                let gone = gone
                    .iter()
                    .filter(|change| change.lifetime_start_ms >= place.lifetime_start_ms);
                let before = before + came.len() as i64 - gone.count() as i64;
                (before, place)
            })
            .filter(|(before, _)| *before > 0)
            .collect();
    }

    fn remember(&mut self, before: i64, place: Place) {
        if self.places.len() >= PLACES {
            let keys = || self.places.keys().copied();
            let neighbours = keys().zip(keys().skip(1)).zip(keys().skip(2));
            let crowded = neighbours.min_by_key(|((left, _), right)| right - left);
            if let Some(((_, crowded), _)) = crowded {
                self.places.remove(&crowded);
            }
        }
        self.places.insert(before, place);
    }
}

fn lock(list: &Mutex<List>) -> MutexGuard<'_, List> {
    // Nothing panics while it is held, and places are only where to begin.
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A list as one request sees it.
#[derive(Debug)]
pub(super) struct View<'p> {
    all: &'p TagPlaces,
    key: ListKey,
    now_ms: i64,
    /// The list, and the state under which this request counts.
    list: Option<(Arc<Mutex<List>>, State)>,
}

impl TagPlaces {
    /// What is remembered of a list.
    pub(super) fn view(&self, key: ListKey, now_ms: i64) -> View<'_> {
        let list = self.0.get(&key).and_then(|list| {
            let (made_ms, state) = {
                let list = lock(&list);
                (list.made_ms, list.state)
            };
            (now_ms < made_ms.saturating_add(REMEMBERED_MS)).then_some((list, state))
        });
        View {
            all: self,
            key,
            now_ms,
            list,
        }
    }
}

impl View<'_> {
    /// Whether nothing is known of the list.
    pub(super) fn is_new(&self) -> bool {
        self.list.is_none()
    }

    /// The state that its numbers are of.
    pub(super) fn known(&self) -> Option<State> {
        self.list.as_ref().map(|(_, state)| *state)
    }

    /// Takes in what changed since that state. Another request may have done so meanwhile.
    pub(super) fn update(&mut self, since: State, changes: &[Change]) {
        if changes.len() as i64 > MOST_CHANGES {
            self.all.0.remove(&self.key);
            self.list = None;
        }
        if let Some((list, state)) = &mut self.list {
            let mut list = lock(list);
            if list.state == since {
                list.shift(changes, self.now_ms);
            }
            *state = list.state;
        }
    }

    /// Begins to remember a list whose newest interval began then.
    pub(super) fn begin(&mut self, newest_ms: i64) {
        let state = State {
            newest_ms,
            as_of_ms: self.now_ms,
            version: 0,
        };
        let list = Arc::new(Mutex::new(List {
            made_ms: self.now_ms,
            state,
            places: BTreeMap::new(),
        }));
        self.all.0.insert(self.key.clone(), list.clone());
        self.list = Some((list, state));
    }

    /// The last known place with at most so many rows up to it, and how many they are; none is the beginning.
    pub(super) fn nearest(&self, rows: i64) -> (i64, Option<Place>) {
        let Some((list, _)) = &self.list else {
            return (0, None);
        };
        let list = lock(list);
        let nearest = list.places.range(..=rows).next_back();
        nearest.map_or((0, None), |(before, place)| (*before, Some(place.clone())))
    }

    /// Remembers a place with so many rows up to it.
    pub(super) fn remember(&self, before: i64, place: Place) {
        if let Some((list, state)) = &self.list {
            let mut list = lock(list);
            if list.state.version == state.version {
                list.remember(before, place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use pierhead_db::TagId;

    use super::*;

    /// The row that began then.
    fn place(lifetime_start_ms: i64) -> Place {
        Place {
            lifetime_start_ms,
            name: "t".into(),
            id: TagId(1),
        }
    }

    fn key() -> ListKey {
        ListKey {
            repository: RepositoryId(1),
            filter: TagFilter::default(),
        }
    }

    fn nearest(places: &TagPlaces, now_ms: i64, rows: i64) -> (i64, Option<i64>) {
        let (before, place) = places.view(key(), now_ms).nearest(rows);
        (before, place.map(|place| place.lifetime_start_ms))
    }

    /// A list of rows that began at 100, 99 … with places behind 10 and 20 of them.
    fn known() -> TagPlaces {
        let places = TagPlaces::default();
        let mut view = places.view(key(), 1_000);
        assert!(view.is_new());
        view.begin(100);
        view.remember(10, place(91));
        view.remember(20, place(81));
        places
    }

    fn change(lifetime_start_ms: i64, came: bool) -> Change {
        Change {
            lifetime_start_ms,
            came,
        }
    }

    #[test]
    fn a_page_is_found_from_the_nearest_place_before_it() {
        let places = known();
        for (rows, expected) in [
            (9, (0, None)),
            (10, (10, Some(91))),
            (19, (10, Some(91))),
            (500, (20, Some(81))),
        ] {
            assert_eq!(nearest(&places, 1_000, rows), expected, "{rows}");
        }
        assert_eq!(nearest(&places, 601_000, 20), (0, None), "forgotten");
    }

    #[test]
    fn places_move_by_what_came_and_went_in_front_of_them() {
        let places = known();
        let mut view = places.view(key(), 2_000);
        let known = view.known().unwrap();
        let changes = [change(101, true), change(102, true), change(85, false)];
        view.update(known, &changes);
        assert_eq!(nearest(&places, 2_000, 12), (12, Some(91)));
        assert_eq!(nearest(&places, 2_000, 21), (21, Some(81)));
        let state = places.view(key(), 2_000).known().unwrap();
        assert_eq!((state.newest_ms, state.as_of_ms), (102, 2_000));
        // The same again, by a request that began before: it was made up for.
        view.update(known, &changes);
        assert_eq!(nearest(&places, 2_000, 21), (21, Some(81)));
    }

    #[test]
    fn a_place_that_was_counted_under_other_numbers_is_not_remembered() {
        let places = known();
        let slow = places.view(key(), 1_500);
        let mut view = places.view(key(), 2_000);
        let known = view.known().unwrap();
        view.update(known, &[change(101, true)]);
        slow.remember(30, place(71));
        assert_eq!(nearest(&places, 2_000, 40), (21, Some(81)));
    }

    #[test]
    fn a_list_that_changed_too_much_is_forgotten() {
        let places = known();
        let mut view = places.view(key(), 2_000);
        let known = view.known().unwrap();
        view.update(known, &vec![change(101, true); 1001]);
        assert!(view.is_new());
        assert_eq!(nearest(&places, 2_000, 20), (0, None));
    }

    #[test]
    fn memory_is_bounded_and_what_is_left_is_spread() {
        let places = known();
        let view = places.view(key(), 1_000);
        for page in 3..=5_000 {
            view.remember(page * 10, place(-page));
        }
        let left = lock(&places.0.get(&key()).unwrap()).places.len();
        assert!(left <= PLACES, "{left}");
        let (before, _) = nearest(&places, 1_000, 25_000);
        assert!(before > 24_000, "{before}");
        assert_eq!(nearest(&places, 1_000, 50_000).0, 50_000);
    }
}
