//! When a program has to remember what was said in a session.

use crate::flow::Flow;
use crate::kinds::Class;
use crate::plan::is_tool_edge;
use crate::settings::{flag, integer};

/// Whether a component reads what was said before.
pub(crate) fn is_needed(flow: &Flow) -> bool {
    flow.nodes.iter().any(|node| match Class::of(node) {
        Class::Agent => {
            integer(node, "n_messages") != Some(0)
                && flow
                    .edges
                    .iter()
                    .any(|edge| edge.source == node.id && !is_tool_edge(edge))
        }
        Class::MessageHistory => true,
        _ => false,
    })
}

/// Whether a chat component keeps its message in the session.
pub(crate) fn stores(node: &crate::node::Node) -> bool {
    flag(node, "should_store_message", true)
}
