//! Whether and when to try again: pure, no clock and no socket.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::operation::Safety;
use crate::platform;

/// First delay; each further one doubles.
const BASE: Duration = Duration::from_millis(500);
/// Longest delay of our own.
const CAP: Duration = Duration::from_secs(8);
/// Full jitter may come to nothing, and a server that is in trouble would be asked again at once.
const LEAST: Duration = Duration::from_micros(62_500);
/// Longest delay that a server may ask for; beyond it the call fails and says so.
pub const RETRY_AFTER_CAP: Duration = Duration::from_secs(60);

/// Seconds that stand for more of them than a clock can count.
const LONGEST: f64 = 1e10;

/// What became of an attempt, as far as repeating it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The server provably did not start: no connection, 429, 503 with `Retry-After`.
    NotStarted,
    /// Transient, but the server may have done the work.
    MayHaveRun,
    /// Trying again cannot help.
    Final,
}

/// An attempt that failed.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// What became of it.
    pub failure: Failure,
    /// Number of attempts so far, this one included.
    pub number: u32,
    /// What the server asked for in `Retry-After`.
    pub retry_after: Option<Duration>,
    /// What the server said in `x-should-retry`.
    pub should_retry: Option<bool>,
}

/// The delay before the next attempt, `None` where there is none. `random` is in `0..1`.
pub fn delay(safety: Safety, attempt: &Attempt, max_retries: u32, random: f64) -> Option<Duration> {
    let allowed = match attempt.failure {
        Failure::NotStarted => true,
        Failure::MayHaveRun => safety != Safety::Unsafe,
        Failure::Final => false,
    };
    if !allowed || attempt.number > max_retries || attempt.should_retry == Some(false) {
        return None;
    }
    let doubled = BASE.saturating_mul(1 << attempt.number.saturating_sub(1).min(16));
    let own = doubled.min(CAP).mul_f64(random).max(LEAST);
    match attempt.retry_after {
        Some(asked) if asked > RETRY_AFTER_CAP => None,
        // Never before the server's time; a little after it, so that callers do not come back as one.
        Some(asked) => Some(asked + BASE.mul_f64(random).max(LEAST)),
        None => Some(own),
    }
}

/// Reads `Retry-After-Ms` or `Retry-After`: milliseconds, seconds, or an HTTP date against `now`
/// (Unix seconds).
pub fn retry_after(ms: Option<&str>, value: Option<&str>, now: f64) -> Option<Duration> {
    if let Some(ms) = ms.and_then(number) {
        return duration(ms / 1000.0);
    }
    let value = value?.trim();
    match number(value) {
        Some(seconds) => duration(seconds),
        None => duration((http_date(value)? - now).max(0.0)),
    }
}

/// However many digits it has: it asks for a long time, not for none.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let digit = text.starts_with(|first: char| first.is_ascii_digit());
    let number = platform::number(text)?;
    Some(if digit { number.min(LONGEST) } else { number })
}

fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` as Unix seconds.
fn http_date(text: &str) -> Option<f64> {
    let time = httpdate::parse_http_date(text).ok()?;
    Some(
        time.duration_since(std::time::UNIX_EPOCH)
            .ok()?
            .as_secs_f64(),
    )
}

/// Permits for retries, shared by all calls of a client: when most calls fail, retries stop by
/// themselves instead of doubling the load.
#[derive(Debug)]
pub struct Quota(AtomicI64);

const QUOTA: i64 = 500;
const COST: i64 = 5;
const COST_TIMEOUT: i64 = 10;

impl Default for Quota {
    fn default() -> Self {
        Quota(AtomicI64::new(QUOTA))
    }
}

impl Quota {
    /// Takes what a retry costs; false where there is not enough left.
    pub fn take(&self, timed_out: bool) -> Option<i64> {
        let cost = if timed_out { COST_TIMEOUT } else { COST };
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                (left >= cost).then_some(left - cost)
            })
            .ok()
            .map(|_| cost)
    }

    /// Gives back after a success: what its retries took, or one permit for a first try.
    pub fn give_back(&self, taken: i64) {
        let back = taken.max(1);
        // The closure always answers, so there is nothing to handle.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some((left + back).min(QUOTA))
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(failure: Failure, number: u32) -> Attempt {
        Attempt {
            failure,
            number,
            retry_after: None,
            should_retry: None,
        }
    }

    #[test]
    fn an_unsafe_operation_is_repeated_only_if_it_did_not_start() {
        for (safety, failure, repeated) in [
            (Safety::Safe, Failure::NotStarted, true),
            (Safety::Safe, Failure::MayHaveRun, true),
            (Safety::Keyed, Failure::MayHaveRun, true),
            (Safety::Unsafe, Failure::NotStarted, true),
            (Safety::Unsafe, Failure::MayHaveRun, false),
            (Safety::Safe, Failure::Final, false),
        ] {
            let found = delay(safety, &failed(failure, 1), 2, 0.5);
            assert_eq!(found.is_some(), repeated, "{safety:?} {failure:?}");
        }
    }

    #[test]
    fn delays_double_up_to_a_cap_and_are_fully_jittered() {
        let at = |number, random| {
            delay(
                Safety::Safe,
                &failed(Failure::NotStarted, number),
                99,
                random,
            )
        };
        assert_eq!(at(1, 1.0), Some(Duration::from_millis(500)));
        assert_eq!(at(3, 1.0), Some(Duration::from_secs(2)));
        assert_eq!(at(30, 1.0), Some(Duration::from_secs(8)));
        assert_eq!(at(5, 0.0), Some(LEAST));
        assert_eq!(
            delay(Safety::Safe, &failed(Failure::NotStarted, 3), 2, 1.0),
            None
        );
    }

    #[test]
    fn the_servers_time_is_kept_and_capped() {
        let mut attempt = failed(Failure::NotStarted, 1);
        attempt.retry_after = Some(Duration::from_secs(3));
        assert!(
            delay(Safety::Unsafe, &attempt, 2, 0.9).is_some_and(|d| d >= Duration::from_secs(3))
        );
        attempt.retry_after = Some(Duration::from_secs(61));
        assert_eq!(delay(Safety::Safe, &attempt, 2, 0.9), None);
        attempt.retry_after = None;
        attempt.should_retry = Some(false);
        assert_eq!(delay(Safety::Safe, &attempt, 2, 0.9), None);
    }

    #[test]
    fn retry_after_in_all_its_forms() {
        assert_eq!(
            retry_after(Some("250"), Some("9"), 0.0),
            Some(Duration::from_millis(250))
        );
        assert_eq!(
            retry_after(None, Some("1.5"), 0.0),
            Some(Duration::from_millis(1500))
        );
        let now = 784_111_777.0 - 7.0;
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(
            retry_after(None, Some(date), now),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            retry_after(None, Some(date), now + 60.0),
            Some(Duration::ZERO)
        );
        for long in ["99999999999999999999", "1e300", &"9".repeat(400)] {
            let found = retry_after(None, Some(long), 0.0);
            assert!(found.is_some_and(|time| time > RETRY_AFTER_CAP), "{long}");
        }
        for bad in ["soon", "-1", "NaN", "inf", ""] {
            assert_eq!(retry_after(None, Some(bad), 0.0), None, "{bad}");
        }
    }

    #[test]
    fn the_quota_runs_dry_and_recovers() {
        let quota = Quota::default();
        let taken = std::iter::from_fn(|| quota.take(false)).count();
        assert_eq!(taken, 100);
        quota.give_back(0);
        assert_eq!(quota.take(false), None);
        quota.give_back(5);
        assert_eq!(quota.take(false), Some(5));
    }
}
