//! The flow as a whole: what a flow file says once the drawing is left out.

use serde_json::Value;

use crate::edge::Edge;
use crate::group;
use crate::node::Node;

/// Why a JSON document is not a flow that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// A part that every flow file has is missing or has another type.
    #[error("{field}: expected {expected}, found {found}")]
    Shape {
        /// Where in the document, as `data.nodes[3].id`.
        field: String,
        /// What has to stand there.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// Two nodes have the same id, so that an edge could mean either.
    #[error("{field}: the id `{id}` is used by another node")]
    DuplicateId {
        /// Where in the document.
        field: String,
        /// The id in question.
        id: String,
    },
    /// An edge leads from or to a node that is not in the file.
    #[error("{field}: there is no node `{id}`")]
    DanglingEdge {
        /// Where in the document.
        field: String,
        /// The id that no node has.
        id: String,
    },
    /// A handle is neither an object nor the quoted JSON that editors since 0.5 write.
    #[error("{field}: the handle `{handle}` is older than Langflow 0.5 or damaged")]
    Handle {
        /// Where in the document.
        field: String,
        /// The handle as it stands in the file.
        handle: String,
    },
}

impl FlowError {
    /// The place in the document that the error is about.
    pub fn field(&self) -> &str {
        match self {
            Self::Shape { field, .. }
            | Self::DuplicateId { field, .. }
            | Self::DanglingEdge { field, .. }
            | Self::Handle { field, .. } => field,
        }
    }
}

/// A flow: its components and how they are connected.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Flow {
    /// The name that people gave it; empty where the file has none.
    pub name: String,
    /// What it is for; empty where the file has none.
    pub description: String,
    /// The components in the order of the file, notes left out.
    pub nodes: Vec<Node>,
    /// The connections in the order of the file.
    pub edges: Vec<Edge>,
}

impl Flow {
    /// Reads a flow file: either the whole file or only its `data` object.
    ///
    /// Notes are dropped together with edges that touch them; groups are opened.
    pub fn parse(file: &Value) -> Result<Self, FlowError> {
        let root = file
            .as_object()
            .ok_or_else(|| shape("flow", "an object", file))?;
        let (data, prefix) = match root.get("data") {
            Some(data) if !root.contains_key("nodes") => (data, "data."),
            _ => (file, ""),
        };
        if !data.is_object() {
            return Err(shape("data", "an object", data));
        }
        let data = &*group::opened(data);
        let (mut nodes, notes) = read_nodes(data, prefix)?;
        let edges = read_edges(data, prefix, &nodes, &notes)?;
        let version = text(file, "last_tested_version");
        for node in &mut nodes {
            let known = Some(&version).filter(|version| !version.is_empty());
            node.version = node.version.take().or_else(|| known.cloned());
        }
        Ok(Self {
            name: text(file, "name"),
            description: text(file, "description"),
            nodes,
            edges,
        })
    }

    /// The node with this id.
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// The edges that end at a node, in the order of the file.
    pub fn edges_into<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Edge> {
        self.edges.iter().filter(move |edge| edge.target == id)
    }

    /// The ids of all nodes in an order in which every node comes after those that feed it;
    /// nodes that wait on each other in a circle are returned as the error.
    pub fn order(&self) -> Result<Vec<&Node>, Vec<&Node>> {
        let mut waiting: Vec<&Node> = self.nodes.iter().collect();
        let mut done: Vec<&Node> = Vec::with_capacity(waiting.len());
        while !waiting.is_empty() {
            let (ready, rest): (Vec<&Node>, Vec<&Node>) = waiting.iter().partition(|node| {
                self.edges_into(&node.id)
                    .all(|edge| done.iter().any(|one| one.id == edge.source))
            });
            if ready.is_empty() {
                return Err(rest);
            }
            done.extend(ready);
            waiting = rest;
        }
        Ok(done)
    }
}

fn read_nodes(data: &Value, prefix: &str) -> Result<(Vec<Node>, Vec<String>), FlowError> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut notes = Vec::new();
    for (index, value) in list(data, "nodes", prefix)?.iter().enumerate() {
        let field = format!("{prefix}nodes[{index}]");
        let node = Node::parse(value, &field)?;
        if nodes.iter().any(|other| other.id == node.id) || notes.contains(&node.id) {
            return Err(FlowError::DuplicateId {
                field: format!("{field}.id"),
                id: node.id,
            });
        }
        if node.is_note() {
            notes.push(node.id);
        } else {
            nodes.push(node);
        }
    }
    Ok((nodes, notes))
}

fn read_edges(
    data: &Value,
    prefix: &str,
    nodes: &[Node],
    notes: &[String],
) -> Result<Vec<Edge>, FlowError> {
    let mut edges = Vec::new();
    for (index, value) in list(data, "edges", prefix)?.iter().enumerate() {
        let field = format!("{prefix}edges[{index}]");
        let edge = Edge::parse(value, &field)?;
        if notes.contains(&edge.source) || notes.contains(&edge.target) {
            continue;
        }
        for (end, id) in [("source", &edge.source), ("target", &edge.target)] {
            if !nodes.iter().any(|node| node.id == *id) {
                let field = format!("{field}.{end}");
                return Err(FlowError::DanglingEdge {
                    field,
                    id: id.clone(),
                });
            }
        }
        edges.push(edge);
    }
    Ok(edges)
}

fn list<'a>(data: &'a Value, key: &str, prefix: &str) -> Result<&'a [Value], FlowError> {
    match data.get(key) {
        Some(Value::Array(items)) => Ok(items),
        other => Err(shape(
            &format!("{prefix}{key}"),
            "an array",
            other.unwrap_or(&Value::Null),
        )),
    }
}

fn text(value: &Value, key: &str) -> String {
    value
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The error for a value of another type than the format asks for.
pub(crate) fn shape(field: &str, expected: &'static str, found: &Value) -> FlowError {
    let found = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    FlowError::Shape {
        field: field.to_owned(),
        expected,
        found,
    }
}
