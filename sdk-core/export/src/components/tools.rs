//! Components as tools: their schema, which is that of Langflow word for word, and their code.

use crate::code::{Expr, literal};
use crate::exporter::Exporter;
use crate::kinds::{Class, reason};
use crate::node::Node;
use crate::settings::integer;

use super::{agent_as_tool, data};

/// A tool before it is written.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) result: &'static str,
    pub(crate) body: String,
}

/// A parameter of a tool.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) annotation: &'static str,
    pub(crate) description: String,
    pub(crate) default: Option<Expr>,
}

pub(crate) fn parameter(name: &'static str, about: &str, default: Option<Expr>) -> Parameter {
    Parameter {
        name,
        annotation: "str",
        description: about.to_owned(),
        default,
    }
}

/// The text of a table, or what went wrong, which the model is told instead.
fn guarded(out: &mut Exporter<'_>, table: &Expr) -> String {
    out.module.helper("table_text");
    let call = Expr::call("table_text", vec![table.clone()]);
    format!(
        "    try:\n{}\n    except Exception as error:  # noqa: BLE001 - the model is told why\n        \
         return str(error)",
        call.statement("return ", 8)
    )
}

/// The tools that a component is, under the names that Langflow gives them.
pub(crate) fn of(out: &mut Exporter<'_>, node: &Node, caller: &Node) -> Result<Vec<Tool>, String> {
    let class = Class::of(node);
    let own = out.flow.edges_into(&node.id).any(|edge| {
        edge.field.is_some() && !(class == Class::Agent && crate::plan::is_tool_edge(edge))
    });
    if own {
        return Err("as a tool it takes a setting from another component".to_owned());
    }
    let one = match class {
        Class::Agent => return agent_as_tool::all(out, node, caller),
        Class::WebSearch => web_search(out, node),
        Class::Url => url(out, node),
        Class::MemoryBase => memory(out, node),
        Class::Sql => sql(out, node),
        Class::Calculator => Ok(calculator(out)),
        Class::CurrentDate => Ok(current_date(out)),
        Class::Other => Err(reason(node)),
        _ => {
            Err("this component is not translated as a tool; connect its result instead".to_owned())
        }
    };
    Ok(vec![one?])
}

/// A tool that an agent has without a component.
pub(crate) fn built_in(out: &mut Exporter<'_>, component: &str) -> Result<Tool, String> {
    Ok(if component == "CurrentDate" {
        current_date(out)
    } else {
        calculator(out)
    })
}

fn current_date(out: &mut Exporter<'_>) -> Tool {
    out.module.helper("current_date");
    let about = "Select the timezone for the current date and time.";
    Tool {
        name: "get_current_date".to_owned(),
        description: "Returns the current date and time in the selected timezone.".to_owned(),
        parameters: vec![parameter("timezone", about, Some(Expr::text("UTC")))],
        result: "str",
        body: "    return current_date(timezone)".to_owned(),
    }
}

fn calculator(out: &mut Exporter<'_>) -> Tool {
    out.module.helper("calculate");
    let about = "The arithmetic expression to evaluate (e.g., '4*4*(33/22)+12-20').";
    Tool {
        name: "evaluate_expression".to_owned(),
        description: "Perform basic arithmetic operations on a given expression.".to_owned(),
        parameters: vec![parameter("expression", about, Some(Expr::text("")))],
        result: "dict[str, str]",
        body: "    return calculate(expression)".to_owned(),
    }
}

fn web_search(out: &mut Exporter<'_>, node: &Node) -> Result<Tool, String> {
    let options = data::search_options(out, node)?;
    out.module.imports.name("typing", "Literal");
    let arguments = vec![Expr::raw("query"), Expr::raw("search_mode"), options];
    let call = Expr::call("search_web", arguments);
    let mode = "Choose search mode: Web (DuckDuckGo), News (Google News), or RSS (Feed Reader)";
    Ok(Tool {
        name: "perform_search".to_owned(),
        description: "Search the web, news, or RSS feeds.".to_owned(),
        parameters: vec![
            parameter("query", "Search keywords for news articles.", None),
            Parameter {
                name: "search_mode",
                annotation: "Literal[\"Web\", \"News\", \"RSS\"]",
                description: mode.to_owned(),
                default: Some(Expr::text("Web")),
            },
        ],
        result: "str",
        body: guarded(out, &call),
    })
}

fn url(out: &mut Exporter<'_>, node: &Node) -> Result<Tool, String> {
    let (headers, options) = data::url_options(out, node)?;
    let call = Expr::call("fetch_pages", vec![Expr::raw("urls"), headers, options]);
    let about =
        "Enter one or more URLs to crawl recursively, by clicking the '+' button.".to_owned();
    Ok(Tool {
        name: "fetch_content".to_owned(),
        description: "Fetch content from one or more web pages, following links recursively."
            .to_owned(),
        parameters: vec![Parameter {
            name: "urls",
            annotation: "list[str]",
            description: about,
            default: Some(Expr::text("")),
        }],
        result: "str",
        body: guarded(out, &call),
    })
}

fn memory(out: &mut Exporter<'_>, node: &Node) -> Result<Tool, String> {
    out.module.helper("search_memory");
    let base = data::chosen(node, "memory_base");
    let name = literal::remark(&base);
    out.remarks.push(format!(
        "The memory base '{name}' is in Langflow's database: search_memory() finds nothing \
         until you fill it in."
    ));
    let top = integer(node, "top_k").unwrap_or(5).to_string();
    let arguments = vec![Expr::text(&base), Expr::raw("search_query"), Expr::Raw(top)];
    let call = Expr::call("search_memory", arguments);
    let about = "Query used for semantic retrieval against the memory base.";
    Ok(Tool {
        name: "retrieve_memory".to_owned(),
        description: "Returns matching memory chunks. Scoped to the current session by default; \
                      turn 'Filter by Session' off to retrieve across sessions."
            .to_owned(),
        parameters: vec![parameter("search_query", about, Some(Expr::text("")))],
        result: "str",
        body: guarded(out, &call),
    })
}

fn sql(out: &mut Exporter<'_>, node: &Node) -> Result<Tool, String> {
    let url = data::database_url(out, node)?;
    out.module.helper("query_database");
    let call = Expr::call("query_database", vec![url, Expr::raw("query")]);
    let flag = |name, about: &str, on: &str| Parameter {
        name,
        annotation: "bool",
        description: about.to_owned(),
        default: Some(Expr::raw(on)),
    };
    let error = "If True, the error will be added to the result";
    Ok(Tool {
        name: "run_sql_query".to_owned(),
        description: "Executes SQL queries on SQLAlchemy-compatible databases.".to_owned(),
        parameters: vec![
            parameter("query", "", None),
            flag("include_columns", "", "True"),
            flag("add_error", error, "False"),
        ],
        result: "str",
        body: guarded(out, &call),
    })
}
