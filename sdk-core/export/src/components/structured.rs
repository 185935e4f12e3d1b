//! Answers in a schema.

use serde_json::Value as Json;

use super::agent::{self, Parts};
use super::model::{Parameters, model_of};
use super::wish;
use crate::code::{Expr, names};
use crate::exporter::{Exporter, Kind, Value};
use crate::node::Node;

/// Writes the model of a schema table and returns its name.
fn records_model(
    out: &mut Exporter<'_>,
    node: &Node,
    about: &str,
    list: &str,
) -> Result<Expr, String> {
    let Some(Json::Array(rows)) = node.setting("output_schema") else {
        return Err("it has no output schema".to_owned());
    };
    if rows.is_empty() {
        return Err("its output schema is empty; say which fields an answer has".to_owned());
    }
    let mut fields: Vec<(Expr, Expr)> = Vec::new();
    for row in rows {
        let part = |key: &str| row.get(key).and_then(Json::as_str);
        let name = part("name").unwrap_or("field");
        if !names::is_plain(name) || name.starts_with('_') || name == "objects" {
            return Err(format!(
                "the field name `{name}` of its schema cannot be used"
            ));
        }
        let kind = match part("type").unwrap_or("str") {
            "str" | "text" => "str",
            "int" => "int",
            "float" | "number" => "float",
            "bool" | "boolean" => "bool",
            kind @ ("dict" | "list") => {
                out.module.imports.name("typing", "Any");
                if kind == "dict" {
                    "dict[str, Any]"
                } else {
                    "list[Any]"
                }
            }
            other => return Err(format!("the type `{other}` of its schema is not known")),
        };
        let multiple = match row.get("multiple") {
            Some(Json::Bool(on)) => *on,
            Some(Json::String(text)) => {
                ["true", "1", "t", "y", "yes"].contains(&text.trim().to_lowercase().as_str())
            }
            _ => false,
        };
        let kind = if multiple {
            format!("list[{kind}]")
        } else {
            kind.to_owned()
        };
        let about = Expr::text(part("description").unwrap_or_default());
        fields.retain(|(known, _)| *known != Expr::text(name));
        fields.push((Expr::text(name), Expr::Tuple(vec![Expr::Raw(kind), about])));
    }
    out.module.helper("records_model");
    let name = out.names.constant(&wish(node, "schema"));
    let arguments = vec![Expr::Dict(fields), Expr::text(about), Expr::text(list)];
    let call = Expr::call("records_model", arguments);
    out.module.define(call.statement(&format!("{name} = "), 0));
    Ok(Expr::Raw(name))
}

/// The structured answer of an agent: the model's own way without tools, by instructions with.
pub(crate) fn agent(
    out: &mut Exporter<'_>,
    node: &Node,
    parts: &Parts,
    text: Expr,
    past: Expr,
) -> Result<(), String> {
    let list = "Every record that matches the schema.";
    let model = records_model(out, node, "A list of extracted records.", list)?;
    let result = out.names.variable(&wish(node, "data"));
    let found = if parts.tools.is_empty() {
        out.module.helper("structured_answer");
        out.module.helper("unwrap_records");
        let arguments = vec![Expr::raw(&parts.llm), model, parts.prompt.clone(), text];
        let answer = Expr::call("structured_answer", arguments);
        Expr::call("unwrap_records", vec![answer])
    } else {
        out.module.helper("ask");
        out.module.helper("schema_prompt");
        out.module.helper("parse_records");
        let instructions = match out.text(node, "format_instructions")? {
            Expr::Text(text) => out.text_constant(&wish(node, "format"), &text, node),
            other => other,
        };
        let prompt = Expr::call(
            "schema_prompt",
            vec![parts.prompt.clone(), instructions, model.clone()],
        );
        let agent = agent::create(out, node, parts, &prompt, "structured");
        let answer = Expr::call("ask", vec![Expr::Raw(agent), text, past]);
        Expr::call("parse_records", vec![answer, model])
    };
    out.assign_slow(&result, &found);
    out.yields(node, "structured_response", Value::new(&result, Kind::Data));
    Ok(())
}

pub(crate) fn emit(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    if node
        .text("schema_name")
        .is_some_and(|name| name != "OutputModel")
    {
        return Err("its schema has a name of its own; clear `schema_name`".to_owned());
    }
    let llm = model_of(out, node, Parameters::Bare)?;
    let about = "A list of OutputModel.";
    let model = records_model(out, node, about, about)?;
    let prompt = match out.text(node, "system_prompt")? {
        Expr::Text(text) => out.text_constant(&wish(node, "instructions"), &text, node),
        other => other,
    };
    let text = out.text(node, "input_value")?;
    out.module.helper("extract_records");
    let records = out.names.variable(&wish(node, "records"));
    let call = Expr::call("extract_records", vec![Expr::Raw(llm), model, prompt, text]);
    out.assign_slow(&records, &call);
    let uses = |output: &str| {
        let mut edges = out.flow.edges.iter();
        edges.any(|edge| edge.source == node.id && edge.output.as_deref() == Some(output))
    };
    let (as_data, as_table) = (uses("structured_output"), uses("dataframe_output"));
    if as_data {
        out.module.helper("unwrap_records");
        let value = Value::new(&format!("unwrap_records({records})"), Kind::Data);
        out.yields(node, "structured_output", value);
    }
    if as_table {
        out.module.imports.module("pandas as pd");
        let value = Value::new(&format!("pd.DataFrame({records})"), Kind::Table);
        out.yields(node, "dataframe_output", value);
    }
    Ok(())
}
