//! The tools of one agent: names that are unique, descriptions as people changed them.

use serde_json::Value as Json;

use super::tools::{self, Tool};
use crate::code::{Expr, names};
use crate::exporter::Exporter;
use crate::node::Node;
use crate::settings::flag;

/// The longest name that providers accept.
const LONGEST_NAME: usize = 64;

/// The variables of all tools of an agent.
pub(crate) fn all(out: &mut Exporter<'_>, agent: &Node) -> Result<Vec<String>, String> {
    let mut found: Vec<(String, Tool)> = Vec::new();
    for edge in out.edges(agent, "tools") {
        let Some(node) = out.flow.node(&edge.source) else {
            continue;
        };
        match tools::of(out, node, agent) {
            Ok(tools) => {
                for tool in tools {
                    if let Some(tool) = adapted(node, tool)? {
                        found.push((node.id.clone(), tool));
                    }
                }
            }
            Err(reason) => {
                // The tool is what people have to look at, not the agent that holds it.
                out.refuse(node, &reason);
            }
        }
    }
    rename(&mut found);
    let built_in = [
        ("add_current_date_tool", "CurrentDate"),
        ("add_calculator_tool", "Calculator"),
    ];
    for (setting, component) in built_in {
        if flag(agent, setting, false) {
            let tool = tools::built_in(out, component)?;
            if !found.iter().any(|(_, other)| other.name == tool.name) {
                found.push((component.to_owned(), tool));
            }
        }
    }
    Ok(found
        .into_iter()
        .map(|(owner, tool)| write(out, &owner, &tool))
        .collect())
}

/// Applies what the editor keeps about a tool: another name, another description, or none at all.
fn adapted(node: &Node, mut tool: Tool) -> Result<Option<Tool>, String> {
    let Some(Json::Array(records)) = node.setting("tools_metadata") else {
        return Ok(Some(tool));
    };
    if records.is_empty() {
        return Ok(Some(tool));
    }
    let tag = |record: &Json| {
        let tags = record.get("tags").and_then(Json::as_array);
        let first = tags.and_then(|tags| tags.first()).and_then(Json::as_str);
        first.map(str::to_owned)
    };
    let Some(record) = records
        .iter()
        .find(|record| tag(record).as_deref() == Some(tool.name.as_str()))
    else {
        return Ok(None);
    };
    if record.get("status").and_then(Json::as_bool) == Some(false) {
        return Ok(None);
    }
    if record
        .get("approval_actions")
        .and_then(Json::as_array)
        .is_some_and(|actions| !actions.is_empty())
    {
        return Err(format!(
            "the tool of {} waits for approval",
            node.display_name
        ));
    }
    if let Some(name) = record.get("name").and_then(Json::as_str) {
        tool.name = name.to_owned();
    }
    if let Some(text) = record.get("description").and_then(Json::as_str) {
        tool.description = text.to_owned();
    }
    if let Some(commands) = record.get("commands").and_then(Json::as_str)
        && !commands.is_empty()
    {
        // Word for word what Langflow tells the model, its slip included.
        tool.description = format!(
            "very_time you see one of those commands {commands} run the tool. tool description \
             is {}",
            tool.description
        );
    }
    Ok(Some(tool))
}

/// Tools of one name all get the id of their component, as Langflow does it.
fn rename(found: &mut [(String, Tool)]) {
    let before: Vec<String> = found.iter().map(|(_, tool)| tool.name.clone()).collect();
    for (owner, tool) in found.iter_mut() {
        if before.iter().filter(|name| **name == tool.name).count() > 1 {
            let suffix = suffix(owner);
            let room = LONGEST_NAME.saturating_sub(suffix.len() + 1);
            let base: String = tool.name.chars().take(room).collect();
            tool.name = format!("{base}_{suffix}");
        }
    }
}

/// The end of a component's id, as a part of a name.
fn suffix(owner: &str) -> String {
    let plain = formatted(owner).replace('-', "_");
    let plain = plain.trim_matches('_');
    plain[plain.len().saturating_sub(32)..].to_owned()
}

/// A name of the signs that providers accept.
pub(crate) fn formatted(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    name.chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .collect()
}

/// Writes a tool once; agents that share it share the function.
fn write(out: &mut Exporter<'_>, owner: &str, tool: &Tool) -> String {
    let key = (owner.to_owned(), tool.name.clone());
    if let Some(known) = out.tools.get(&key) {
        return known.clone();
    }
    out.module.imports.name("langchain_core.tools", "tool");
    let function = out.names.variable(&tool.name);
    let mut arguments = Vec::new();
    if function != tool.name {
        arguments.push(Expr::text(&tool.name));
    }
    arguments.push(Expr::named("description", Expr::text(&tool.description)));
    if tool.result.starts_with("tuple[") {
        let format = Expr::text("content_and_artifact");
        arguments.push(Expr::named("response_format", format));
    }
    let mut code = Expr::call("tool", arguments).statement("@", 0);
    code.push_str(&format!("\ndef {function}(\n"));
    for parameter in &tool.parameters {
        out.module.imports.name("typing", "Annotated");
        out.module.imports.name("pydantic", "Field");
        let about = Expr::named("description", Expr::text(&parameter.description));
        let field = Expr::call("Field", vec![about]);
        let line = format!(
            "    {}: Annotated[{}, {}]",
            parameter.name,
            parameter.annotation,
            field.flat()
        );
        let default = match &parameter.default {
            Some(default) => format!(" = {}", default.flat()),
            None => String::new(),
        };
        if line.chars().count() + default.chars().count() < 88 {
            code.push_str(&format!("{line}{default},\n"));
        } else {
            code.push_str(&format!(
                "    {}: Annotated[\n        {},\n        {},\n    ]{default},\n",
                parameter.name,
                parameter.annotation,
                field.render(8, 8, 1)
            ));
        }
    }
    if tool.parameters.is_empty() {
        code.truncate(code.len() - 1);
    }
    code.push_str(&format!(") -> {}:\n{}", tool.result, tool.body));
    out.module.define_block(code);
    debug_assert!(names::is_plain(&function));
    out.tools.insert(key, function.clone());
    function
}
