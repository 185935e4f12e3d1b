//! When a delivery that failed is tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest time that a receiver can ask for.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// The most attempts, and the longest pause, that a schedule of one's own may have.
const ATTEMPTS: usize = 100;
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// When deliveries are tried, and tried again.
///
/// In a configuration it is a name, the pause before each attempt as a text (`"0,1s,5m"`), or as a list
/// of seconds.
///
/// ```
/// use langflow_mock::WebhookSchedule;
/// let schedule: WebhookSchedule = "0,1s,5m".parse()?;
/// assert_eq!(serde_json::from_str::<WebhookSchedule>("[0, 1, 300]").ok(), Some(schedule));
/// assert!("soon".parse::<WebhookSchedule>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "String")]
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
    StripeSandbox,
    /// The pause before each attempt, the first included.
    Custom(Vec<Duration>),
}

/// A schedule as a configuration has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    Text(String),
    Seconds(Vec<f64>),
}

impl TryFrom<Given> for WebhookSchedule {
    type Error = String;

    fn try_from(given: Given) -> Result<Self, String> {
        match given {
            Given::Text(text) => text.parse(),
            Given::Seconds(seconds) => {
                let pauses = seconds.into_iter().map(|it| {
                    let pause = Duration::try_from_secs_f64(it);
                    pause.map_err(|_| format!("webhook_schedule: `{it}` is no number of seconds"))
                });
                custom(pauses.collect::<Result<_, _>>()?)
            }
        }
    }
}

impl From<WebhookSchedule> for String {
    fn from(schedule: WebhookSchedule) -> Self {
        match schedule {
            WebhookSchedule::Fast => "fast".to_owned(),
            WebhookSchedule::Standard => "standard".to_owned(),
            WebhookSchedule::Svix => "svix".to_owned(),
            WebhookSchedule::StripeSandbox => "stripe-sandbox".to_owned(),
            WebhookSchedule::Custom(pauses) => {
                let pauses = pauses.iter().map(|it| it.as_secs_f64().to_string());
                pauses.collect::<Vec<_>>().join(",")
            }
        }
    }
}

impl std::str::FromStr for WebhookSchedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "fast" => Ok(Self::Fast),
            "standard" => Ok(Self::Standard),
            "svix" => Ok(Self::Svix),
            "stripe-sandbox" => Ok(Self::StripeSandbox),
            _ => {
                let pauses: Option<Vec<_>> = text.split(',').map(crate::parse_span).collect();
                custom(pauses.ok_or_else(|| {
                    format!(
                        "webhook_schedule: `{text}` is none of fast, standard, svix, stripe-sandbox, \
                         and no list of pauses such as 0,1s,5m"
                    )
                })?)
            }
        }
    }
}

fn custom(pauses: Vec<Duration>) -> Result<WebhookSchedule, String> {
    if !(1..=ATTEMPTS).contains(&pauses.len()) {
        return Err(format!(
            "webhook_schedule: it has to have a pause for each of 1 to {ATTEMPTS} attempts"
        ));
    }
    if pauses.iter().any(|pause| *pause > LONGEST) {
        return Err("webhook_schedule: a pause may last a year".to_owned());
    }
    Ok(WebhookSchedule::Custom(pauses))
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
    /// The pause before an attempt after the first, in milliseconds for the schedules with a name.
    fn after(&self, attempts: usize) -> Option<Duration> {
        const MINUTE: u64 = 60_000;
        const HOUR: u64 = 60 * MINUTE;
        let pauses: &[u64] = match self {
            Self::Custom(pauses) => return pauses.get(attempts).copied(),
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
        };
        let pause = pauses.get(attempts.checked_sub(1)?)?;
        Some(Duration::from_millis(*pause))
    }

    /// How long to wait before the first attempt.
    pub(crate) fn first(&self) -> Duration {
        match self {
            Self::Custom(pauses) => pauses.first().copied().unwrap_or_default(),
            _ => Duration::ZERO,
        }
    }

    /// How long to wait after a number of attempts that failed; `None` gives the delivery up.
    pub(crate) fn pause(&self, attempts: usize, advice: Advice) -> Option<Duration> {
        let pause = self.after(attempts).filter(|_| attempts > 0)?;
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

    fn all(schedule: &WebhookSchedule, advice: Advice) -> Vec<f64> {
        let pauses = (1..).map_while(|attempts| schedule.pause(attempts, advice));
        pauses.map(|pause| pause.as_secs_f64()).collect()
    }

    #[test]
    fn the_schedules_are_those_of_their_specifications() {
        let usual = Advice::default();
        assert_eq!(all(&WebhookSchedule::Fast, usual), [0.05, 0.2]);
        let standard = all(&WebhookSchedule::Standard, usual);
        assert_eq!(standard.len() + 1, 10);
        let total = 75.0 * 3600.0 + 35.0 * 60.0 + 5.0;
        assert!((standard.iter().sum::<f64>() - total).abs() < 0.001);
        let svix = all(&WebhookSchedule::Svix, usual);
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
        assert_eq!(all(&WebhookSchedule::Fast, asked(3, true)), [3.0, 3.0]);
        let day = 24.0 * 3600.0;
        assert_eq!(
            all(&WebhookSchedule::Fast, asked(u64::MAX, false)),
            [day, day]
        );
        let busy = Advice {
            throttled: true,
            ..Advice::default()
        };
        assert_eq!(all(&WebhookSchedule::Fast, busy), [0.1, 0.4]);
        assert_eq!(all(&WebhookSchedule::Svix, busy)[..2], [60.0, 300.0]);
        assert_eq!(
            all(&WebhookSchedule::Svix, asked(9, false))[..2],
            [9.0, 300.0]
        );
        assert_eq!(
            all(&WebhookSchedule::Svix, asked(999, false))[..2],
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
            all(&WebhookSchedule::StripeSandbox, usual),
            [300.0, 3600.0, 10800.0]
        );
        assert!("never".parse::<WebhookSchedule>().is_err());
    }

    #[test]
    fn schedules_of_ones_own_have_a_pause_for_each_attempt() {
        let own: WebhookSchedule = "2s, 500ms,1h30m".parse().unwrap();
        assert_eq!(own.first(), Duration::from_secs(2));
        assert_eq!(all(&own, Advice::default()), [0.5, 5400.0]);
        let once: WebhookSchedule = "0".parse().unwrap();
        assert_eq!(once.pause(1, Advice::default()), None);
        let text = serde_json::to_value(&own).unwrap();
        assert_eq!(text, "2,0.5,5400");
        assert_eq!(
            serde_json::from_value::<WebhookSchedule>(text).unwrap(),
            own
        );
        let many = vec!["1"; 101].join(",");
        for bad in ["", "1,", "1,soon", "-1", "400d", "nan", &many] {
            let error = bad.parse::<WebhookSchedule>().unwrap_err();
            assert!(error.contains("webhook_schedule"), "{bad}: {error}");
        }
        for bad in ["[]", "[-1]", "[1e300]"] {
            let error = serde_json::from_str::<WebhookSchedule>(bad).unwrap_err();
            assert!(error.to_string().contains("webhook_schedule"), "{error}");
        }
    }
}
