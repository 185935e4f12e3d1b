//! When a delivery that failed is tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest time that a receiver can ask for.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// When deliveries are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookSchedule {
    /// At once, after 50 and after 200 milliseconds: for tests.
    #[default]
    Fast,
    /// The example of Standard Webhooks: ten attempts in a little more than three days.
    Standard,
    /// The schedule of Svix: eight attempts in 27 and a half hours.
    Svix,
    /// As Stripe does it for sandboxes: three more attempts over a few hours. It publishes no pauses;
    /// these are ours.
    #[serde(rename = "stripe-sandbox")]
    StripeSandbox,
}

impl std::str::FromStr for WebhookSchedule {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "fast" => Ok(Self::Fast),
            "standard" => Ok(Self::Standard),
            "svix" => Ok(Self::Svix),
            "stripe-sandbox" => Ok(Self::StripeSandbox),
            _ => Err(format!(
                "`{name}` is none of fast, standard, svix, stripe-sandbox"
            )),
        }
    }
}

/// What the last attempt said about the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Advice {
    /// The receiver has too much to do: 429, 502 or 504.
    pub(crate) throttled: bool,
    /// It did not answer in time.
    pub(crate) timed_out: bool,
    pub(crate) retry_after: Option<Duration>,
}

impl WebhookSchedule {
    /// The pause before each attempt after the first.
    fn pauses(self) -> &'static [u64] {
        const MINUTE: u64 = 60_000;
        const HOUR: u64 = 60 * MINUTE;
        match self {
            Self::Fast => &[50, 200],
            Self::Standard => &[
                5_000,
                5 * MINUTE,
                30 * MINUTE,
                2 * HOUR,
                5 * HOUR,
                10 * HOUR,
                14 * HOUR,
                20 * HOUR,
                24 * HOUR,
            ],
            Self::Svix => &[
                5_000,
                5 * MINUTE,
                30 * MINUTE,
                2 * HOUR,
                5 * HOUR,
                10 * HOUR,
                10 * HOUR,
            ],
            Self::StripeSandbox => &[5 * MINUTE, HOUR, 3 * HOUR],
        }
    }

    /// How long to wait after a number of attempts that failed; `None` gives the delivery up.
    pub(crate) fn pause(self, attempts: usize, advice: Advice) -> Option<Duration> {
        let pause = *self.pauses().get(attempts.checked_sub(1)?)?;
        let pause = Duration::from_millis(pause);
        Some(match (self, advice.retry_after) {
            // Svix keeps between the pause and twice the pause, and is slow after a hint.
            (Self::Svix, asked) => {
                let hint = advice.throttled || advice.timed_out;
                let least = if hint { Duration::from_secs(60) } else { pause };
                let least = least.max(pause);
                asked.map_or(least, |asked| asked.clamp(least, least * 2))
            }
            (_, Some(asked)) => pause.max(asked.min(PATIENCE)),
            (_, None) if advice.throttled => pause * 2,
            (_, None) => pause,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(schedule: WebhookSchedule, advice: Advice) -> Vec<f64> {
        let pauses = (1..).map_while(|attempts| schedule.pause(attempts, advice));
        pauses.map(|pause| pause.as_secs_f64()).collect()
    }

    #[test]
    fn the_schedules_are_those_of_their_specifications() {
        let usual = Advice::default();
        assert_eq!(all(WebhookSchedule::Fast, usual), [0.05, 0.2]);
        let standard = all(WebhookSchedule::Standard, usual);
        assert_eq!(standard.len() + 1, 10);
        let total = 75.0 * 3600.0 + 35.0 * 60.0 + 5.0;
        assert!((standard.iter().sum::<f64>() - total).abs() < 0.001);
        let svix = all(WebhookSchedule::Svix, usual);
        assert_eq!(
            svix,
            [5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 36000.0]
        );
        assert_eq!(WebhookSchedule::Fast.pause(0, usual), None);
    }

    #[test]
    fn receivers_are_given_the_time_that_they_ask_for() {
        let asked = |seconds, throttled| Advice {
            throttled,
            timed_out: false,
            retry_after: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(all(WebhookSchedule::Fast, asked(3, true)), [3.0, 3.0]);
        let day = 24.0 * 3600.0;
        assert_eq!(
            all(WebhookSchedule::Fast, asked(u64::MAX, false)),
            [day, day]
        );
        let busy = Advice {
            throttled: true,
            ..Advice::default()
        };
        assert_eq!(all(WebhookSchedule::Fast, busy), [0.1, 0.4]);
        assert_eq!(all(WebhookSchedule::Svix, busy)[..2], [60.0, 300.0]);
        assert_eq!(
            all(WebhookSchedule::Svix, asked(9, false))[..2],
            [9.0, 300.0]
        );
        assert_eq!(
            all(WebhookSchedule::Svix, asked(999, false))[..2],
            [10.0, 600.0]
        );
    }

    #[test]
    fn schedules_have_names() {
        assert_eq!("svix".parse(), Ok(WebhookSchedule::Svix));
        let name = "stripe-sandbox";
        assert_eq!(name.parse(), Ok(WebhookSchedule::StripeSandbox));
        assert_eq!(
            serde_json::to_value(WebhookSchedule::StripeSandbox).unwrap(),
            name
        );
        let usual = Advice::default();
        assert_eq!(
            all(WebhookSchedule::StripeSandbox, usual),
            [300.0, 3600.0, 10800.0]
        );
        assert!("never".parse::<WebhookSchedule>().is_err());
    }
}
