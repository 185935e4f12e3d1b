//! Agents that other agents call.

use serde_json::Value as Json;

use super::agent;
use super::tools::{Tool, parameter};
use super::wish;
use crate::code::Expr;
use crate::exporter::Exporter;
use crate::kinds::Class;
use crate::node::Node;

/// What Langflow says of every agent, whatever people call it.
const ABOUT: &str = "Define the agent's instructions, then enter a task to complete using tools.";
const INPUT: &str = "The input provided by the user for the agent to process.";

/// The two tools that an agent is: its answer as a text, and in its schema.
pub(crate) fn all(out: &mut Exporter<'_>, node: &Node, caller: &Node) -> Result<Vec<Tool>, String> {
    if node.text("context_id").is_some() {
        return Err("it reads only the messages of one `context_id`; clear that setting".into());
    }
    if let Some(Json::Array(rows)) = node.setting("output_schema")
        && !rows.is_empty()
    {
        return Err("as a tool it answers in a schema, which is not translated; clear it".into());
    }
    let parts = agent::parts(out, node)?;
    let made = agent::made(out, node, &parts, &parts.prompt);
    let (name, first) = if parts.dynamic {
        let name = out.names.variable(&wish(node, ""));
        let first = made.statement(&format!("{name} = "), 4) + "\n";
        (name, first)
    } else {
        let name = out.names.variable(&wish(node, ""));
        out.module.define(made.statement(&format!("{name} = "), 0));
        (name, String::new())
    };
    let head = if are_called(out, node) {
        "ask_team"
    } else {
        "ask"
    };
    out.module.helper(head);
    let past = past(out, node, caller)?;
    let ask = Expr::call(head, vec![Expr::Raw(name), Expr::raw("input_value"), past]);
    let answers = Tool {
        name: "Call_Agent_message_response".to_owned(),
        description: ABOUT.to_owned(),
        parameters: vec![parameter("input_value", INPUT, Some(Expr::text("")))],
        result: "tuple[str, str]",
        body: format!(
            "{first}    try:\n{}\n    except Exception as error:  # noqa: BLE001 - the model is \
             told why\n        return str(error), \"\"\n    return answer, answer",
            ask.statement("answer = ", 8)
        ),
    };
    let schema = Tool {
        name: "Call_Agent_json_response".to_owned(),
        description: ABOUT.to_owned(),
        parameters: vec![parameter("input_value", INPUT, Some(Expr::text("")))],
        result: "dict[str, str]",
        // Without a schema Langflow hands back what it was given, and asks no model.
        body: "    return {\"content\": input_value}".to_owned(),
    };
    Ok(vec![answers, schema])
}

/// Whether an agent calls others, whose words become part of its answer.
pub(crate) fn are_called(out: &Exporter<'_>, node: &Node) -> bool {
    let edges = out.edges(node, "tools");
    let mut sources = edges.iter().filter_map(|edge| out.flow.node(&edge.source));
    sources.any(|source| Class::of(source) == Class::Agent)
}

/// The session as the agent sees it. The message that its caller is about to write is in it
/// already, empty: it counts, and is not shown.
fn past(out: &mut Exporter<'_>, node: &Node, caller: &Node) -> Result<Expr, String> {
    let mut limit = agent::limit(node)?;
    if limit == 0 {
        return Ok(Expr::List(Vec::new()));
    }
    let shown = out.flow.edges.iter().any(|edge| {
        let target = out.flow.node(&edge.target).map(Class::of);
        edge.source == caller.id && target == Some(Class::ChatOutput)
    });
    limit -= i64::from(shown);
    out.module.helper("recent");
    out.shares_history = true;
    out.remarks.push(format!(
        "{} ({}) is called as a tool: it sees the session as it was before its caller began.",
        node.display_name, node.id
    ));
    if limit == 0 {
        return Ok(Expr::List(Vec::new()));
    }
    let history = Expr::raw("current_history.get()");
    Ok(Expr::call(
        "recent",
        vec![history, Expr::Raw(limit.to_string())],
    ))
}
