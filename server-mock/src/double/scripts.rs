//! Scripted replies: what a model shall say instead of what it would.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::mask::mask_text;
use crate::clock::Clock;
use crate::model::{Answer, Ask, Model, ModelError, Part, ToolCall};
use crate::problem::Problem;

/// How many scripted replies can wait at a time.
const KEPT: usize = 1_000;

/// How many questions that no reply was meant for are remembered.
const MISSES: usize = 100;

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
        self.differences(ask).is_empty()
    }

    /// Where a question differs from what is meant: the field, what it should be, what it is.
    fn differences(&self, ask: &Ask) -> Vec<Value> {
        let said = ask.said.as_deref().unwrap_or(&ask.prompt);
        let mut found = Vec::new();
        let mut hold = |field: &str,
                        wanted: &Option<String>,
                        fits: &dyn Fn(&str) -> bool,
                        is: &dyn Fn() -> Value| {
            let Some(wanted) = wanted else { return };
            if !fits(wanted) {
                found.push(json!({"field": field, "wanted": wanted, "is": is()}));
            }
        };
        hold("message", &self.message, &|text| said == text, &|| {
            said.into()
        });
        hold(
            "message_contains",
            &self.message_contains,
            &|text| ask.prompt.contains(text),
            &|| ask.prompt.as_str().into(),
        );
        hold(
            "history_contains",
            &self.history_contains,
            &|text| ask.history.iter().any(|turn| turn.text.contains(text)),
            &|| format!("{} earlier messages without it", ask.history.len()).into(),
        );
        hold(
            "component",
            &self.component,
            &|name| ask.component_id == name || ask.component_name == name,
            &|| ask.component_id.as_str().into(),
        );
        hold(
            "model",
            &self.model,
            &|name| ask.model_name == name,
            &|| ask.model_name.as_str().into(),
        );
        found
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
    /// The tools that the model uses before it says anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall>,
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
    fn parts(&self) -> Vec<Result<Part, ModelError>> {
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
        let tools = self.tool_calls.iter().cloned().map(Part::Tool);
        let said = tools.chain(pieces.into_iter().map(Part::Text));
        said.map(Ok).chain(error).collect()
    }
}

/// All replies that wait; of those that fit, the oldest is given.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    next: u64,
    scripts: Vec<Script>,
    /// The last questions that none of the replies was meant for.
    misses: VecDeque<Value>,
}

impl Scripts {
    /// Adds a reply; how it is shown.
    pub(crate) fn add(&mut self, script: &Value) -> Result<Value, Problem> {
        let mut script: Script = serde_json::from_value(script.clone())
            .map_err(|error| Problem::field("script", error.to_string()))?;
        let silent = script.text.is_none() && script.tokens.is_none() && script.error.is_none();
        if silent && script.tool_calls.is_empty() {
            let message = "is missing; or tokens, tool_calls, or an error";
            return Err(Problem::field("text", message));
        }
        if let Some(at) = script.tool_calls.iter().position(|it| it.name.is_empty()) {
            return Err(Problem::field(format!("tool_calls[{at}].name"), "is empty"));
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
        if id.is_none() {
            self.misses.clear();
        }
        self.scripts
            .retain(|script| id.is_some_and(|id| script.id != id));
        before - self.scripts.len()
    }

    /// The last questions that no reply was meant for though some waited, the nearest of them,
    /// and where it differs.
    pub(crate) fn misses(&self) -> Vec<Value> {
        let shown = self.misses.iter().map(Value::to_string);
        shown
            .filter_map(|shown| serde_json::from_str(&mask_text(&shown)).ok())
            .collect()
    }

    fn missed(&mut self, ask: &Ask) {
        let scripts = self.scripts.iter();
        let differ = scripts.map(|script| (script, script.matches.differences(ask)));
        let Some((script, differs)) = differ.min_by_key(|(_, differs)| differs.len()) else {
            return;
        };
        let miss = json!({
            "request_id": ask.request_id,
            "component_id": ask.component_id,
            "message": ask.said.as_deref().unwrap_or(&ask.prompt),
            "nearest": script.id,
            "differs": differs,
        });
        if self.misses.len() == MISSES {
            self.misses.pop_front();
        }
        self.misses.push_back(miss);
    }

    fn take(&mut self, ask: &Ask) -> Option<Script> {
        let scripts = &mut self.scripts.iter();
        let Some(at) = scripts.position(|script| script.matches.fits(ask)) else {
            self.missed(ask);
            return None;
        };
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
        let pieces = futures::stream::iter(script.parts().into_iter().enumerate());
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
