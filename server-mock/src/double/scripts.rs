//! Scripted replies: what a model shall say instead of what it would.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::model::{Answer, Ask, Model, ModelError};
use crate::problem::Problem;

/// How many scripted replies can wait at a time.
const KEPT: usize = 1_000;

/// When a reply is meant; all that is named has to fit.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Match {
    /// What the person said, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// A part of the prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_contains: Option<String>,
    /// A part of anything that was said before in the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    history_contains: Option<String>,
    /// Id or display name of the component that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<String>,
    /// Name of the model that is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
}

impl Match {
    fn fits(&self, ask: &Ask) -> bool {
        let said = ask.said.as_deref().unwrap_or(&ask.prompt);
        let is = |wanted: &Option<String>, fits: &dyn Fn(&str) -> bool| {
            wanted.as_deref().is_none_or(fits)
        };
        is(&self.message, &|text| said == text)
            && is(&self.message_contains, &|text| ask.prompt.contains(text))
            && is(&self.history_contains, &|text| {
                ask.history.iter().any(|turn| turn.text.contains(text))
            })
            && is(&self.component, &|name| {
                ask.component_id == name || ask.component_name == name
            })
            && is(&self.model, &|name| ask.model_name == name)
    }
}

/// A reply, and when it is given.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    #[serde(default)]
    id: String,
    #[serde(default, rename = "match")]
    matches: Match,
    /// The reply, said word by word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The reply, said in exactly these pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens: Option<Vec<String>>,
    /// The model fails with this message, after what it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Milliseconds, by the clock of the server, before the first piece and before each other.
    #[serde(default)]
    first_delay_ms: u64,
    #[serde(default)]
    delay_ms: u64,
    /// How often it is given; for ever if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
}

impl Script {
    fn pieces(&self) -> Vec<Result<String, ModelError>> {
        let words = || {
            let text = self.text.iter();
            text.flat_map(|text| text.split_inclusive(' ').map(str::to_owned))
                .collect()
        };
        let pieces: Vec<String> = self.tokens.clone().unwrap_or_else(words);
        let error = self
            .error
            .iter()
            .map(|error| Err(ModelError(error.clone())));
        pieces.into_iter().map(Ok).chain(error).collect()
    }
}

/// All replies that wait; of those that fit, the oldest is given.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    next: u64,
    scripts: Vec<Script>,
}

impl Scripts {
    /// Adds a reply; how it is shown.
    pub(crate) fn add(&mut self, script: &Value) -> Result<Value, Problem> {
        let mut script: Script = serde_json::from_value(script.clone())
            .map_err(|error| Problem::field("script", error.to_string()))?;
        if script.text.is_none() && script.tokens.is_none() && script.error.is_none() {
            return Err(Problem::field("text", "is missing; or tokens, or an error"));
        }
        if script.text.is_some() && script.tokens.is_some() {
            return Err(Problem::field("tokens", "cannot be together with text"));
        }
        if script.times == Some(0) {
            return Err(Problem::field("times", "has to be 1 or more"));
        }
        if self.scripts.len() >= KEPT {
            return Err(Problem::field("scripts", "are too many; delete some"));
        }
        self.next += 1;
        script.id = format!("scr_{}", self.next);
        let shown = json!(script);
        self.scripts.push(script);
        Ok(shown)
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        self.scripts.iter().map(|script| json!(script)).collect()
    }

    /// Forgets one, or all; how many that were.
    pub(crate) fn remove(&mut self, id: Option<&str>) -> usize {
        let before = self.scripts.len();
        self.scripts
            .retain(|script| id.is_some_and(|id| script.id != id));
        before - self.scripts.len()
    }

    fn take(&mut self, ask: &Ask) -> Option<Script> {
        let at = self
            .scripts
            .iter()
            .position(|script| script.matches.fits(ask))?;
        if let Some(times) = &mut self.scripts[at].times {
            *times -= 1;
            if *times == 0 {
                return Some(self.scripts.remove(at));
            }
        }
        Some(self.scripts[at].clone())
    }
}

/// A model that says what is scripted, and what another model says where nothing is.
pub(crate) struct ScriptedModel {
    pub(crate) scripts: Arc<Mutex<Scripts>>,
    pub(crate) clock: Clock,
    pub(crate) otherwise: Arc<dyn Model>,
}

impl Model for ScriptedModel {
    fn answer(&self, ask: &Ask) -> Answer {
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(script) = scripts.take(ask) else {
            drop(scripts);
            return self.otherwise.answer(ask);
        };
        let clock = self.clock.clone();
        let pieces = futures::stream::iter(script.pieces().into_iter().enumerate());
        let paced = pieces.then(move |(at, piece)| {
            let delay = match at {
                0 => script.first_delay_ms,
                _ => script.delay_ms,
            };
            let clock = clock.clone();
            async move {
                if delay > 0 {
                    clock.rest(Duration::from_millis(delay)).await;
                }
                piece
            }
        });
        paced.boxed()
    }
}
