//! If-Else: only one of two branches runs.

use super::wish;
use crate::code::Expr;
use crate::exporter::{Exporter, Kind, Value};
use crate::node::Node;
use crate::settings::flag;

pub(crate) fn emit(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    merge_free(out, node)?;
    let text = out.text(node, "input_text")?;
    let other = out.text(node, "match_text")?;
    let operator = Expr::text(node.text("operator").unwrap_or("equals"));
    let exact = if flag(node, "case_sensitive", true) {
        "True"
    } else {
        "False"
    };
    out.module.helper("matches");
    let arguments = vec![text.clone(), operator, other, Expr::raw(exact)];
    let condition = out.names.variable(&wish(node, "holds"));
    out.assign(&condition, &Expr::call("matches", arguments));
    let cases = [
        ("true_result", "true_case_message", true),
        ("false_result", "false_case_message", false),
    ];
    for (output, message, holds) in cases {
        let expr = match out.text(node, message)? {
            // Without a message of its own the branch gets what was compared.
            Expr::Text(text) if text.is_empty() => None,
            value => Some(value),
        };
        let expr = expr.unwrap_or_else(|| text.clone());
        let kind = Kind::Text;
        out.yields(node, output, Value { expr, kind });
        let mut guards = out.guards.get(&node.id).cloned().unwrap_or_default();
        guards.push((condition.clone(), holds));
        out.guards.insert(format!("{}/{output}", node.id), guards);
    }
    Ok(())
}

/// What both branches lead to would run with one of its inputs missing.
fn merge_free(out: &Exporter<'_>, node: &Node) -> Result<(), String> {
    let reach = |output: &str| {
        let starts = out
            .flow
            .edges
            .iter()
            .filter(|edge| edge.source == node.id && edge.output.as_deref() == Some(output));
        let mut todo: Vec<&str> = starts.map(|edge| edge.target.as_str()).collect();
        let mut found = std::collections::BTreeSet::new();
        while let Some(id) = todo.pop() {
            if found.insert(id) {
                let next = out.flow.edges.iter().filter(|edge| edge.source == id);
                todo.extend(next.map(|edge| edge.target.as_str()));
            }
        }
        found
    };
    let (yes, no) = (reach("true_result"), reach("false_result"));
    if yes.contains(node.id.as_str()) || no.contains(node.id.as_str()) {
        return Err("one of its branches leads back to it".to_owned());
    }
    let both = yes.intersection(&no).next();
    match both.and_then(|id| out.flow.node(id)) {
        Some(meeting) => Err(format!(
            "both of its branches meet again in {}; give each branch its own output",
            meeting.display_name
        )),
        None => Ok(()),
    }
}
