//! What each component does.

use futures::StreamExt;
use langflow_export::{Node, PromptTemplate};
use serde_json::Value;

use super::component::Component;
use super::retrieve::retrieve;
use super::value::Piece;
use super::{Engine, Failure, FailureKind, Job, People, Question, Step};
use crate::model::{Ask, ModelError, Part, Role, ToolCall, Turn, count_tokens};

/// The temperature of a model whose settings name none, as Langflow has it.
const TEMPERATURE: f64 = 0.1;

/// Seconds that a person has to decide, unless the flow says otherwise: three days.
pub(crate) const TIMEOUT: u64 = 259_200;

/// What a server says of a path that is none of its own.
const OUT_OF_REACH: &str = "Access to local file paths outside the authenticated user's storage \
                            scope is disabled (LANGFLOW_RESTRICT_LOCAL_FILE_ACCESS=true). Use an \
                            uploaded file instead.";

/// One component at work.
pub(super) struct Stage<'a> {
    pub(super) engine: &'a Engine,
    pub(super) job: &'a Job,
    pub(super) node: &'a Node,
    pub(super) yields: &'a [(&'a str, Piece)],
    pub(super) tell: &'a (dyn Fn(Step) + Send + Sync),
}

impl Stage<'_> {
    /// What the component yields, and the tokens that it used.
    pub(super) async fn perform(&self, component: Component) -> Result<(Piece, u64), Failure> {
        let mut lacks = self.job.lacks.iter();
        if let Some((_, name)) = lacks.find(|(id, _)| *id == self.node.id) {
            let message = format!("{name} variable not found.");
            return Err(self.failure(FailureKind::Variable, message));
        }
        let piece = match component {
            Component::ChatInput => Piece {
                text: self.job.input.clone(),
                said: Some(self.job.input.clone()),
                ..Piece::default()
            },
            Component::TextInput => self.text_input(),
            Component::Prompt => self.prompt(),
            Component::Memory => self.memory()?,
            Component::Retriever => self.retriever()?,
            Component::Human => self.human().await?,
            Component::File => self.files()?,
            Component::Model => return self.model().await,
            Component::ChatOutput | Component::TextOutput => self.output(component),
            Component::Raise => {
                let message = self.node.text("message").unwrap_or("the component failed");
                return Err(self.failure(FailureKind::Raised, message.to_owned()));
            }
        };
        Ok((piece, 0))
    }

    /// A text of its own, unless the flow has no chat input: then it is where the input goes.
    fn text_input(&self) -> Piece {
        if let Some(connected) = self.connected("input_value") {
            return connected;
        }
        let is_chat = |node: &Node| Component::of(node) == Ok(Component::ChatInput);
        if self.job.flow.nodes.iter().any(is_chat) {
            return Piece::text(self.text("input_value"));
        }
        let input = if self.job.input.is_empty() {
            self.text("input_value").to_owned()
        } else {
            self.job.input.clone()
        };
        Piece {
            said: Some(input.clone()),
            text: input,
            ..Piece::default()
        }
    }

    fn prompt(&self) -> Piece {
        let text = self.text("template");
        let double = self
            .node
            .setting("use_double_brackets")
            .and_then(Value::as_bool);
        let template = if double.unwrap_or(false) {
            PromptTemplate::double(text)
        } else {
            PromptTemplate::single(text)
        };
        let mut piece = Piece::default();
        piece.text = template.render(|name| match self.connected(name) {
            Some(value) => {
                piece.absorb(&value);
                value.text.into()
            }
            None => self.text(name).to_owned().into(),
        });
        let own = template.render(|_| "".into());
        piece.instructions = format!("{own}{}", piece.instructions);
        piece
    }

    fn memory(&self) -> Result<Piece, Failure> {
        let count = self.count("n_messages", 100)?;
        let history = &self.job.history;
        let kept = history[history.len().saturating_sub(count)..].to_vec();
        let template = PromptTemplate::single(match self.text("template") {
            "" => "{sender_name}: {text}",
            template => template,
        });
        let lines = kept.iter().map(|turn| {
            template.render(|name| match (name, turn.role) {
                ("text", _) => turn.text.as_str().into(),
                ("sender" | "sender_name", Role::User) => "User".into(),
                ("sender" | "sender_name", Role::Assistant) => "AI".into(),
                _ => "".into(),
            })
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        Ok(Piece {
            text,
            history: Some(kept),
            ..Piece::default()
        })
    }

    /// Waits for what a person decides. What comes in goes out by that way alone.
    async fn human(&self) -> Result<Piece, Failure> {
        let prompt = self.connected("prompt");
        let prompt = prompt.unwrap_or_else(|| Piece::text(self.text("prompt")));
        let mut decisions = match &self.job.people {
            People::Unknown => {
                let message = format!(
                    "the component `{}` of type `{}` asks a person, which runs here cannot",
                    self.node.id, self.node.kind
                );
                return Err(self.failure(FailureKind::Unsupported, message));
            }
            People::PassedBy => return Ok(Piece::default()),
            People::Asked(decisions) => decisions.clone(),
        };
        let labels = self.node.setting("decisions").and_then(Value::as_array);
        let labels = labels.into_iter().flatten().filter_map(Value::as_str);
        let id_of = |label: &str| label.to_lowercase().replace(' ', "_");
        (self.tell)(Step::Asked(Question {
            component_id: self.node.id.clone(),
            prompt: prompt.text.clone(),
            options: labels
                .map(|label| (id_of(label), label.to_owned()))
                .collect(),
            timeout_seconds: TIMEOUT,
        }));
        let mine = |decided: &Option<(String, String)>| {
            decided.as_ref().is_some_and(|(id, _)| *id == self.node.id)
        };
        // Nobody who could decide is gone before the run is.
        let Ok(decided) = decisions.wait_for(mine).await else {
            return std::future::pending().await;
        };
        let action = decided.as_ref().map(|(_, action)| action.clone());
        drop(decided);
        (self.tell)(Step::Decided {
            component_id: self.node.id.clone(),
        });
        Ok(Piece {
            branch: action.map(|action| format!("branch_{action}")),
            ..prompt
        })
    }

    /// The texts of its files, one after the other.
    fn files(&self) -> Result<Piece, Failure> {
        let raised = |message: &str| self.failure(FailureKind::Raised, message.to_owned());
        let paths = Component::paths(self.node);
        if paths.is_empty() {
            return Err(raised("No files to process."));
        }
        let mut texts = Vec::new();
        for path in &paths {
            let known = self.job.files.iter().find(|(known, _)| known == path);
            let (_, text) = known.ok_or_else(|| raised(OUT_OF_REACH))?;
            texts.push(text.as_str());
        }
        let separator = match self.text("separator") {
            "" => "\n\n",
            separator => separator,
        };
        Ok(Piece::text(texts.join(separator)))
    }

    fn retriever(&self) -> Result<Piece, Failure> {
        let inputs = ["query", "search_query", "input_value"];
        let connected = inputs
            .iter()
            .find_map(|field| self.connected(field))
            .unwrap_or_default();
        let own = || {
            inputs
                .iter()
                .find_map(|field| self.node.text(field))
                .unwrap_or_default()
        };
        let query = if connected.text.is_empty() {
            own()
        } else {
            &connected.text
        };
        let documents = retrieve(self.node, query, self.count("k", 4)?).map_err(|message| {
            self.failure(FailureKind::Setting("documents".to_owned()), message)
        })?;
        let texts: Vec<&str> = documents
            .iter()
            .map(|document| document.text.as_str())
            .collect();
        Ok(Piece {
            text: texts.join("\n\n"),
            documents,
            ..Piece::default()
        })
    }

    async fn model(&self) -> Result<(Piece, u64), Failure> {
        let ask = self.ask()?;
        let streams = self.feeds_output();
        let mut answer = self.engine.model.answer(&ask);
        let (mut text, mut tools) = (String::new(), Vec::new());
        let mut said = 0;
        // Mapped before the pause: a whole part would be kept while it lasts.
        while let Some(part) = answer.next().await.map(|part| self.token(part, &mut tools)) {
            let Some(token) = part? else {
                continue;
            };
            let pause = self.engine.pace.pause(&self.job.request_id, said);
            said += 1;
            if !pause.is_zero() {
                self.engine.clock.rest(pause).await;
            }
            text.push_str(&token);
            if streams {
                (self.tell)(Step::Token {
                    component_id: self.node.id.clone(),
                    text: token,
                });
            }
        }
        let tokens = ask.tokens() + count_tokens(&text);
        let piece = Piece {
            text,
            tools,
            ..Piece::default()
        };
        Ok((piece, tokens))
    }

    /// The token of a part; what is none is put where it belongs.
    fn token(
        &self,
        part: Result<Part, ModelError>,
        tools: &mut Vec<ToolCall>,
    ) -> Result<Option<String>, Failure> {
        match part.map_err(|error| self.failure(FailureKind::Raised, error.to_string()))? {
            Part::Text(token) => Ok(Some(token)),
            Part::Tool(call) => {
                tools.push(call);
                Ok(None)
            }
        }
    }

    fn ask(&self) -> Result<Ask, Failure> {
        let input = self.connected("input_value");
        let input = input.unwrap_or_else(|| Piece::text(self.text("input_value")));
        let system = ["system_message", "system_prompt"]
            .iter()
            .find_map(|field| {
                self.connected(field)
                    .map(|piece| piece.text)
                    .or_else(|| self.node.text(field).map(str::to_owned))
            });
        let mut history = input.history.unwrap_or_else(|| self.job.history.clone());
        if Component::is_agent(self.node) {
            // An agent reads the session by itself, as far back as it is told to.
            let count = self.count("n_messages", 100)?;
            history.drain(..history.len().saturating_sub(count));
        }
        Ok(Ask {
            request_id: self.job.request_id.clone(),
            component_id: self.node.id.clone(),
            component_name: self.node.display_name.clone(),
            system: system.unwrap_or_default(),
            history,
            prompt: input.text,
            said: input.said,
            instructions: input.instructions,
            documents: input.documents,
            model_name: self.model_name(),
            temperature: self.temperature()?,
        })
    }

    fn output(&self, component: Component) -> Piece {
        let mut piece = self.connected("input_value");
        if piece.is_none() {
            piece = self
                .job
                .flow
                .edges_into(&self.node.id)
                .find_map(|edge| self.yielded(&edge.source));
        }
        let piece = piece.unwrap_or_else(|| Piece::text(self.text("input_value")));
        if component == Component::ChatOutput {
            (self.tell)(Step::Message {
                component_id: self.node.id.clone(),
                sender: self.node.text("sender_name").unwrap_or("AI").to_owned(),
                text: piece.text.clone(),
                tools: piece.tools.clone(),
            });
        }
        piece
    }

    /// What the edges into a setting bring, joined by line breaks where there are several.
    fn connected(&self, field: &str) -> Option<Piece> {
        let edges = self.job.flow.edges_into(&self.node.id);
        let into_field = edges.filter(|edge| edge.field.as_deref() == Some(field));
        let mut pieces = into_field.filter_map(|edge| self.yielded(&edge.source));
        let mut first = pieces.next()?;
        for other in pieces {
            first.text = format!("{}\n{}", first.text, other.text);
            first.absorb(&other);
        }
        Some(first)
    }

    fn yielded(&self, id: &str) -> Option<Piece> {
        self.yields
            .iter()
            .find(|(from, _)| *from == id)
            .map(|(_, piece)| piece.clone())
    }

    /// Only what leads straight into an output is the answer; the rest is the flow's own business.
    fn feeds_output(&self) -> bool {
        let flow = &self.job.flow;
        let outgoing = flow.edges.iter().filter(|edge| edge.source == self.node.id);
        let mut targets = outgoing.filter_map(|edge| flow.node(&edge.target));
        targets.any(|node| Component::of(node).is_ok_and(Component::is_output))
    }

    fn model_name(&self) -> String {
        let listed = || {
            let model = self.node.setting("model")?;
            let name = model
                .get(0)
                .and_then(|first| first.get("name"))
                .unwrap_or(model);
            name.as_str().filter(|name| !name.is_empty())
        };
        self.node
            .text("model_name")
            .or_else(listed)
            .unwrap_or("default")
            .to_owned()
    }

    fn temperature(&self) -> Result<f64, Failure> {
        let value = match self.node.setting("temperature") {
            None | Some(Value::Null) => return Ok(TEMPERATURE),
            Some(Value::String(text)) if text.is_empty() => return Ok(TEMPERATURE),
            Some(value) => value,
        };
        let number = value
            .as_f64()
            .or_else(|| value.as_str()?.trim().parse().ok());
        number
            .filter(|number: &f64| number.is_finite() && *number >= 0.0)
            .ok_or_else(|| {
                let message = format!("temperature has to be a number from 0, not {value}");
                self.failure(FailureKind::Setting("temperature".to_owned()), message)
            })
    }

    fn count(&self, setting: &str, unset: usize) -> Result<usize, Failure> {
        let value = match self.node.setting(setting) {
            None | Some(Value::Null) => return Ok(unset),
            Some(value) => value,
        };
        value
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| {
                let message = format!("{setting} has to be a whole number from 0, not {value}");
                self.failure(FailureKind::Setting(setting.to_owned()), message)
            })
    }

    fn text(&self, setting: &str) -> &str {
        self.node.text(setting).unwrap_or_default()
    }

    fn failure(&self, kind: FailureKind, message: String) -> Failure {
        Failure::of(self.node, kind, message)
    }
}

impl From<(Role, &str)> for Turn {
    fn from((role, text): (Role, &str)) -> Self {
        Self {
            role,
            text: text.to_owned(),
        }
    }
}
