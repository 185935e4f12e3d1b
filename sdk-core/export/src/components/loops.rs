//! Loops: the same steps for every row.

use super::wish;
use crate::code::Expr;
use crate::exporter::{Exporter, Kind, Value};
use crate::kinds::Class;
use crate::node::Node;
use crate::plan::{Plan, feedback_source};

pub(crate) fn emit<'f>(
    out: &mut Exporter<'f>,
    node: &'f Node,
    plan: &Plan<'f>,
) -> Result<(), String> {
    let body = plan.bodies.get(node.id.as_str());
    let body = body.filter(|body| !body.is_empty());
    let body = body.ok_or("nothing leads from its item back to it")?;
    let back = feedback_source(out.flow, node).ok_or("nothing leads back to it")?;
    if let Some(inner) = body.iter().find(|inner| {
        matches!(
            Class::of(inner),
            Class::Loop | Class::IfElse | Class::ChatOutput
        )
    }) {
        return Err(format!(
            "{} inside a loop is not translated",
            inner.display_name
        ));
    }
    let table = out.table(node, "data")?;
    out.module.imports.module("pandas as pd");
    let results = out.names.variable(&wish(node, "results"));
    let item = out.names.variable(&wish(node, "item"));
    out.line(&format!("{results} = []"));
    let rows = format!("{}.to_dict(orient=\"records\")", table.flat());
    out.line(&format!("for {item} in {rows}:"));
    out.indent += 4;
    out.yields(node, "item", Value::new(&item, Kind::Data));
    for inner in body {
        out.visit(inner, plan);
    }
    let last = out.value(back);
    let line = match &last {
        Ok(value) => match value.kind {
            Kind::Text => format!("{results}.append({{\"text\": {}}})", value.expr.flat()),
            Kind::Data | Kind::Any => format!("{results}.append({})", value.expr.flat()),
            Kind::Table | Kind::Model => {
                return Err("a table or a model leads back to it".to_owned());
            }
        },
        // What could not be written has been refused by its own name.
        Err(_) => "pass".to_owned(),
    };
    out.line(&line);
    out.indent -= 4;
    let done = Expr::call("pd.DataFrame", vec![Expr::Raw(results)]);
    let name = out.names.variable(&wish(node, "table"));
    out.assign(&name, &done);
    out.yields(node, "done", Value::new(&name, Kind::Table));
    Ok(())
}
