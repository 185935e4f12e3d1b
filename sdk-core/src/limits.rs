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
}

impl Rate {
    fn new(per_second: f64) -> Rate {
        let interval = Duration::from_secs_f64(1.0 / per_second);
        let burst = interval.mul_f64((per_second.floor() - 1.0).max(0.0));
        Rate {
            interval,
            burst,
            next: Mutex::default(),
        }
    }

    /// Takes a turn and says how long it is until it comes.
    fn take(&self, now: Instant) -> Duration {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + self.interval);
        turn.duration_since(now).saturating_sub(self.burst)
    }
}

impl Client {
    /// Waits until a request may leave, within the time of the call.
    pub(crate) async fn admit(&self, call: &Call) -> Result<Place, Failed> {
        let limits = &self.shared.limits;
        let turn = async {
            let place = match &limits.concurrent {
                // The semaphore is never closed.
                Some(places) => places.clone().acquire_owned().await.ok(),
                None => None,
            };
            if let Some(rate) = &limits.rate {
                let wait = rate.take(Instant::now());
                if !wait.is_zero() {
                    platform::sleep(wait).await;
                }
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
        let now = Instant::now();
        let waits: Vec<_> = (0..4).map(|_| rate.take(now).as_secs_f64()).collect();
        assert_eq!(waits, [0.0, 0.0, 0.5, 1.0]);
        let later = now + Duration::from_secs(10);
        assert_eq!(rate.take(later), Duration::ZERO);
        assert_eq!(rate.take(later), Duration::ZERO);
        assert_eq!(rate.take(later), Duration::from_millis(500));
    }

    #[test]
    fn less_than_one_a_second() {
        let rate = Rate::new(0.5);
        let now = Instant::now();
        assert_eq!(rate.take(now), Duration::ZERO);
        assert_eq!(rate.take(now), Duration::from_secs(2));
    }
}
