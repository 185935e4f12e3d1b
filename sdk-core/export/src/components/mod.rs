//! One file for each family of components.

mod agent;
mod agent_as_tool;
mod agent_tools;
mod batch;
mod chat;
mod custom;
mod custom_source;
mod data;
mod history;
mod loops;
mod model;
mod prompt;
mod router;
mod structured;
mod tools;

pub(crate) use chat::{NO_QUESTION, QUESTION};

use crate::exporter::{Exporter, Kind, Value};
use crate::kinds::{Class, reason};
use crate::node::Node;
use crate::plan::Plan;

/// Names that the components' code imports, which nothing else may be called.
pub(crate) const IMPORTED: &[&str] = &[
    "AIMessage",
    "Annotated",
    "Any",
    "AsyncIterator",
    "BaseMessage",
    "BaseModel",
    "ChatAnthropic",
    "ChatGoogleGenerativeAI",
    "ChatGroq",
    "ChatOllama",
    "ChatOpenAI",
    "ChatPromptTemplate",
    "ContextVar",
    "Field",
    "HumanMessage",
    "Iterator",
    "Literal",
    "ModelCallLimitMiddleware",
    "Path",
    "StrOutputParser",
    "SystemMessage",
    "ToolRetryMiddleware",
    "argparse",
    "asyncio",
    "ast",
    "create_agent",
    "create_model",
    "httpx",
    "json",
    "os",
    "operator",
    "pandas",
    "pd",
    "re",
    "requests",
    "warnings",
    "cache",
];

/// What a component does, as code; the error says why there is none.
pub(crate) fn emit<'f>(
    out: &mut Exporter<'f>,
    node: &'f Node,
    plan: &Plan<'f>,
) -> Result<(), String> {
    match Class::of(node) {
        Class::ChatInput => chat::input(out, node),
        Class::ChatOutput | Class::TextOutput => chat::output(out, node),
        Class::TextInput => chat::text_input(out, node),
        Class::Prompt => prompt::emit(out, node),
        Class::LanguageModel | Class::ProviderModel => model::emit(out, node),
        Class::Agent => agent::emit(out, node),
        Class::StructuredOutput => structured::emit(out, node),
        Class::Parser => data::parser(out, node),
        Class::File => data::file(out, node),
        Class::Knowledge => data::knowledge(out, node),
        Class::MemoryBase => data::memory_base(out, node),
        Class::WebSearch => data::web_search(out, node),
        Class::Url => data::url(out, node),
        Class::Calculator => data::calculator(out, node),
        Class::CurrentDate => data::current_date(out, node),
        Class::Sql => data::sql(out, node),
        Class::Arxiv => data::arxiv(out, node),
        Class::MessageHistory => history::emit(out, node),
        Class::BatchRun => batch::batch_run(out, node),
        Class::SaveToFile => batch::save(out, node),
        Class::Loop => loops::emit(out, node, plan),
        Class::IfElse => router::emit(out, node),
        Class::Other => custom::emit(out, node),
    }
    .map_err(|why| {
        if why == custom::NO_CODE {
            reason(node)
        } else {
            why
        }
    })
}

/// A function that says what is missing instead of doing something else.
pub(crate) fn stub(out: &mut Exporter<'_>, node: &Node, reason: &str) {
    let name = out.names.variable(&node.display_name);
    let why = format!(
        "{} ({}): {reason}",
        names_of(&node.display_name),
        names_of(&node.id)
    );
    let raise = crate::code::Expr::call("NotImplementedError", vec![crate::code::Expr::text(&why)]);
    out.module.define_block(format!(
        "def {name}():\n    \"\"\"Stand in for what could not be exported.\"\"\"\n{}",
        raise.statement("raise ", 4)
    ));
    out.remarks
        .push(format!("Not exported, to be written by hand: {why}"));
    out.line(&format!("{name}_result = {name}()"));
    out.yields(node, "*", Value::new(&format!("{name}_result"), Kind::Any));
}

fn names_of(text: &str) -> String {
    crate::code::literal::remark(text)
}

/// The name that is wished for the result of a component.
fn wish(node: &Node, what: &str) -> String {
    if what.is_empty() {
        node.display_name.clone()
    } else {
        format!("{} {what}", node.display_name)
    }
}
