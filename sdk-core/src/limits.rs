//! Limits of the client's own: requests a second, and requests at a time. Shared by all copies of a
//! client, and kept before anything is sent, so that a server need not say 429.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::call::Call;
use crate::classify::{Failed, timed_out};
use crate::client::Client;
use crate::error::{ErrorCode, Phase};
use crate::platform::{self, Instant};

/// Requests a second at least: one a day. What is rarer is a mistake, and no clock can count it.
pub(crate) const SLOWEST: f64 = 1.0 / 86_400.0;

/// What may leave, and when.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    rate: Option<Rate>,
    concurrent: Option<Arc<Semaphore>>,
}

/// A place among the requests that are under way; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(
    #[allow(dead_code, reason = "held, not read")] Option<OwnedSemaphorePermit>,
);

impl Limits {
    pub(crate) fn new(per_second: Option<f64>, concurrent: Option<u32>) -> Limits {
        Limits {
            rate: per_second.map(Rate::new),
            concurrent: concurrent.map(|count| Arc::new(Semaphore::new(count as usize))),
        }
    }
}

/// Evenly spaced requests, after a burst of as many as a second may have.
#[derive(Debug)]
struct Rate {
    interval: Duration,
    burst: Duration,
    /// When the next request would leave if none could come in a burst.
    next: Mutex<Option<Instant>>,
    /// Who is next: the others wait behind it, in the order in which they came. A turn is taken when it
    /// has come, so that whoever leaves before that leaves nothing behind.
    queue: Semaphore,
}

impl Rate {
    fn new(per_second: f64) -> Rate {
        let interval = Duration::from_secs_f64(1.0 / per_second);
        let burst = interval.mul_f64((per_second.floor() - 1.0).max(0.0));
        Rate {
            interval,
            burst,
            next: Mutex::default(),
            queue: Semaphore::new(1),
        }
    }

    /// Waits for a turn and takes it.
    async fn turn(&self) {
        let _first = self.queue.acquire().await;
        loop {
            let wait = self.take(Instant::now());
            if wait.is_zero() {
                return;
            }
            platform::sleep(wait).await;
        }
    }

    /// Takes the turn if it has come, or says how long it is until it comes.
    fn take(&self, now: Instant) -> Duration {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        let wait = turn.duration_since(now).saturating_sub(self.burst);
        if wait.is_zero() {
            *next = Some(turn + self.interval);
        }
        wait
    }
}

impl Client {
    /// Waits until a request may leave, within the time of the call.
    pub(crate) async fn admit(&self, call: &Call) -> Result<Place, Failed> {
        let limits = &self.shared.limits;
        if limits.concurrent.is_none() && limits.rate.is_none() {
            return Ok(Place(None));
        }
        let turn = async {
            let place = match &limits.concurrent {
                // The semaphore is never closed.
                Some(places) => places.clone().acquire_owned().await.ok(),
                None => None,
            };
            if let Some(rate) = &limits.rate {
                rate.turn().await;
            }
            Place(place)
        };
        let (wait, _) = call.deadline.limit(None, ErrorCode::TotalTimeout);
        platform::within(wait, turn).await.ok_or_else(|| {
            let mut failed = timed_out(call, ErrorCode::TotalTimeout, Phase::Build, wait);
            failed.info.message =
                "The call's time was over before its turn came: the client's own \
                                   limits kept it waiting."
                    .to_owned();
            failed.info.may_have_executed = false;
            failed
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_evenly() {
        let rate = Rate::new(2.0);
        let begun = Instant::now();
        let after = |seconds: f64| {
            rate.take(begun + Duration::from_secs_f64(seconds))
                .as_secs_f64()
        };
        assert_eq!([after(0.0), after(0.0), after(0.0)], [0.0, 0.0, 0.5]);
        // Whoever only asked has taken nothing.
        assert_eq!([after(0.25), after(0.5), after(0.5)], [0.25, 0.0, 0.5]);
        assert_eq!([after(10.0), after(10.0), after(10.0)], [0.0, 0.0, 0.5]);
    }

    #[test]
    fn less_than_one_a_second() {
        let rate = Rate::new(0.5);
        let now = Instant::now();
        assert_eq!(rate.take(now), Duration::ZERO);
        assert_eq!(rate.take(now), Duration::from_secs(2));
    }

    #[tokio::test]
    async fn whoever_leaves_the_queue_leaves_no_gap() {
        let rate = Rate::new(20.0);
        for _ in 0..20 {
            rate.turn().await;
        }
        let crowd = (0..200).map(|_| rate.turn());
        let crowd = futures::future::join_all(crowd);
        assert!(
            tokio::time::timeout(Duration::from_millis(20), crowd)
                .await
                .is_err()
        );
        let begun = Instant::now();
        rate.turn().await;
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
}
