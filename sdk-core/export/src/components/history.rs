//! What was said before, as a text.

use super::wish;
use crate::code::Expr;
use crate::exporter::{Exporter, Kind, Value};
use crate::node::Node;
use crate::settings::integer;

pub(crate) fn emit(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    if node.text("mode").is_some_and(|mode| mode != "Retrieve") {
        return Err("storing messages by hand is not translated".to_owned());
    }
    if out.edge(node, "memory")?.is_some() {
        return Err("it reads a memory outside of the flow".to_owned());
    }
    let narrowed = ["session_id", "context_id", "sender_name"];
    if narrowed.iter().any(|field| node.text(field).is_some()) {
        return Err("it reads only some of the messages; clear its filters".to_owned());
    }
    if node
        .text("sender_type")
        .is_some_and(|it| it != "Machine and User")
        || node.text("order").is_some_and(|it| it != "Ascending")
    {
        return Err("it reads only one sender, or backwards".to_owned());
    }
    if out
        .flow
        .edges
        .iter()
        .any(|edge| edge.source == node.id && edge.output.as_deref() == Some("dataframe"))
    {
        return Err("messages as a table are not translated; take them as a text".to_owned());
    }
    let template = node.text("template").unwrap_or("{sender_name}: {text}");
    if template != "{sender_name}: {text}" {
        return Err("its template is not the usual `{sender_name}: {text}`".to_owned());
    }
    let limit = integer(node, "n_messages").unwrap_or(100);
    let past = if limit == 0 {
        "[]".to_owned()
    } else {
        format!("past[-{limit}:]")
    };
    // Langflow reads before the message of this run is stored: it stands in the first layer.
    if !out.body.iter().any(|line| line.trim() == PAST) {
        out.body.insert(0, format!("    {PAST}"));
    }
    out.module.helper("history_text");
    let name = out.names.variable(&wish(node, "text"));
    out.assign(&name, &Expr::call("history_text", vec![Expr::Raw(past)]));
    for output in ["messages_text", "*"] {
        out.yields(node, output, Value::new(&name, Kind::Text));
    }
    Ok(())
}

const PAST: &str = "past = list(history)";
