//! Components with code of their own, over a shim of what they use of Langflow.

use serde_json::Value as Json;

use super::custom_source::{self, Source};
use super::wish;
use crate::code::{Expr, literal};
use crate::exporter::{Exporter, Kind, Value};
use crate::node::{Node, Output};

/// The reason where there is no code that could be used.
pub(crate) const NO_CODE: &str = "no code";

pub(crate) fn emit(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    let code = match node.setting("code").and_then(Json::as_str) {
        Some(code) if !code.trim().is_empty() && !node.group => code,
        _ => return Err(NO_CODE.to_owned()),
    };
    // Components that come with Langflow are known by their module; only others are taken as they
    // stand, unless somebody edited them.
    if node.official && !node.edited {
        return Err(NO_CODE.to_owned());
    }
    let source = custom_source::read(code)?;
    let class = embed(out, node, code, source)?;
    let mut arguments = Vec::new();
    for field in node.template.keys() {
        if let Some(value) = argument(out, node, field)? {
            if !crate::code::names::is_plain(field) {
                return Err("one of its settings has no plain name".to_owned());
            }
            arguments.push(Expr::named(field, value));
        }
    }
    let component = out.names.variable(&node.display_name);
    out.assign(&component, &Expr::call(&class, arguments));
    let used: Vec<&Output> = node
        .outputs
        .iter()
        .filter(|output| {
            let mut edges = out.flow.edges.iter();
            edges.any(|edge| {
                edge.source == node.id && edge.output.as_deref() == Some(output.name.as_str())
            })
        })
        .collect();
    for output in used {
        yield_output(out, node, code, &component, output)?;
    }
    Ok(())
}

fn yield_output(
    out: &mut Exporter<'_>,
    node: &Node,
    code: &str,
    component: &str,
    output: &Output,
) -> Result<(), String> {
    let method = output.method.as_deref().unwrap_or_default();
    if !crate::code::names::is_plain(method) {
        return Err(format!("its output `{}` has no method", output.name));
    }
    let (kind, part) = match output.types.first().map(String::as_str) {
        Some("Message" | "Text" | "str") => (Kind::Text, "text"),
        Some("Data" | "JSON") => (Kind::Data, "data"),
        _ => {
            return Err(format!(
                "its output `{}` is of an unknown type",
                output.name
            ));
        }
    };
    let method = format!("{component}.{method}");
    // A method that is no coroutine may take its time, so that `arun()` has it run in a thread.
    let (call, awaited) =
        if code.contains(&format!("async def {}(", &method[component.len() + 1..])) {
            out.module.imports.module("asyncio");
            let call = format!("{method}()");
            (format!("asyncio.run({call})"), call)
        } else {
            (
                format!("{method}()"),
                format!("asyncio.to_thread({method})"),
            )
        };
    let name = out.names.variable(&wish(node, &output.name));
    out.assign(&name, &Expr::Raw(format!("{call}.{part}")));
    let twin = Expr::Raw(format!("(await {awaited}).{part}"));
    out.awaited(twin.statement(&format!("{name} = "), out.indent));
    out.yields(node, &output.name, Value::new(&name, kind));
    Ok(())
}

/// Makes the code part of the program, once, and says what its class is called.
fn embed(
    out: &mut Exporter<'_>,
    node: &Node,
    code: &str,
    source: Source,
) -> Result<String, String> {
    if let Some(class) = out.models.get(code) {
        return Ok(class.clone());
    }
    for name in &source.defines {
        if out.names.is_taken(name) {
            return Err(format!(
                "its code defines `{name}`, which the program needs for something else"
            ));
        }
    }
    for name in &source.defines {
        out.names.reserve(name);
    }
    for statement in &source.imports {
        out.module.imports.statement(statement);
    }
    out.module.helper("component_shim");
    out.module.foreign = true;
    for setting in &source.settings {
        if !out.models.contains_key(setting) {
            out.models.insert(setting.clone(), setting.clone());
            out.names.reserve(setting);
            out.module.define(format!("{setting} = Setting"));
        }
    }
    let title = literal::remark(&format!("{} ({})", node.display_name, node.id));
    out.remarks.push(format!(
        "{title} runs its own code, taken from the flow as it stands: read it before you run it."
    ));
    out.module.define_block(format!(
        "# The code of {title}, as its author wrote it.\n# fmt: off\n{}\n# fmt: on",
        source.code
    ));
    out.models.insert(code.to_owned(), source.class.clone());
    Ok(source.class)
}

/// The value that a setting is given; what is only for the editor is left out.
fn argument(out: &mut Exporter<'_>, node: &Node, field: &str) -> Result<Option<Expr>, String> {
    let about = match node.template.get(field) {
        Some(Json::Object(about)) if field != "code" && !field.starts_with('_') => about,
        _ => return Ok(None),
    };
    let kind = about.get("_input_type").and_then(Json::as_str);
    if let Some(edge) = out.edge(node, field)? {
        let value = out.value(edge)?;
        let wraps = matches!(kind, Some("MessageInput" | "HandleInput" | "DataInput"));
        return Ok(Some(match value.kind {
            Kind::Text if wraps => Expr::call("Message", vec![value.expr]),
            Kind::Text | Kind::Any => value.expr,
            Kind::Data => Expr::call("Data", vec![value.expr]),
            Kind::Table | Kind::Model => {
                return Err(format!("its setting `{field}` gets a table or a model"));
            }
        }));
    }
    if let Some(variable) = out.variable_of(node, field) {
        return Ok(Some(variable));
    }
    if field == "tools_metadata" {
        return Ok(None);
    }
    Ok(match about.get("value") {
        None => None,
        Some(Json::String(text)) if kind == Some("MessageInput") => {
            Some(Expr::call("Message", vec![Expr::text(text)]))
        }
        Some(value) => Some(literal::json(value)),
    })
}
