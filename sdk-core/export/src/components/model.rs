//! Chat models, and the chains of a prompt and a model.

use serde_json::Value as Json;

use super::prompt::{self, Template};
use crate::answer::Asked;
use crate::code::{Expr, literal};
use crate::exporter::{Exporter, Kind, Value};
use crate::kinds::Class;
use crate::node::Node;
use crate::prompt::PromptTemplate;
use crate::settings::{flag, from_variable, integer, number};

/// How a provider's models are made: its name, class, module and usual key.
struct Provider {
    names: &'static [&'static str],
    class: &'static str,
    module: &'static str,
    key: Option<&'static str>,
}

const PROVIDERS: &[Provider] = &[
    Provider {
        names: &["OpenAI"],
        class: "ChatOpenAI",
        module: "langchain_openai",
        key: Some("OPENAI_API_KEY"),
    },
    Provider {
        names: &["Anthropic"],
        class: "ChatAnthropic",
        module: "langchain_anthropic",
        key: Some("ANTHROPIC_API_KEY"),
    },
    Provider {
        names: &["Google Generative AI", "Google"],
        class: "ChatGoogleGenerativeAI",
        module: "langchain_google_genai",
        key: Some("GOOGLE_API_KEY"),
    },
    Provider {
        names: &["Groq"],
        class: "ChatGroq",
        module: "langchain_groq",
        key: Some("GROQ_API_KEY"),
    },
    Provider {
        names: &["Ollama"],
        class: "ChatOllama",
        module: "langchain_ollama",
        key: None,
    },
];

/// Which parameters a component hands to its model.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parameters {
    /// Temperature and length, as the Language Model has them.
    Full,
    /// The length only, as an Agent has it.
    Length,
    /// None.
    Bare,
}

/// The name and provider of the model that is chosen in a component.
pub(crate) struct Choice {
    pub(crate) name: String,
    provider: String,
    reasoning: bool,
}

pub(crate) fn choice(node: &Node) -> Result<Choice, String> {
    let chosen = match node.setting("model") {
        Some(Json::Array(list)) => list.first(),
        Some(object @ Json::Object(_)) => Some(object),
        _ => None,
    };
    let part = |key: &str| chosen.and_then(|it| it.get(key)).and_then(Json::as_str);
    let provider = match Class::of(node) {
        Class::ProviderModel if node.class.starts_with("Anthropic") => Some("Anthropic"),
        Class::ProviderModel => Some("OpenAI"),
        _ => part("provider")
            .or_else(|| node.text("provider"))
            .or_else(|| node.text("agent_llm")),
    };
    let name = part("name").or_else(|| node.text("model_name"));
    let (Some(name), Some(provider)) = (name, provider) else {
        return Err("no model is chosen; choose one in the editor or with a tweak".to_owned());
    };
    let reasoning = chosen
        .and_then(|it| it.get("metadata"))
        .and_then(|it| it.get("reasoning"))
        .and_then(Json::as_bool)
        .unwrap_or_else(|| {
            let families = ["o1", "o3", "o4", "gpt-5"];
            provider == "OpenAI" && families.iter().any(|family| name.starts_with(family))
        });
    Ok(Choice {
        name: name.to_owned(),
        provider: provider.to_owned(),
        reasoning,
    })
}

/// The variable of the model that a component uses, from an edge or chosen in it.
pub(crate) fn model_of(
    out: &mut Exporter<'_>,
    node: &Node,
    parameters: Parameters,
) -> Result<String, String> {
    let edge = match out.edge(node, "model")? {
        None => out.edge(node, "agent_llm")?,
        found => found,
    };
    if let Some(edge) = edge {
        let value = out.value(edge)?;
        return match value.kind {
            Kind::Model => Ok(value.expr.flat()),
            _ => Err("what is connected as its model is not translated".to_owned()),
        };
    }
    let choice = choice(node)?;
    let provider = PROVIDERS
        .iter()
        .find(|it| it.names.contains(&choice.provider.as_str()))
        .ok_or_else(|| {
            let name = literal::remark(&choice.provider);
            format!("models of the provider `{name}` are not translated")
        })?;
    let mut arguments = vec![Expr::named("model", Expr::text(&choice.name))];
    key(out, node, provider, &mut arguments);
    arguments.extend(numbers(node, parameters, choice.reasoning));
    for (field, name) in [
        ("openai_api_base", "base_url"),
        ("base_url", "base_url"),
        ("anthropic_api_url", "base_url"),
        ("ollama_base_url", "base_url"),
    ] {
        let meant = field != "ollama_base_url" || provider.class == "ChatOllama";
        let usual = ["https://api.openai.com/v1", "https://api.anthropic.com"];
        let set = node.text(field).is_some_and(|url| !usual.contains(&url));
        if meant && set && Class::of(node) != Class::Agent {
            let url = out.plain_text(node, field)?;
            arguments.push(Expr::named(name, url));
        }
    }
    let call = Expr::call(provider.class, arguments);
    if let Some(known) = out.models.get(&call.flat()) {
        return Ok(known.clone());
    }
    if let Some(key) = provider.key {
        out.environment.insert(key.to_owned());
    }
    out.module.imports.name(provider.module, provider.class);
    let variable = out.names.variable("llm");
    out.module
        .define(call.statement(&format!("{variable} = "), 0));
    out.models.insert(call.flat(), variable.clone());
    Ok(variable)
}

/// A key that is kept under another name than the usual one; the model finds the usual one.
fn key(out: &mut Exporter<'_>, node: &Node, provider: &Provider, arguments: &mut Vec<Expr>) {
    if let Some(name) = node.text("api_key")
        && from_variable(node, "api_key")
        && Some(name) != provider.key
    {
        let name = name.to_owned();
        let value = out.environment_variable(&name);
        arguments.push(Expr::named("api_key", value));
    }
}

fn numbers(node: &Node, parameters: Parameters, reasoning: bool) -> Vec<Expr> {
    let mut found = Vec::new();
    let mut add = |name: &str, value: String| found.push(Expr::named(name, Expr::Raw(value)));
    if parameters == Parameters::Full && !reasoning {
        let temperature = number(node, "temperature").map_or("0.1".to_owned(), |it| it.to_string());
        add("temperature", temperature);
        if node.class.starts_with("OpenAI")
            && let Some(seed) = integer(node, "seed")
        {
            add("seed", seed.to_string());
        }
    }
    if parameters != Parameters::Bare
        && let Some(length) = integer(node, "max_tokens").filter(|it| *it > 0)
    {
        add("max_tokens", length.to_string());
    }
    found
}

pub(crate) fn emit(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    if node
        .setting("model_kwargs")
        .and_then(Json::as_object)
        .is_some_and(|map| !map.is_empty())
    {
        return Err("it hands further arguments to its model (`model_kwargs`)".to_owned());
    }
    let mut llm = model_of(out, node, Parameters::Full)?;
    let used = |model: bool| {
        let mut edges = out.flow.edges.iter();
        edges.any(|edge| {
            edge.source == node.id && (edge.output.as_deref() == Some("model_output")) == model
        })
    };
    let (as_model, as_text) = (used(true), used(false));
    if as_model {
        out.yields(node, "model_output", Value::new(&llm, Kind::Model));
    }
    if !as_text {
        return Ok(());
    }
    if flag(node, "json_mode", false) {
        llm.push_str(".bind(response_format={\"type\": \"json_object\"})");
    }
    let mut chain = Chain::default();
    chain.part(out, node, "system", "system_message")?;
    chain.part(out, node, "human", "input_value")?;
    if chain.messages.is_empty() {
        return Err("it has nothing to ask: neither an input nor a system message".to_owned());
    }
    out.module
        .imports
        .name("langchain_core.output_parsers", "StrOutputParser");
    out.module
        .imports
        .name("langchain_core.prompts", "ChatPromptTemplate");
    let prompt = out.names.variable("prompt");
    let messages = Expr::List(chain.messages);
    let call = Expr::call("ChatPromptTemplate.from_messages", vec![messages]);
    out.module
        .define(call.statement(&format!("{prompt} = "), 0));
    let name = out.names.variable("chain");
    out.module
        .define(format!("{name} = {prompt} | {llm} | StrOutputParser()"));
    let input = Expr::Dict(chain.input);
    let answer = out.names.variable("answer");
    out.answer(&answer, &Asked::runnable(&name, input));
    out.yields(node, "*", Value::new(&answer, Kind::Text));
    Ok(())
}

/// The messages of a chain, and what fills them in.
#[derive(Default)]
struct Chain {
    messages: Vec<Expr>,
    input: Vec<(Expr, Expr)>,
}

impl Chain {
    fn part(
        &mut self,
        out: &mut Exporter<'_>,
        node: &Node,
        role: &str,
        field: &str,
    ) -> Result<(), String> {
        let edge = out.edge(node, field)?;
        let source = edge.and_then(|edge| out.flow.node(&edge.source));
        let text = match source {
            Some(source)
                if Class::of(source) == Class::Prompt && prompt::is_folded(out, source) =>
            {
                let template = prompt::template(source)?;
                let text = self.template(out, source, &template)?;
                out.text_constant(field, &text, source)
            }
            _ => match out.text(node, field)? {
                Expr::Text(text) if text.is_empty() => return Ok(()),
                Expr::Text(text) => {
                    let text = text.replace('{', "{{").replace('}', "}}");
                    out.text_constant(field, &text, node)
                }
                value => Expr::Text(format!("{{{}}}", self.variable(field, value))),
            },
        };
        self.messages
            .push(Expr::Tuple(vec![Expr::text(role), text]));
        Ok(())
    }

    fn template(
        &mut self,
        out: &mut Exporter<'_>,
        source: &Node,
        template: &Template,
    ) -> Result<String, String> {
        let mut renamed = Vec::new();
        for (name, value) in prompt::values(out, source, template)? {
            renamed.push((name.clone(), self.variable(&name, value)));
        }
        let parsed = PromptTemplate::single(&template.text);
        Ok(parsed.to_format_string_with(|name| {
            let found = renamed.iter().find(|(old, _)| old == name);
            found.map_or_else(|| name.to_owned(), |(_, new)| new.clone())
        }))
    }

    /// Adds to what fills in the messages, under another name where two values have one name.
    fn variable(&mut self, wish: &str, value: Expr) -> String {
        let mut name = wish.to_owned();
        let mut number = 2;
        while let Some((_, known)) = self.input.iter().find(|(key, _)| *key == Expr::text(&name)) {
            if *known == value {
                return name;
            }
            name = format!("{wish}_{number}");
            number += 1;
        }
        self.input.push((Expr::text(&name), value));
        name
    }
}
