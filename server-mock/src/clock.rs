//! The one clock of a server: session expiry, key expiry, pacing and every timestamp ask it.

mod sleepers;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use tokio::sync::watch;

use sleepers::Sleepers;
pub(crate) use sleepers::Working;

/// How long [`Clock::settled`] waits for work that does not end, such as a model far away.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a clock moves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    /// With the wall clock, moved by a constant.
    Offset(TimeDelta),
    /// Not at all, until it is advanced.
    Frozen(DateTime<Utc>),
    /// Faster or slower than the wall clock, from a moment on.
    Scaled {
        wall: DateTime<Utc>,
        shown: DateTime<Utc>,
        factor: f64,
    },
}

/// A clock that tests can stop, move and speed up. Clones share the same time.
///
/// ```
/// use langflow_mock::Clock;
/// use std::time::Duration;
///
/// let clock = Clock::frozen("2026-01-01T00:00:00Z".parse()?);
/// clock.advance(Duration::from_secs(90));
/// assert_eq!(clock.now().to_rfc3339(), "2026-01-01T00:01:30+00:00");
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Clock {
    mode: Arc<Mutex<Mode>>,
    first: Mode,
    changed: Arc<watch::Sender<()>>,
    sleepers: Sleepers,
}

impl Default for Clock {
    fn default() -> Self {
        Self::real()
    }
}

impl Clock {
    fn new(mode: Mode) -> Self {
        Self {
            mode: Arc::new(Mutex::new(mode)),
            first: mode,
            changed: Arc::new(watch::Sender::new(())),
            sleepers: Sleepers::default(),
        }
    }

    /// The wall clock.
    pub fn real() -> Self {
        Self::new(Mode::Offset(TimeDelta::zero()))
    }

    /// A clock that stands at a moment until it is advanced.
    pub fn frozen(at: DateTime<Utc>) -> Self {
        Self::new(Mode::Frozen(at))
    }

    /// What the clock shows.
    pub fn now(&self) -> DateTime<Utc> {
        shown(self.mode(), Utc::now())
    }

    /// Stops the clock at a moment, or where it is.
    pub fn freeze(&self, at: Option<DateTime<Utc>>) {
        self.change(|mode, wall| Mode::Frozen(at.unwrap_or_else(|| shown(mode, wall))));
    }

    /// Lets the clock run again with the wall clock, from the moment that it shows.
    pub fn resume(&self) {
        self.change(|mode, wall| Mode::Offset(shown(mode, wall) - wall));
    }

    /// Lets the clock run at `factor` times the speed of the wall clock; factors that are not
    /// positive numbers stop it.
    pub fn scale(&self, factor: f64) {
        self.change(|mode, wall| {
            let shown = shown(mode, wall);
            if factor.is_finite() && factor > 0.0 {
                Mode::Scaled {
                    wall,
                    shown,
                    factor,
                }
            } else {
                Mode::Frozen(shown)
            }
        });
    }

    /// Moves the clock forward, whatever its mode.
    pub fn advance(&self, by: Duration) {
        let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
        self.change(|mode, _| match mode {
            Mode::Offset(offset) => Mode::Offset(offset.checked_add(&by).unwrap_or(offset)),
            Mode::Frozen(at) => Mode::Frozen(at.checked_add_signed(by).unwrap_or(at)),
            Mode::Scaled {
                wall,
                shown,
                factor,
            } => Mode::Scaled {
                wall,
                shown: shown.checked_add_signed(by).unwrap_or(shown),
                factor,
            },
        });
    }

    /// Waits until the clock has moved on by `duration`, by itself or by [`Clock::advance`].
    pub async fn sleep(&self, duration: Duration) {
        let mut changed = self.changed.subscribe();
        let by = TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        let Some(deadline) = self.now().checked_add_signed(by) else {
            return std::future::pending().await;
        };
        let _noted = self.sleepers.add(deadline);
        loop {
            let Ok(left) = (deadline - self.now()).to_std() else {
                return;
            };
            if left.is_zero() {
                return;
            }
            let woken = match self.mode() {
                Mode::Frozen(_) => changed.changed().await,
                Mode::Offset(_) => wait(&mut changed, left).await,
                Mode::Scaled { factor, .. } => wait(&mut changed, left.div_f64(factor)).await,
            };
            if woken.is_err() {
                return;
            }
        }
    }

    /// Goes to a moment, back too, and goes on from there as before.
    pub(crate) fn jump(&self, to: DateTime<Utc>) {
        self.change(|mode, wall| match mode {
            Mode::Offset(_) => Mode::Offset(to - wall),
            Mode::Frozen(_) => Mode::Frozen(to),
            Mode::Scaled { factor, .. } => Mode::Scaled {
                wall,
                shown: to,
                factor,
            },
        });
    }

    /// Goes back to what the clock was made as.
    pub(crate) fn reset(&self) {
        self.change(|_, _| self.first);
    }

    /// `real`, `offset`, `frozen` or `scaled`, and the factor of the last.
    pub(crate) fn mode_name(&self) -> (&'static str, Option<f64>) {
        match self.mode() {
            Mode::Offset(offset) if offset.is_zero() => ("real", None),
            Mode::Offset(_) => ("offset", None),
            Mode::Frozen(_) => ("frozen", None),
            Mode::Scaled { factor, .. } => ("scaled", Some(factor)),
        }
    }

    /// Notes that somebody works, for as long as the guard lives.
    pub(crate) fn work(&self) -> Working {
        self.sleepers.work()
    }

    /// [`Clock::sleep`] for somebody who works: while it sleeps it does not count as work.
    pub(crate) async fn rest(&self, duration: Duration) {
        let _resting = self.sleepers.rest();
        self.sleep(duration).await;
    }

    /// When the first sleeper wakes.
    pub(crate) fn next_wake(&self) -> Option<DateTime<Utc>> {
        self.sleepers.first()
    }

    /// Waits, in real time, until all that is due is done; `false` if it takes too long.
    pub(crate) async fn settled(&self) -> bool {
        let settle = async {
            loop {
                // Whoever was just woken gets its turn first.
                tokio::time::sleep(Duration::from_millis(1)).await;
                if self.sleepers.settled(self.now()) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, settle).await.is_ok()
    }

    fn mode(&self) -> Mode {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, next: impl FnOnce(Mode, DateTime<Utc>) -> Mode) {
        let mut mode = self.mode.lock().unwrap_or_else(PoisonError::into_inner);
        *mode = next(*mode, Utc::now());
        drop(mode);
        self.changed.send_replace(());
    }
}

async fn wait(
    changed: &mut watch::Receiver<()>,
    real: Duration,
) -> Result<(), watch::error::RecvError> {
    tokio::time::timeout(real, changed.changed())
        .await
        .unwrap_or(Ok(()))
}

fn shown(mode: Mode, wall: DateTime<Utc>) -> DateTime<Utc> {
    match mode {
        Mode::Offset(offset) => wall.checked_add_signed(offset).unwrap_or(wall),
        Mode::Frozen(at) => at,
        Mode::Scaled {
            wall: from,
            shown,
            factor,
        } => {
            let passed = (wall - from).to_std().unwrap_or_default().mul_f64(factor);
            TimeDelta::from_std(passed)
                .ok()
                .and_then(|passed| shown.checked_add_signed(passed))
                .unwrap_or(shown)
        }
    }
}

/// A moment as the API writes it: `2024-01-15T10:30:00Z`, with milliseconds where there are any.
pub(crate) fn timestamp(at: DateTime<Utc>) -> String {
    let format = if at.timestamp_subsec_millis() == 0 {
        SecondsFormat::Secs
    } else {
        SecondsFormat::Millis
    };
    at.to_rfc3339_opts(format, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_follow_each_other_without_a_jump() {
        let clock = Clock::frozen("2026-01-01T00:00:00Z".parse().unwrap());
        clock.advance(Duration::from_secs(5));
        clock.resume();
        let shown = clock.now() - "2026-01-01T00:00:05Z".parse::<DateTime<Utc>>().unwrap();
        assert!(shown < TimeDelta::seconds(60), "{shown}");
        clock.scale(1000.0);
        let before = clock.now();
        std::thread::sleep(Duration::from_millis(5));
        assert!(clock.now() - before >= TimeDelta::seconds(5));
        clock.freeze(None);
        assert_eq!(clock.now(), clock.now());
        assert_eq!(
            timestamp("2024-01-15T10:30:00Z".parse().unwrap()),
            "2024-01-15T10:30:00Z"
        );
    }

    #[tokio::test]
    async fn sleepers_wake_when_the_clock_is_moved() {
        let clock = Clock::frozen("2026-01-01T00:00:00Z".parse().unwrap());
        let other = clock.clone();
        let sleeper = tokio::spawn(async move { other.sleep(Duration::from_secs(60)).await });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(59));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        tokio::time::timeout(Duration::from_secs(5), sleeper)
            .await
            .unwrap()
            .unwrap();
    }

    #[tokio::test]
    async fn time_settles_once_the_work_that_was_due_is_done() {
        let clock = Clock::frozen("2026-01-01T00:00:00Z".parse().unwrap());
        let start = clock.now();
        let other = clock.clone();
        let working = clock.work();
        let done = tokio::spawn(async move {
            let _working = working;
            other.rest(Duration::from_secs(5)).await;
            tokio::time::sleep(Duration::from_millis(40)).await;
            other.rest(Duration::from_secs(5)).await;
        });
        assert!(clock.settled().await);
        assert_eq!(clock.next_wake(), Some(start + TimeDelta::seconds(5)));
        clock.advance(Duration::from_secs(5));
        assert!(clock.settled().await);
        assert_eq!(clock.next_wake(), Some(start + TimeDelta::seconds(10)));
        assert!(!done.is_finished());
        clock.advance(Duration::from_secs(5));
        assert!(clock.settled().await);
        assert_eq!(clock.next_wake(), None);
        clock.reset();
        assert_eq!((clock.now(), clock.mode_name().0), (start, "frozen"));
    }
}
