//! How fast a model speaks.

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How fast a model speaks: the time to its first token, and how many follow in a second.
///
/// ```
/// let pace: langflow_mock::Pace = "300,50,0.2".parse()?;
/// assert_eq!(pace, langflow_mock::Pace { ttft: 0.3, tps: 50.0, jitter: 0.2 });
/// assert_eq!("instant".parse(), Ok(langflow_mock::Pace::default()));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub struct Pace {
    /// Seconds before the first token.
    pub ttft: f64,
    /// Tokens a second after the first; 0 for no pause at all.
    pub tps: f64,
    /// By which share, from 0 to 1, a pause may be longer or shorter. The same request of a
    /// workspace with the same seed has the same pauses.
    pub jitter: f64,
}

/// As a pace is written in a configuration.
#[derive(Serialize, Deserialize)]
struct Text(String);

impl TryFrom<Text> for Pace {
    type Error = String;

    fn try_from(text: Text) -> Result<Self, String> {
        text.0.parse()
    }
}

impl From<Pace> for Text {
    fn from(pace: Pace) -> Self {
        Self(format!(
            "{},{},{}",
            pace.ttft * 1000.0,
            pace.tps,
            pace.jitter
        ))
    }
}

impl FromStr for Pace {
    type Err = String;

    /// `instant`, or `ttft,tps,jitter`: milliseconds, tokens a second, a share from 0 to 1; the
    /// last two may be left out.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is neither `instant` nor `ttft,tps,jitter`: milliseconds, tokens a second \
                 and a share from 0 to 1, such as 300,50,0.2"
            )
        };
        if text == "instant" {
            return Ok(Self::default());
        }
        let mut numbers = [0.0; 3];
        let mut parts = text.split(',');
        for (place, part) in numbers.iter_mut().zip(parts.by_ref()) {
            let number: f64 = part.trim().parse().map_err(|_| wrong())?;
            *place = Some(number)
                .filter(|it| it.is_finite() && *it >= 0.0)
                .ok_or_else(wrong)?;
        }
        let [ttft, tps, jitter] = numbers;
        let fits = parts.next().is_none() && jitter <= 1.0 && ttft <= 86_400_000.0;
        // Slower than a token a day is a typing error.
        let fits = fits && (tps == 0.0 || tps >= 1.0 / 86_400.0);
        fits.then_some(Self {
            ttft: ttft / 1000.0,
            tps,
            jitter,
        })
        .ok_or_else(wrong)
    }
}

impl Pace {
    /// The same number of seconds before each token.
    pub(crate) fn even(seconds: f64) -> Self {
        let seconds = seconds.clamp(0.0, 86_400.0);
        Self {
            ttft: seconds,
            tps: match seconds > 0.0 {
                true => 1.0 / seconds,
                false => 0.0,
            },
            jitter: 0.0,
        }
    }

    /// The pause before a token, counted from 0, of the answer to a request.
    pub(crate) fn pause(&self, request_id: &str, number: u64) -> Duration {
        let seconds = match number {
            0 => self.ttft,
            _ if self.tps > 0.0 => 1.0 / self.tps,
            _ => return Duration::ZERO,
        };
        if self.jitter == 0.0 {
            return Duration::from_secs_f64(seconds);
        }
        let share = crate::ids::share(&format!("{request_id} {number}"));
        Duration::from_secs_f64(seconds * (1.0 + self.jitter * (2.0 * share - 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pace_is_refused() {
        for bad in [
            "", "fast", "1,2,3,4", "-1", "1,0,2", "nan", "1,-2", "1,,2", "1,1e-9",
        ] {
            assert!(bad.parse::<Pace>().is_err(), "{bad}");
        }
        let pace = Pace {
            ttft: 0.25,
            tps: 0.0,
            jitter: 0.0,
        };
        assert_eq!("250".parse(), Ok(pace.clone()));
        let text = serde_json::to_string(&pace).unwrap();
        assert_eq!(serde_json::from_str::<Pace>(&text).unwrap(), pace);
    }

    #[test]
    fn the_first_token_waits_longer_and_jitter_is_bounded_and_the_same_again() {
        let pace: Pace = "300,50,0.5".parse().unwrap();
        let pauses: Vec<f64> = (0..200)
            .map(|at| pace.pause("req_1", at).as_secs_f64())
            .collect();
        assert!((0.15..=0.45).contains(&pauses[0]), "{}", pauses[0]);
        assert!(pauses[1..].iter().all(|it| (0.01..=0.03).contains(it)));
        let (least, most) = pauses[1..]
            .iter()
            .fold((1.0_f64, 0.0_f64), |(least, most), it| {
                (least.min(*it), most.max(*it))
            });
        assert!(least < 0.013 && most > 0.027, "{least} {most}");
        assert_eq!(pace.pause("req_1", 7), pace.pause("req_1", 7));
        assert_ne!(pace.pause("req_1", 7), pace.pause("req_2", 7));
        let even = Pace::even(0.02);
        assert_eq!(even.pause("r", 0), Duration::from_millis(20));
        assert_eq!(even.pause("r", 9), Duration::from_millis(20));
        assert_eq!(Pace::default().pause("r", 0), Duration::ZERO);
    }
}
