//! What comes in and what goes out.

use crate::code::Expr;
use crate::exporter::{Exporter, Kind, Value};
use crate::node::Node;
use crate::session::stores;
use crate::settings::flag;

/// Settings that send a message to another session than that of the run.
fn only_this_session(node: &Node) -> Result<(), String> {
    for field in ["session_id", "context_id"] {
        if node.text(field).is_some() {
            return Err(format!(
                "it is bound to one `{field}`; clear that setting, a program gets its session \
                 as an argument"
            ));
        }
    }
    Ok(())
}

fn sender(node: &Node, usual: &str) -> Result<(), String> {
    match node.text("sender") {
        Some(sender) if sender != usual => Err(format!(
            "its sender is not `{usual}`, so that it speaks for the other side"
        )),
        _ => Ok(()),
    }
}

pub(crate) fn input(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    only_this_session(node)?;
    sender(node, "User")?;
    if node
        .setting("files")
        .and_then(|files| files.as_array())
        .is_some_and(|files| !files.is_empty())
    {
        return Err("it brings files along; programs take text only".to_owned());
    }
    if out.remembers && stores(node) {
        out.module
            .imports
            .name("langchain_core.messages", "HumanMessage");
        // Whether the message itself is needed is known once the agents are written.
        out.line(QUESTION);
    }
    out.yields(node, "message", Value::new("input_value", Kind::Text));
    Ok(())
}

/// The line that stores the message; replaced by a shorter one where nothing asks for it.
pub(crate) const QUESTION: &str = "history.append(question := HumanMessage(input_value))";
pub(crate) const NO_QUESTION: &str = "history.append(HumanMessage(input_value))";

pub(crate) fn text_input(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    let text = out.text(node, "input_value")?;
    let value = Value {
        expr: match text {
            Expr::Text(text) => out.text_constant(&node.display_name, &text, node),
            other => other,
        },
        kind: Kind::Text,
    };
    out.yields(node, "text", value);
    Ok(())
}

pub(crate) fn output(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    only_this_session(node)?;
    sender(node, "Machine")?;
    let edge = out.edge(node, "input_value")?;
    let edge = edge.ok_or("nothing is connected to it")?;
    let value = out.value(edge)?;
    let text = match value.kind {
        Kind::Text | Kind::Any => value.expr,
        Kind::Data => {
            out.module.helper("data_markdown");
            Expr::call("data_markdown", vec![value.expr])
        }
        Kind::Table => {
            out.module.helper("table_markdown");
            let mut arguments = vec![value.expr];
            if !flag(node, "clean_data", true) {
                arguments.push(Expr::named("clean", Expr::raw("False")));
            }
            Expr::call("table_markdown", arguments)
        }
        Kind::Model => return Err("a model is connected to it instead of a text".to_owned()),
    };
    let name = crate::code::literal::remark(&node.display_name);
    let stored = out.remembers && stores(node);
    let used = out.flow.edges.iter().any(|edge| edge.source == node.id);
    let text = if matches!(text, Expr::Call(..)) && (stored || used) {
        let variable = out.names.variable(&name);
        out.assign(&variable, &text);
        Expr::Raw(variable)
    } else {
        text
    };
    if stored {
        out.module
            .imports
            .name("langchain_core.messages", "AIMessage");
        out.line(&format!("history.append(AIMessage({}))", text.flat()));
    }
    if out.guards.contains_key(&node.id) {
        let key = crate::code::literal::text(&node.id);
        out.line(&format!("outputs[{key}] = {}", text.flat()));
    }
    out.outputs.push((node.id.clone(), text.clone()));
    out.yields(
        node,
        "message",
        Value {
            expr: text,
            kind: Kind::Text,
        },
    );
    Ok(())
}
