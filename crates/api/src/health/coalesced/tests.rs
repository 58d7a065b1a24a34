#![allow(clippy::panic)]

use std::sync::atomic::AtomicU32;

use super::*;

const SOON: Duration = Duration::from_millis(1);
const LATER: Duration = Duration::from_hours(1);

#[derive(Default)]
struct Counted(Arc<AtomicU32>);

impl Counted {
    fn check(&self) -> impl Future<Output = Result<Note, Failure>> + Send + 'static {
        let runs = self.0.clone();
        async move {
            runs.fetch_add(1, Ordering::SeqCst);
            Ok(None)
        }
    }

    fn runs(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn many_who_ask_at_once_share_one_check() {
    let (coalesced, counted) = (Coalesced::new(Service::Database), Counted::default());
    let asked = (0..100).map(|_| coalesced.outcome(LATER, LATER, counted.check()));
    let outcomes = futures_util::future::join_all(asked).await;
    assert_eq!(
        (outcomes, counted.runs()),
        (vec![Outcome::Healthy(None); 100], 1)
    );
}

#[tokio::test]
async fn an_old_outcome_is_not_given_again() {
    let (coalesced, counted) = (Coalesced::new(Service::Database), Counted::default());
    for _ in 0..3 {
        let outcome = coalesced.outcome(LATER, Duration::ZERO, counted.check());
        assert!(outcome.await.is_healthy());
    }
    assert_eq!(counted.runs(), 3);
}

#[tokio::test]
async fn a_check_that_hangs_is_unhealthy_and_is_not_started_again() {
    let (coalesced, counted) = (Coalesced::new(Service::DiskSpace), Counted::default());
    let hanging = coalesced.outcome(SOON, Duration::ZERO, std::future::pending());
    assert_eq!(
        hanging.await,
        Outcome::Unhealthy("no answer within 1 ms".into())
    );
    let waiting = coalesced.outcome(SOON, Duration::ZERO, counted.check());
    assert!(!waiting.await.is_healthy());
    assert_eq!(counted.runs(), 0);
}

#[tokio::test]
async fn a_check_that_panics_is_unhealthy_and_the_next_one_counts() {
    let (coalesced, counted) = (Coalesced::new(Service::Database), Counted::default());
    let panics = async { panic!("a check panics in this test") };
    let outcome = coalesced.outcome(LATER, LATER, panics).await;
    assert_eq!(outcome, Outcome::Unhealthy("the check panicked".into()));
    let outcome = coalesced.outcome(LATER, LATER, counted.check()).await;
    assert_eq!(outcome, Outcome::Healthy(None));
}
