//! The whole way from a flow file to a program.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::code::module::docstring;
use crate::code::{Expr, literal};
use crate::components;
use crate::export_error::{ExportError, Refusal};
use crate::exporter::Exporter;
use crate::flow::Flow;
use crate::kinds::Class;
use crate::options::Options;
use crate::plan::Plan;
use crate::settings::from_variable;

/// What a flow can be read from.
pub trait AsFlow {
    /// The flow, read if need be.
    fn as_flow(&self) -> Result<Cow<'_, Flow>, ExportError>;
}

impl AsFlow for Flow {
    fn as_flow(&self) -> Result<Cow<'_, Flow>, ExportError> {
        Ok(Cow::Borrowed(self))
    }
}

impl AsFlow for Json {
    fn as_flow(&self) -> Result<Cow<'_, Flow>, ExportError> {
        Ok(Cow::Owned(Flow::parse(self)?))
    }
}

impl AsFlow for str {
    fn as_flow(&self) -> Result<Cow<'_, Flow>, ExportError> {
        let file: Json =
            serde_json::from_str(self).map_err(|error| ExportError::Json(error.to_string()))?;
        Ok(Cow::Owned(Flow::parse(&file)?))
    }
}

impl AsFlow for String {
    fn as_flow(&self) -> Result<Cow<'_, Flow>, ExportError> {
        self.as_str().as_flow()
    }
}

/// Writes a flow as a Python program over LangChain that needs no Langflow.
///
/// The program defines `run(input_value, *, session_id) -> str` (a dict of the texts by component
/// where the flow has several outputs), prints the answer when it is run, and names what has to be
/// installed in its header. It asks the models what Langflow asks them; whatever cannot be said
/// so is in the error, all of it at once.
///
/// ```
/// use langflow_export::{Options, to_python};
///
/// let file = r#"{"name": "Echo", "data": {
///     "nodes": [
///         {"id": "ChatInput-a", "data": {"type": "ChatInput", "node": {"template": {}}}},
///         {"id": "ChatOutput-b", "data": {"type": "ChatOutput", "node": {"template": {}}}}],
///     "edges": [{
///         "sourceHandle": {"id": "ChatInput-a", "name": "message"},
///         "targetHandle": {"id": "ChatOutput-b", "fieldName": "input_value"}}]}}"#;
/// let program = to_python(file, &Options::default())?;
/// assert!(program.contains("def run(input_value"));
/// # Ok::<(), langflow_export::ExportError>(())
/// ```
pub fn to_python<F: AsFlow + ?Sized>(flow: &F, options: &Options) -> Result<String, ExportError> {
    let mut flow = flow.as_flow()?;
    if !options.tweaks.is_empty() {
        let report = flow.to_mut().apply_tweaks(&options.tweaks);
        let unknown = report.unknown.iter().map(|it| whole(&it.message()));
        let unknown: Vec<Refusal> = unknown.collect();
        if !unknown.is_empty() {
            return Err(ExportError::Refused(unknown));
        }
    }
    let plan = Plan::new(&flow);
    let mut out = Exporter::new(&flow, options);
    out.walk(&plan);
    if out.outputs.is_empty() && out.refusals.is_empty() {
        out.refusals.push(whole(
            "the flow has no Chat Output, so that it answers nothing",
        ));
    }
    if !out.refusals.is_empty() {
        return Err(ExportError::Refused(out.refusals));
    }
    let program = write(out);
    let program = program.map_err(|names| {
        let names = names.join("`, `");
        let reason = format!("custom code gives `{names}` another meaning than the program");
        ExportError::Refused(vec![whole(&reason)])
    })?;
    match leaked(&flow, &program) {
        Some(refusal) => Err(ExportError::Refused(vec![refusal])),
        None => Ok(program),
    }
}

/// A reason that no single component is to blame for.
fn whole(reason: &str) -> Refusal {
    Refusal {
        display_name: String::new(),
        node_id: String::new(),
        component: String::new(),
        reason: reason.to_owned(),
    }
}

/// A secret of the flow that stands somewhere else in it as well, and so got into the program.
fn leaked(flow: &Flow, program: &str) -> Option<Refusal> {
    for node in &flow.nodes {
        for field in node.template.keys().filter(|field| node.is_secret(field)) {
            let secret = node.text(field).filter(|text| text.len() > 7);
            if !from_variable(node, field) && secret.is_some_and(|it| program.contains(it)) {
                return Some(Refusal {
                    display_name: node.display_name.clone(),
                    node_id: node.id.clone(),
                    component: node.class.clone(),
                    reason: format!(
                        "the value of its secret `{field}` stands elsewhere in the flow as well"
                    ),
                });
            }
        }
    }
    None
}

fn write(mut out: Exporter<'_>) -> Result<String, Vec<String>> {
    if !out.needs_question {
        for line in &mut out.body {
            if line.trim() == components::QUESTION {
                *line = line.replace(components::QUESTION, components::NO_QUESTION);
            }
        }
    }
    if out.remembers {
        out.module
            .imports
            .name("langchain_core.messages", "BaseMessage");
        out.module
            .define("sessions: dict[str, list[BaseMessage]] = {}".to_owned());
        let mut opening = vec!["    history = sessions.setdefault(session_id, [])".to_owned()];
        if out.shares_history {
            out.module.imports.name("contextvars", "ContextVar");
            out.module.define(
                "current_history: ContextVar[list[BaseMessage]] = ContextVar(\"current_history\")"
                    .to_owned(),
            );
            opening.push("    current_history.set(history)".to_owned());
        }
        if let Some((index, ..)) = &mut out.streamed {
            *index += opening.len();
        }
        out.body.splice(0..0, opening);
    }
    let default = default_input(&mut out);
    let several = out.outputs.len() > 1 || !out.guards.is_empty();
    let result = if several { "dict[str, str]" } else { "str" };
    let mut parameters = vec![
        format!("input_value: str = {default}"),
        "*".to_owned(),
        "session_id: str = \"default\"".to_owned(),
    ];
    let ends = finish(&mut out, several);
    let streams = out.options.stream;
    if streams {
        out.module.imports.name("collections.abc", "Iterator");
        let code = stream_code(&mut out, &ends, several, false);
        let head = signature("def stream", &parameters, "Iterator[str]");
        let about = "\"\"\"Answer a message piece by piece.\"\"\"";
        out.module
            .define_block(format!("{head}\n    {about}\n{}", code.join("\n")));
    }
    let about = "\"\"\"Answer a message.\"\"\"";
    let body = if streams && !several {
        let again = "stream(input_value, session_id=session_id)";
        format!("    return \"\".join({again})")
    } else {
        let mut lines = out.body.clone();
        close(&mut lines, &ends);
        lines.join("\n")
    };
    let head = signature("def run", &parameters, result);
    out.module
        .define_block(format!("{head}\n    {about}\n{body}"));
    if out.options.asynchronous {
        if streams {
            out.module.imports.name("collections.abc", "AsyncIterator");
            let code = awaiting(&mut out, |out| stream_code(out, &ends, several, true));
            let head = signature("async def astream", &parameters, "AsyncIterator[str]");
            let about = "\"\"\"Answer a message piece by piece, without blocking.\"\"\"";
            out.module
                .define_block(format!("{head}\n    {about}\n{code}"));
        }
        let head = signature("async def arun", &std::mem::take(&mut parameters), result);
        let about = "\"\"\"Answer a message without blocking the event loop.\"\"\"";
        let body = awaiting(&mut out, |out| {
            let mut lines = out.body.clone();
            close(&mut lines, &ends);
            lines
        });
        out.module
            .define_block(format!("{head}\n    {about}\n{body}"));
    }
    out.module.imports.module("argparse");
    let lines = about_lines(&out);
    // The parser reads `%` as a placeholder.
    let plain = !lines.iter().any(|line| line.contains('%'));
    let about = if plain { "__doc__" } else { "\"A flow\"" };
    let parser = Expr::call(
        "argparse.ArgumentParser",
        vec![Expr::named("description", Expr::raw(about))],
    );
    let print = if several {
        "for name, text in run(parser.parse_args().input_value).items():\n        \
         print(f\"{name}: {text}\")"
    } else {
        "print(run(parser.parse_args().input_value))"
    };
    let argument = Expr::call(
        "parser.add_argument",
        vec![
            Expr::text("input_value"),
            Expr::named("nargs", Expr::text("?")),
            Expr::named("default", Expr::Raw(default)),
        ],
    );
    out.module.define_block(format!(
        "if __name__ == \"__main__\":\n{}\n{}\n    {print}",
        parser.statement("parser = ", 4),
        argument.statement("", 4)
    ));
    let foreign = out.module.foreign;
    out.module
        .render(|known, unknown| header(lines, foreign, known, unknown))
}

/// The last statement: what `run()` returns.
fn finish(out: &mut Exporter<'_>, several: bool) -> String {
    if out.guards.is_empty() {
        if !several {
            return out.outputs[0].1.flat();
        }
        let pairs = out
            .outputs
            .iter()
            .map(|(id, text)| (Expr::text(id), text.clone()));
        return Expr::Dict(pairs.collect()).render(4, 11, 0);
    }
    out.body
        .insert(0, "    outputs: dict[str, str] = {}".to_owned());
    for (id, text) in out.outputs.clone() {
        if !out.guards.contains_key(&id) {
            let key = literal::text(&id);
            out.line(&format!("outputs[{key}] = {}", text.flat()));
        }
    }
    out.streamed = None;
    "outputs".to_owned()
}

/// Adds the return, in place of an assignment right before it.
fn close(lines: &mut Vec<String>, result: &str) {
    let assigned = format!("    {result} = ");
    match lines.last_mut() {
        Some(last) if last.starts_with(&assigned) && result.len() > 3 => {
            *last = format!("    return {}", &last[assigned.len()..]);
        }
        _ => lines.push(format!("    return {result}")),
    }
}

/// The statements of `stream()`, or of `astream()`.
fn stream_code(out: &mut Exporter<'_>, result: &str, several: bool, awaited: bool) -> Vec<String> {
    let mut lines = out.body.clone();
    match out.streamed.clone() {
        Some((index, asked, name)) if !several && name == result => {
            let (pieces, word) = if awaited {
                (asked.awaited_pieces, "async for")
            } else {
                (asked.pieces, "for")
            };
            for helper in ["ask_stream", "ask_stream_async"] {
                if pieces.flat().starts_with(&format!("{helper}(")) {
                    out.module.helper(helper);
                }
            }
            let head = pieces.render(4, 9 + word.len() + 5, 1);
            let tail = index + 1 < lines.len();
            let mut code = Vec::new();
            if tail {
                code.push("    parts = []".to_owned());
                code.push(format!("    {word} part in {head}:"));
                code.push("        parts.append(part)".to_owned());
                code.push("        yield part".to_owned());
                code.push(format!("    {name} = \"\".join(parts)"));
            } else if awaited {
                code.push(format!("    {word} part in {head}:"));
                code.push("        yield part".to_owned());
            } else {
                code.push(pieces.statement("yield from ", 4));
            }
            lines.splice(index..=index, code);
        }
        _ if several => {
            lines.clear();
            let call = "(input_value, session_id=session_id)";
            if awaited {
                lines.push(format!("    for text in (await arun{call}).values():"));
                lines.push("        yield text".to_owned());
            } else {
                lines.push(format!("    yield from run{call}.values()"));
            }
        }
        _ => lines.push(format!("    yield {result}")),
    }
    lines
}

/// Statements, each as it stands in a function that can be awaited.
fn awaiting(
    out: &mut Exporter<'_>,
    lines: impl FnOnce(&mut Exporter<'_>) -> Vec<String>,
) -> String {
    let ended = |line: &str, code: &str| {
        let name = code.split_once(" = ").map(|(name, _)| format!("{name} = "));
        let name = name.unwrap_or_default();
        line.strip_prefix("    return ")
            .map(|rest| format!("{name}{rest}"))
    };
    let mut code = Vec::new();
    for line in lines(out) {
        let found = out.asynchronous.get(&line).cloned().or_else(|| {
            // The last assignment may have become the return.
            let mut all = out.asynchronous.iter();
            all.find(|(known, twin)| ended(&line, twin).as_ref() == Some(known))
                .and_then(|(_, twin)| Some(format!("    return {}", twin.split_once(" = ")?.1)))
        });
        let line = found.unwrap_or(line);
        if line.contains("await ask_async(") {
            out.module.helper("ask_async");
        }
        if line.contains("await asyncio.to_thread(") {
            out.module.imports.module("asyncio");
        }
        code.push(line);
    }
    code.join("\n")
}

fn signature(head: &str, parameters: &[String], result: &str) -> String {
    let flat = format!("{head}({}) -> {result}:", parameters.join(", "));
    if flat.chars().count() <= 88 {
        return flat;
    }
    let list: String = parameters.iter().map(|it| format!("    {it},\n")).collect();
    format!("{head}(\n{list}) -> {result}:")
}

/// The text that the flow itself would be asked.
fn default_input(out: &mut Exporter<'_>) -> String {
    let flow = out.flow;
    let input = flow
        .nodes
        .iter()
        .find(|node| Class::of(node) == Class::ChatInput);
    match input.and_then(|node| Some((node, node.text("input_value")?))) {
        Some((node, text)) => out.text_constant("default_input", text, node).flat(),
        None => "\"\"".to_owned(),
    }
}

fn title(out: &Exporter<'_>) -> String {
    match literal::remark(&out.flow.name) {
        name if name.is_empty() => "A flow".to_owned(),
        name => name,
    }
}

fn about_lines(out: &Exporter<'_>) -> Vec<String> {
    let title = title(out);
    let names: Vec<&str> = out.environment.iter().map(String::as_str).collect();
    let names = names.join(", ");
    let short = format!("{title}, exported from Langflow; needs {names}.");
    let mut remarks: Vec<String> = out.remarks.clone();
    remarks.dedup();
    let mut lines = vec![format!("{title}, exported from Langflow.")];
    if !names.is_empty() && short.chars().count() <= 82 {
        lines[0] = short;
    } else if !names.is_empty() {
        remarks.insert(0, format!("Needs in the environment: {names}."));
    }
    if !remarks.is_empty() {
        if !out.flow.description.trim().is_empty() {
            remarks.insert(0, out.flow.description.clone());
        }
        lines.push(String::new());
        lines.extend(remarks);
    }
    lines
}

fn header(mut lines: Vec<String>, foreign: bool, known: &[String], unknown: &[String]) -> String {
    let lint = if foreign { "# ruff: noqa\n" } else { "" };
    if !unknown.is_empty() {
        lines.push(format!(
            "Needs modules of packages that are not known: {}.",
            unknown.join(", ")
        ));
    }
    let quoted: Vec<String> = known.iter().map(|it| format!("\"{it}\"")).collect();
    let flat = quoted.join(", ");
    let dependencies = if flat.len() <= 70 {
        format!("[{flat}]")
    } else {
        let list: String = quoted.iter().map(|it| format!("#     {it},\n")).collect();
        format!("[\n{list}# ]")
    };
    format!(
        "# /// script\n# requires-python = \">=3.11\"\n# dependencies = {dependencies}\n# ///\n{lint}{}",
        docstring(&lines)
    )
}
