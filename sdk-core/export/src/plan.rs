//! What of a flow is exported, and in which order it runs.

use std::collections::{BTreeMap, BTreeSet};

use crate::edge::Edge;
use crate::flow::Flow;
use crate::kinds::Class;
use crate::node::Node;

/// The order of a flow.
#[derive(Debug, Default)]
pub(crate) struct Plan<'f> {
    /// The components that run, in their order; bodies of loops and tools are not among them.
    pub(crate) order: Vec<&'f Node>,
    /// The bodies of loops, in their order, by the id of the loop.
    pub(crate) bodies: BTreeMap<&'f str, Vec<&'f Node>>,
    /// Components that wait for each other.
    pub(crate) circle: Vec<&'f Node>,
    /// Components that no output and no side effect needs.
    pub(crate) unused: Vec<&'f Node>,
}

/// Whether an edge hands over tools instead of a result.
pub(crate) fn is_tool_edge(edge: &Edge) -> bool {
    edge.output.as_deref() == Some("component_as_tool") || edge.field.as_deref() == Some("tools")
}

/// Whether an edge leads back into a loop.
fn is_feedback(flow: &Flow, edge: &Edge) -> bool {
    let field = edge.field.as_deref();
    (field.is_none() || field == Some("item"))
        && flow
            .node(&edge.target)
            .is_some_and(|node| Class::of(node) == Class::Loop)
}

impl<'f> Plan<'f> {
    pub(crate) fn new(flow: &'f Flow) -> Self {
        let needed = needed(flow);
        let bodies: BTreeMap<&str, BTreeSet<&str>> = flow
            .nodes
            .iter()
            .filter(|node| Class::of(node) == Class::Loop)
            .map(|node| (node.id.as_str(), body_of(flow, node)))
            .collect();
        let inside: BTreeMap<&str, &str> = bodies
            .iter()
            .flat_map(|(owner, body)| body.iter().map(|id| (*id, *owner)))
            .collect();
        let mut plan = Self::default();
        let tools = tools_only(flow);
        let outer: Vec<&Node> = flow
            .nodes
            .iter()
            .filter(|node| needed.contains(node.id.as_str()))
            .filter(|node| {
                !inside.contains_key(node.id.as_str()) && !tools.contains(node.id.as_str())
            })
            .collect();
        plan.unused = flow
            .nodes
            .iter()
            .filter(|node| !needed.contains(node.id.as_str()))
            .collect();
        plan.order = plan.layered(flow, &outer, |id| inside.get(id).copied().unwrap_or(id));
        for (owner, body) in &bodies {
            let body: Vec<&Node> = flow
                .nodes
                .iter()
                .filter(|node| body.contains(node.id.as_str()))
                .collect();
            let order = plan.layered(flow, &body, |id| id);
            plan.bodies.insert(owner, order);
        }
        plan
    }

    /// Sorts by layers, as Langflow runs them: what it stores at the end of a branch is seen by
    /// later layers only, so that outputs come last in theirs.
    fn layered(
        &mut self,
        flow: &'f Flow,
        nodes: &[&'f Node],
        owner: impl Fn(&'f str) -> &'f str,
    ) -> Vec<&'f Node> {
        let ids: BTreeSet<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
        let edges: Vec<(&str, &str)> = flow
            .edges
            .iter()
            .filter(|edge| !is_tool_edge(edge) && !is_feedback(flow, edge))
            .map(|edge| (owner(&edge.source), owner(&edge.target)))
            .filter(|(from, to)| from != to && ids.contains(from) && ids.contains(to))
            .collect();
        let mut layers: BTreeMap<&str, usize> = BTreeMap::new();
        while layers.len() < nodes.len() {
            let ready: Vec<(&str, usize)> = nodes
                .iter()
                .map(|node| node.id.as_str())
                .filter(|id| !layers.contains_key(id))
                .filter_map(|id| {
                    let before = edges.iter().filter(|(_, to)| *to == id);
                    let layers: Option<Vec<usize>> =
                        before.map(|(from, _)| layers.get(from).copied()).collect();
                    Some((id, layers?.into_iter().max().map_or(0, |layer| layer + 1)))
                })
                .collect();
            if ready.is_empty() {
                let waiting = nodes
                    .iter()
                    .filter(|it| !layers.contains_key(it.id.as_str()));
                self.circle.extend(waiting);
                break;
            }
            layers.extend(ready);
        }
        let mut sorted: Vec<&Node> = nodes
            .iter()
            .copied()
            .filter(|node| layers.contains_key(node.id.as_str()))
            .collect();
        sorted.sort_by_key(|node| {
            (
                layers[node.id.as_str()],
                Class::of(node) == Class::ChatOutput,
            )
        });
        sorted
    }
}

/// Whatever leads to an output or to something that lasts; inputs are stored in the session.
fn needed(flow: &Flow) -> BTreeSet<&str> {
    let mut found: BTreeSet<&str> = BTreeSet::new();
    let mut todo: Vec<&str> = flow
        .nodes
        .iter()
        .filter(|node| Class::of(node).lasts() || ends_unknown(flow, node))
        .map(|node| node.id.as_str())
        .collect();
    while let Some(id) = todo.pop() {
        if found.insert(id) {
            let sources = flow.edges_into(id).map(|edge| edge.source.as_str());
            todo.extend(sources);
        }
    }
    found
}

/// Whether a component that is not known is fed and feeds nothing: what it is there for is what it
/// does, such as filling a database.
fn ends_unknown(flow: &Flow, node: &Node) -> bool {
    Class::of(node) == Class::Other
        && flow.edges.iter().any(|edge| edge.target == node.id)
        && !flow.edges.iter().any(|edge| edge.source == node.id)
}

/// Components that nothing but tool edges leave.
fn tools_only(flow: &Flow) -> BTreeSet<&str> {
    let only = |id: &str| {
        let mut edges = flow.edges.iter().filter(|edge| edge.source == id);
        let mut some = false;
        edges.all(|edge| {
            some = true;
            is_tool_edge(edge)
        }) && some
    };
    flow.nodes
        .iter()
        .map(|node| node.id.as_str())
        .filter(|id| only(id))
        .collect()
}

/// The components between the item of a loop and the edge that leads back.
fn body_of<'f>(flow: &'f Flow, node: &'f Node) -> BTreeSet<&'f str> {
    let reach = |starts: Vec<&'f str>, forward: bool| {
        let mut found: BTreeSet<&str> = BTreeSet::new();
        let mut todo = starts;
        while let Some(id) = todo.pop() {
            if id == node.id || !found.insert(id) {
                continue;
            }
            todo.extend(flow.edges.iter().filter_map(|edge| {
                let (here, there) = if forward {
                    (&edge.source, &edge.target)
                } else {
                    (&edge.target, &edge.source)
                };
                (here == id && !is_tool_edge(edge)).then_some(there.as_str())
            }));
        }
        found
    };
    let items = flow
        .edges
        .iter()
        .filter(|edge| edge.source == node.id && edge.output.as_deref() == Some("item"));
    let back = flow
        .edges_into(&node.id)
        .filter(|edge| is_feedback(flow, edge));
    let after = reach(items.map(|edge| edge.target.as_str()).collect(), true);
    let before = reach(back.map(|edge| edge.source.as_str()).collect(), false);
    after.intersection(&before).copied().collect()
}

/// The component that ends the body of a loop.
pub(crate) fn feedback_source<'f>(flow: &'f Flow, node: &Node) -> Option<&'f Edge> {
    let mut edges = flow
        .edges
        .iter()
        .filter(|edge| edge.target == node.id && is_feedback(flow, edge));
    edges.next()
}
