//! Agents: a model with tools that answers in the light of what was said before.

use super::agent_as_tool;
use super::agent_tools;
use super::chat::QUESTION;
use super::model::{self, Parameters, model_of};
use super::structured;
use super::wish;
use crate::answer::Asked;
use crate::code::Expr;
use crate::exporter::{Exporter, Kind, Value};
use crate::kinds::Class;
use crate::node::Node;
use crate::plan::is_tool_edge;
use crate::session::stores;
use crate::settings::{flag, integer};

/// What an agent is made of.
pub(crate) struct Parts {
    pub(crate) llm: String,
    pub(crate) tools: Vec<String>,
    /// The instructions; whether they have to be worked out in every run.
    pub(crate) prompt: Expr,
    pub(crate) dynamic: bool,
}

pub(crate) fn emit(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    if node.text("context_id").is_some() {
        return Err(
            "it reads only the messages of one `context_id`; clear that setting".to_owned(),
        );
    }
    let used: Vec<&str> = out
        .flow
        .edges
        .iter()
        .filter(|edge| edge.source == node.id && !is_tool_edge(edge))
        .map(|edge| edge.output.as_deref().unwrap_or("response"))
        .collect();
    if node.template.contains_key("agent_llm") {
        out.remarks.push(format!(
            "{} ({}) was made by an older Langflow: it is written as the Agent of 1.13, whose \
             requests may differ in temperature, seed and what happens at its limit.",
            node.display_name, node.id
        ));
    }
    let structured = used.contains(&"structured_response");
    let plain = used.iter().any(|name| *name != "structured_response");
    let parts = parts(out, node)?;
    let text = out.text(node, "input_value")?;
    let past = if plain || !parts.tools.is_empty() {
        past(out, node)?
    } else {
        Expr::List(Vec::new())
    };
    if plain {
        let agent = create(out, node, &parts, &parts.prompt, "");
        let arguments = vec![Expr::Raw(agent), text.clone(), past.clone()];
        let answer = out.names.variable(&wish(node, "answer"));
        if agent_as_tool::are_called(out, node) {
            out.module.helper("ask_team");
            out.assign_slow(&answer, &Expr::call("ask_team", arguments));
        } else {
            out.module.helper("ask");
            out.answer(&answer, &Asked::agent(arguments));
        }
        for output in ["response", "*"] {
            out.yields(node, output, Value::new(&answer, Kind::Text));
        }
    }
    if structured {
        structured::agent(out, node, &parts, text, past)?;
    }
    Ok(())
}

/// The model, the tools and the instructions of an agent.
pub(crate) fn parts(out: &mut Exporter<'_>, node: &Node) -> Result<Parts, String> {
    let llm = model_of(out, node, Parameters::Length)?;
    let model = model::choice(node).map_or_else(|_| String::new(), |choice| choice.name);
    let tools = agent_tools::all(out, node)?;
    let prompt = out.text(node, "system_prompt")?;
    let (prompt, dynamic) = match prompt {
        Expr::Text(text) => {
            let text = text
                .replace("{model_name}", &model)
                .replace("{optional_user_context}", "");
            let dated = text.contains("{current_date}");
            let constant = out.text_constant(&wish(node, "instructions"), &text, node);
            (constant, dated)
        }
        value => (value, true),
    };
    let prompt = if dynamic {
        out.module.helper("fill_prompt");
        Expr::call("fill_prompt", vec![prompt, Expr::text(&model)])
    } else {
        prompt
    };
    Ok(Parts {
        llm,
        tools,
        prompt,
        dynamic,
    })
}

/// Writes the agent: above `run()` where it is always the same, or else inside.
pub(crate) fn create(
    out: &mut Exporter<'_>,
    node: &Node,
    parts: &Parts,
    prompt: &Expr,
    suffix: &str,
) -> String {
    let call = made(out, node, parts, prompt);
    let name = out.names.variable(&wish(node, suffix));
    if parts.dynamic || !suffix.is_empty() {
        out.assign(&name, &call);
    } else {
        out.module.define(call.statement(&format!("{name} = "), 0));
    }
    name
}

/// The call that makes an agent.
pub(crate) fn made(out: &mut Exporter<'_>, node: &Node, parts: &Parts, prompt: &Expr) -> Expr {
    out.module.imports.name("langchain.agents", "create_agent");
    let imports = "langchain.agents.middleware";
    let mut middleware = Vec::new();
    if let Some(limit) = integer(node, "max_iterations") {
        out.module.imports.name(imports, "ModelCallLimitMiddleware");
        let limit = Expr::named("run_limit", Expr::Raw(limit.max(1).to_string()));
        middleware.push(Expr::call("ModelCallLimitMiddleware", vec![limit]));
    }
    if flag(node, "handle_parsing_errors", false) && !parts.tools.is_empty() {
        out.module.imports.name(imports, "ToolRetryMiddleware");
        let retries = Expr::named("max_retries", Expr::raw("2"));
        middleware.push(Expr::call("ToolRetryMiddleware", vec![retries]));
    }
    let tools = parts.tools.iter().map(|it| Expr::raw(it)).collect();
    let mut arguments = vec![Expr::raw(&parts.llm), Expr::List(tools)];
    arguments.push(Expr::named("system_prompt", prompt.clone()));
    if !middleware.is_empty() {
        arguments.push(Expr::named("middleware", Expr::List(middleware)));
    }
    Expr::call("create_agent", arguments)
}

/// The messages that the agent knows of besides the one that it answers.
fn past(out: &mut Exporter<'_>, node: &Node) -> Result<Expr, String> {
    let limit = limit(node)?;
    if limit == 0 || !out.remembers {
        return Ok(Expr::List(Vec::new()));
    }
    out.module.helper("recent");
    let mut arguments = vec![Expr::raw("history"), Expr::Raw(limit.to_string())];
    let own = out.edge(node, "input_value")?.is_some_and(|edge| {
        out.flow
            .node(&edge.source)
            .is_some_and(|source| Class::of(source) == Class::ChatInput && stores(source))
    });
    if own && out.body.iter().any(|line| line.trim() == QUESTION) {
        out.needs_question = true;
        arguments.push(Expr::raw("question"));
    }
    Ok(Expr::call("recent", arguments))
}

/// How many messages of the session an agent reads.
pub(crate) fn limit(node: &Node) -> Result<i64, String> {
    match node.setting("n_messages") {
        None => Ok(100),
        Some(_) => integer(node, "n_messages")
            .filter(|limit| *limit >= 0)
            .ok_or_else(|| "`n_messages` is not a number of messages".to_owned()),
    }
}
