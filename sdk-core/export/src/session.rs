//! When a program has to remember what was said in a session.

use crate::flow::Flow;
use crate::kinds::Class;
use crate::node::Node;
use crate::plan::is_tool_edge;
use crate::settings::{flag, integer};

/// Whether a component reads what was said before.
pub(crate) fn is_needed(flow: &Flow) -> bool {
    flow.nodes.iter().any(|node| match Class::of(node) {
        Class::Agent => integer(node, "n_messages") != Some(0) && reads(flow, node),
        Class::MessageHistory => true,
        _ => false,
    })
}

/// An agent that is a tool answers in the session of its caller; one that only fills in a schema, without tools, is asked about its input alone.
fn reads(flow: &Flow, node: &Node) -> bool {
    let built_in = ["add_current_date_tool", "add_calculator_tool"];
    let tools = built_in.iter().any(|setting| flag(node, setting, false))
        || flow.edges_into(&node.id).any(is_tool_edge);
    flow.edges.iter().any(|edge| {
        let structured = edge.output.as_deref() == Some("structured_response");
        edge.source == node.id && (is_tool_edge(edge) || tools || !structured)
    })
}

/// Whether a chat component keeps its message in the session.
pub(crate) fn stores(node: &Node) -> bool {
    flag(node, "should_store_message", true)
}
