//! Components that fetch, read and reshape.

use serde_json::{Value as Json, json};

use super::wish;
use crate::code::{Expr, literal};
use crate::exporter::{Exporter, Kind, Value};
use crate::node::Node;
use crate::settings::{flag, integer};

/// The name that is chosen from a list, which may stand there as a record.
pub(crate) fn chosen(node: &Node, field: &str) -> String {
    let name = |value: &Json| match value {
        Json::String(text) => Some(text.clone()),
        Json::Object(map) => map.get("name").and_then(Json::as_str).map(str::to_owned),
        _ => None,
    };
    let found = match node.setting(field) {
        Some(Json::Array(list)) => list.first().and_then(name),
        Some(value) => name(value),
        None => None,
    };
    found.unwrap_or_default()
}

/// Adds a statement for the result of a component.
fn result(out: &mut Exporter<'_>, node: &Node, call: &Expr, kind: Kind) {
    let name = out.names.variable(&wish(node, "result"));
    out.assign_slow(&name, call);
    out.yields(node, "*", Value::new(&name, kind));
}

pub(crate) fn parser(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    let edge = out.edge(node, "input_data")?;
    let value = out.value(edge.ok_or("nothing is connected to its input")?)?;
    let stringify = node.text("mode") == Some("Stringify");
    let call = match (value.kind, stringify) {
        (Kind::Table, true) => {
            out.module.helper("table_markdown");
            let clean = if flag(node, "clean_data", false) {
                "True"
            } else {
                "False"
            };
            let clean = Expr::named("clean", Expr::raw(clean));
            Expr::call("table_markdown", vec![value.expr, clean])
        }
        (Kind::Data, true) => {
            out.module.helper("data_markdown");
            Expr::call("data_markdown", vec![value.expr])
        }
        (Kind::Text | Kind::Any, true) => value.expr,
        (Kind::Table | Kind::Any, false) => {
            let pattern = pattern(out, node)?;
            let separator = out.text(node, "sep")?;
            let rows = format!(
                "{}.format(**row.to_dict()) for _, row in {}.iterrows()",
                pattern.flat(),
                value.expr.flat()
            );
            Expr::call(
                &format!("{}.join", separator.flat()),
                vec![Expr::Each(rows)],
            )
        }
        (Kind::Data, false) => {
            out.module.helper("blank_missing");
            let pattern = pattern(out, node)?;
            let fields = Expr::call("BlankMissing", vec![value.expr]);
            Expr::call(&format!("{}.format_map", pattern.flat()), vec![fields])
        }
        (Kind::Text | Kind::Model, _) => {
            return Err("it gets neither a table nor an object".to_owned());
        }
    };
    let name = out.names.variable(&wish(node, "text"));
    out.assign(&name, &call);
    out.yields(node, "*", Value::new(&name, Kind::Text));
    Ok(())
}

fn pattern(out: &mut Exporter<'_>, node: &Node) -> Result<Expr, String> {
    Ok(match out.text(node, "pattern")? {
        Expr::Text(text) => out.text_constant(&wish(node, "pattern"), &text, node),
        other => other,
    })
}

/// Files whose text is what they hold.
const PLAIN: &[&str] = &[
    "csv", "txt", "md", "mdx", "html", "htm", "py", "sh", "sql", "js", "ts", "tsx",
];

pub(crate) fn file(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    if flag(node, "advanced_mode", false) {
        return Err("its advanced parser (Docling) is not translated".to_owned());
    }
    let place = chosen(node, "storage_location");
    if !place.is_empty() && place != "Local" {
        return Err("it reads from a cloud; only local files are translated".to_owned());
    }
    let setting = node.template.get("path");
    let paths = setting.and_then(|path| path.get("file_path"));
    let paths: Vec<&str> = match paths {
        Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).collect(),
        Some(Json::String(one)) if !one.is_empty() => vec![one.as_str()],
        _ => Vec::new(),
    };
    if paths.is_empty() {
        return Err("no file is chosen; choose one in the editor".to_owned());
    }
    for path in &paths {
        let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
        if !PLAIN.contains(&ending.to_lowercase().as_str()) {
            return Err(format!(
                "files like `{}` are not plain text; convert the file",
                literal::remark(path)
            ));
        }
    }
    if out
        .flow
        .edges
        .iter()
        .any(|edge| edge.source == node.id && edge.output.as_deref() == Some("dataframe"))
    {
        return Err("its files as a table are not translated; take their raw content".to_owned());
    }
    out.module.imports.name("pathlib", "Path");
    let name = out.names.constant(&wish(node, "files"));
    let list = Expr::List(paths.iter().map(|path| Expr::text(path)).collect());
    let from = literal::remark(&node.id);
    let code = list.statement(&format!("{name} = "), 0);
    out.module.constant(format!("# {from}\n{code}"));
    let separator = match out.plain_text(node, "separator")? {
        text if text.is_blank() => Expr::text("\n\n"),
        text => text,
    };
    let read = format!("Path(path).read_text(encoding=\"utf-8\") for path in {name}");
    let head = format!("{}.join", separator.flat());
    let call = Expr::call(&head, vec![Expr::Each(read)]);
    result(out, node, &call, Kind::Text);
    Ok(())
}

pub(crate) fn knowledge(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    if node.text("mode").is_some_and(|mode| mode != "Retrieve") {
        return Err("filling a knowledge base is not translated, only searching it".to_owned());
    }
    if flag(node, "include_embeddings", false) || node.text("metadata_filter").is_some() {
        return Err("embeddings in its result and filters are not translated".to_owned());
    }
    let base = chosen(node, "knowledge_base");
    if base.is_empty() {
        return Err("no knowledge base is chosen; choose one in the editor".to_owned());
    }
    out.module.helper("search_knowledge");
    out.environment.insert("OPENAI_API_KEY".to_owned());
    out.environment.insert("KNOWLEDGE_BASE_DIR".to_owned());
    out.remarks.push(format!(
        "The documents of the knowledge base '{base}' are read from $KNOWLEDGE_BASE_DIR/{base}/ \
         and embedded with the model of the constant EMBEDDINGS; the flow does not name its own."
    ));
    let query = out.text(node, "search_query")?;
    let top = integer(node, "top_k").unwrap_or(5).to_string();
    let call = Expr::call(
        "search_knowledge",
        vec![Expr::text(&base), query, Expr::Raw(top)],
    );
    result(out, node, &call, Kind::Table);
    Ok(())
}

pub(crate) fn memory_base(_: &mut Exporter<'_>, _: &Node) -> Result<(), String> {
    Err(
        "past conversations are in Langflow's database; as a tool it can be exported with a hook"
            .to_owned(),
    )
}

/// The options of a web search as a constant.
pub(crate) fn search_options(out: &mut Exporter<'_>, node: &Node) -> Result<Expr, String> {
    out.module.helper("search_web");
    let mut options = Vec::new();
    for (field, default) in [
        ("timeout", 5),
        ("max_results", 5),
        ("max_content_length", 2000),
    ] {
        let value = integer(node, field)
            .filter(|it| *it >= 0)
            .unwrap_or(default);
        options.push((Expr::text(field), Expr::Raw(value.to_string())));
    }
    for field in ["hl", "gl", "topic", "location"] {
        options.push((Expr::text(field), out.plain_text(node, field)?));
    }
    Ok(constant(out, node, "options", Expr::Dict(options)))
}

fn constant(out: &mut Exporter<'_>, node: &Node, what: &str, value: Expr) -> Expr {
    let name = out.names.constant(&wish(node, what));
    let from = literal::remark(&node.id);
    let code = value.statement(&format!("{name} = "), 0);
    out.module.constant(format!("# {from}\n{code}"));
    Expr::Raw(name)
}

pub(crate) fn web_search(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    let options = search_options(out, node)?;
    let query = out.text(node, "query")?;
    let mode = match out.plain_text(node, "search_mode")? {
        text if text.is_blank() => Expr::text("Web"),
        text => text,
    };
    let call = Expr::call("search_web", vec![query, mode, options]);
    result(out, node, &call, Kind::Table);
    Ok(())
}

/// Whether the name of a header says that its value opens something; there are many spellings.
fn is_secret_header(name: &str) -> bool {
    let name = name.to_lowercase();
    let words = [
        "auth",
        "cookie",
        "key",
        "token",
        "secret",
        "password",
        "session",
        "signature",
    ];
    words.iter().any(|word| name.contains(word))
}

/// The headers and options of fetching pages, as constants.
pub(crate) fn url_options(out: &mut Exporter<'_>, node: &Node) -> Result<(Expr, Expr), String> {
    let format = node.text("format").unwrap_or("Text").to_owned();
    if format == "Markdown" {
        return Err("pages as Markdown are not translated; choose Text or HTML".to_owned());
    }
    out.module.helper("fetch_pages");
    let mut headers = Vec::new();
    for header in node
        .setting("headers")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
    {
        let part = |key: &str| header.get(key).and_then(Json::as_str);
        let (Some(key), Some(value)) = (part("key"), part("value")) else {
            continue;
        };
        let value = if is_secret_header(key) {
            let name = crate::code::names::environment(&format!("{} {key}", node.display_name));
            out.environment_variable(&name)
        } else {
            Expr::text(value)
        };
        headers.push((Expr::text(key), value));
    }
    let on = |field: &str, default: bool| json!(flag(node, field, default));
    let options = json!({
        "format": format,
        "max_depth": integer(node, "max_depth").unwrap_or(1),
        "timeout": integer(node, "timeout").unwrap_or(30),
        "prevent_outside": on("prevent_outside", true),
        "follow_redirects": on("follow_redirects", true),
        "filter_text_html": on("filter_text_html", true),
        "continue_on_failure": on("continue_on_failure", true),
        "check_response_status": on("check_response_status", false),
    });
    let headers = constant(out, node, "headers", Expr::Dict(headers));
    let options = constant(out, node, "options", literal::json(&options));
    Ok((headers, options))
}

pub(crate) fn url(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    let (headers, options) = url_options(out, node)?;
    let urls = match out.edges(node, "urls").as_slice() {
        [] => node
            .setting("urls")
            .map_or(Expr::List(Vec::new()), literal::json),
        edges => {
            let mut list = Vec::new();
            for edge in edges {
                let value = out.value(edge)?;
                if value.kind != Kind::Text {
                    return Err("it gets something else than a text as an address".to_owned());
                }
                list.push(value.expr);
            }
            Expr::List(list)
        }
    };
    let call = Expr::call("fetch_pages", vec![urls, headers, options]);
    let pages = out.names.variable(&wish(node, "pages"));
    out.assign_slow(&pages, &call);
    out.yields(node, "page_results", Value::new(&pages, Kind::Table));
    let texts = Expr::Raw(format!("{pages}[\"text\"]"));
    let value = Value {
        expr: Expr::call("\"\\n\\n\".join", vec![texts]),
        kind: Kind::Text,
    };
    out.yields(node, "raw_results", value);
    Ok(())
}

pub(crate) fn calculator(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    out.module.helper("calculate");
    let text = out.text(node, "expression")?;
    result(out, node, &Expr::call("calculate", vec![text]), Kind::Data);
    Ok(())
}

pub(crate) fn current_date(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    out.module.helper("current_date");
    let zone = out.text(node, "timezone")?;
    result(
        out,
        node,
        &Expr::call("current_date", vec![zone]),
        Kind::Text,
    );
    Ok(())
}

/// The address of a database; one that holds a password is read from the environment.
pub(crate) fn database_url(out: &mut Exporter<'_>, node: &Node) -> Result<Expr, String> {
    match out.plain_text(node, "database_url")? {
        Expr::Text(url) if url.is_empty() => Err("it has no database; set its URL".to_owned()),
        Expr::Text(url) if url.contains('@') || url.contains("password") => {
            Ok(out.environment_variable("DATABASE_URL"))
        }
        Expr::Text(url) => Ok(out.text_constant("database_url", &url, node)),
        other => Ok(other),
    }
}

pub(crate) fn sql(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    let url = database_url(out, node)?;
    out.module.helper("query_database");
    let query = out.text(node, "query")?;
    let call = Expr::call("query_database", vec![url, query]);
    result(out, node, &call, Kind::Table);
    Ok(())
}

pub(crate) fn arxiv(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    out.module.helper("search_arxiv");
    let query = out.text(node, "search_query")?;
    let field = Expr::text(node.text("search_type").unwrap_or("all"));
    let limit = integer(node, "max_results").unwrap_or(10).to_string();
    let call = Expr::call("search_arxiv", vec![query, field, Expr::Raw(limit)]);
    result(out, node, &call, Kind::Table);
    Ok(())
}
