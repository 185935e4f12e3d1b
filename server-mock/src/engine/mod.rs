//! Runs the graph of a flow: which components there are, in which order, and what they yield.

mod component;
mod perform;
mod retrieve;
mod value;

use std::sync::Arc;

use langflow_export::{Edge, Flow, Node};
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::model::{Model, ToolCall, Turn};
use crate::pace::Pace;

pub(crate) use component::Component;
pub(crate) use perform::TIMEOUT;
use value::Piece;

/// One run of a flow, tweaks already applied.
pub(crate) struct Job {
    pub(crate) flow: Arc<Flow>,
    pub(crate) input: String,
    pub(crate) history: Vec<Turn>,
    /// The request that asks for it.
    pub(crate) request_id: String,
    /// The files that components read, each by its path.
    pub(crate) files: Vec<(String, String)>,
    /// Variables that are not there, each with the component that names it.
    pub(crate) lacks: Vec<(String, String)>,
    pub(crate) people: People,
}

/// What becomes of a component that asks a person.
#[derive(Debug, Clone)]
pub(crate) enum People {
    /// It cannot be run.
    Unknown,
    /// The flow goes on through every branch, with no text.
    PassedBy,
    /// The run waits for a decision: the component and what was decided.
    Asked(watch::Receiver<Option<(String, String)>>),
}

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub(crate) struct Question {
    pub(crate) component_id: String,
    pub(crate) prompt: String,
    /// What may be decided, with its label.
    pub(crate) options: Vec<(String, String)>,
    pub(crate) timeout_seconds: u64,
}

/// What runs flows: the model that answers, and the time that it takes.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) model: Arc<dyn Model>,
    pub(crate) clock: Clock,
    pub(crate) pace: Pace,
}

/// Something that happened in a run, in the order in which it happens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// A piece of the text of an answer.
    Token { component_id: String, text: String },
    /// A message of the flow is complete.
    Message {
        component_id: String,
        sender: String,
        text: String,
        /// The tools that were used for it.
        tools: Vec<ToolCall>,
    },
    /// A person is asked, and nothing goes on until they have decided.
    Asked(Question),
    /// They have.
    Decided { component_id: String },
    /// A component is done.
    Completed(Completed),
}

/// A component that is done, with the settings that it really had.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Completed {
    pub(crate) component_id: String,
    pub(crate) display_name: String,
    pub(crate) kind: String,
    pub(crate) duration: f64,
    pub(crate) settings: Map<String, Value>,
    /// The tools that it used, if it is a model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tool_calls: Vec<ToolCall>,
}

/// What one output component of a flow yields.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FlowOutput {
    pub(crate) component_id: String,
    pub(crate) display_name: String,
    /// `message` or `text`.
    pub(crate) kind: &'static str,
    pub(crate) value: String,
}

/// What a run yields.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) outputs: Vec<FlowOutput>,
    pub(crate) tokens: u64,
}

/// Why a run did not yield anything.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) component_id: Option<String>,
    pub(crate) message: String,
}

/// Whose fault it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The flow has a component that this server cannot execute.
    Unsupported,
    /// The graph as a whole makes no sense.
    Graph,
    /// A setting has a value that its component cannot use.
    Setting(String),
    /// A component names a variable that is not there.
    Variable,
    /// A component failed while it ran.
    Raised,
}

impl Failure {
    fn of(node: &Node, kind: FailureKind, message: String) -> Self {
        Self {
            kind,
            component_id: Some(node.id.clone()),
            message,
        }
    }
}

/// The components to run, in order. Only what an output depends on is run; a flow without outputs
/// is run whole.
pub(crate) fn plan(flow: &Flow) -> Result<Vec<(&Node, Component)>, Failure> {
    if flow.nodes.is_empty() {
        let message = "it has no components yet".to_owned();
        return Err(Failure {
            kind: FailureKind::Graph,
            component_id: None,
            message,
        });
    }
    let order = flow.order().map_err(|circle| Failure {
        kind: FailureKind::Graph,
        component_id: circle.first().map(|node| node.id.clone()),
        message: format!(
            "these components wait for each other: {}",
            circle
                .iter()
                .map(|node| node.id.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ),
    })?;
    let needed = needed(flow);
    let chosen = order
        .into_iter()
        .filter(|node| needed.contains(&node.id.as_str()));
    chosen
        .map(|node| {
            structured(flow, node)?;
            Component::of(node).map(|component| (node, component))
        })
        .collect()
}

/// The setting of an agent that takes its tools.
const TOOLS: &str = "tools";

/// The settings of an agent that take the model that it asks.
const MODELS: [&str; 3] = ["model", "agent_llm", "llm"];

/// Whether an edge brings an agent what it uses and not what it reads: a tool, or its model. Neither is
/// run by the flow.
fn aside(flow: &Flow, edge: &Edge) -> bool {
    let field = edge.field.as_deref().unwrap_or_default();
    let used = field == TOOLS || MODELS.contains(&field);
    used && flow.node(&edge.target).is_some_and(Component::is_agent)
}

/// What an agent says in a form of its own is not made up.
fn structured(flow: &Flow, node: &Node) -> Result<(), Failure> {
    let mut outgoing = flow.edges.iter().filter(|edge| edge.source == node.id);
    match outgoing.any(|edge| edge.output.as_deref() == Some("structured_response")) {
        true => Err(Failure::of(
            node,
            FailureKind::Unsupported,
            format!(
                "the component `{}` of type `{}` has a structured response, which this server cannot make",
                node.id, node.kind
            ),
        )),
        false => Ok(()),
    }
}

/// What a run does differently from the product, for people: agents are offered no tools.
pub(crate) fn remarks(flow: &Flow) -> Vec<String> {
    let agents = flow.nodes.iter().map(|agent| {
        let edges = flow.edges_into(&agent.id);
        let tools = edges.filter(|edge| edge.field.as_deref() == Some(TOOLS));
        let names = tools.filter_map(|edge| flow.node(&edge.source));
        let names: Vec<&str> = names.map(|node| node.display_name.as_str()).collect();
        (agent, names)
    });
    let with_tools = agents.filter(|(_, names)| !names.is_empty());
    with_tools
        .map(|(agent, names)| {
            format!(
                "{}: its tools are not executed ({}); a scripted reply says which it used and what they answered",
                agent.id,
                names.join(", ")
            )
        })
        .collect()
}

fn needed(flow: &Flow) -> Vec<&str> {
    let all = || flow.nodes.iter().map(|node| node.id.as_str());
    let is_output = |node: &&Node| Component::of(node).is_ok_and(Component::is_output);
    let mut found: Vec<&str> = flow
        .nodes
        .iter()
        .filter(is_output)
        .map(|node| node.id.as_str())
        .collect();
    if found.is_empty() {
        return all().collect();
    }
    let mut at = 0;
    while at < found.len() {
        for edge in flow.edges_into(found[at]) {
            if !aside(flow, edge) && !found.contains(&edge.source.as_str()) {
                found.push(&edge.source);
            }
        }
        at += 1;
    }
    found
}

impl Engine {
    /// Runs a flow. Steps are told as they happen, so that whoever listens can stream them.
    pub(crate) async fn run(
        &self,
        job: &Job,
        tell: &(dyn Fn(Step) + Send + Sync),
    ) -> Result<Outcome, Failure> {
        let plan = plan(&job.flow)?;
        let mut yields: Vec<(&str, Piece)> = Vec::new();
        let mut outcome = Outcome::default();
        // Components behind a branch that was not taken.
        let mut passed: Vec<&str> = Vec::new();
        for (node, component) in plan {
            let closed = |edge: &langflow_export::Edge| {
                let from = yields.iter().find(|(id, _)| *id == edge.source);
                let branch = from.and_then(|(_, piece)| piece.branch.as_deref());
                passed.contains(&edge.source.as_str())
                    || branch.is_some_and(|taken| edge.output.as_deref() != Some(taken))
            };
            if job.flow.edges_into(&node.id).any(closed) {
                passed.push(&node.id);
                continue;
            }
            let begun = self.clock.now();
            let stage = perform::Stage {
                engine: self,
                job,
                node,
                yields: &yields,
                tell,
            };
            let (piece, tokens) = stage.perform(component).await?;
            outcome.tokens += tokens;
            if component.is_output() {
                outcome.outputs.push(FlowOutput {
                    component_id: node.id.clone(),
                    display_name: node.display_name.clone(),
                    kind: component.output_type(),
                    value: piece.text.clone(),
                });
            }
            let duration = (self.clock.now() - begun).to_std().unwrap_or_default();
            tell(Step::Completed(Completed {
                component_id: node.id.clone(),
                display_name: node.display_name.clone(),
                kind: node.kind.clone(),
                duration: duration.as_secs_f64(),
                settings: node.settings(),
                tool_calls: match component {
                    Component::Model => piece.tools.clone(),
                    _ => Vec::new(),
                },
            }));
            // Thousands of runs may stand open with one component done.
            yields.reserve_exact(1);
            yields.push((&node.id, piece));
        }
        let place = |id: &str| job.flow.nodes.iter().position(|node| node.id == id);
        outcome
            .outputs
            .sort_by_key(|output| place(&output.component_id));
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests;
