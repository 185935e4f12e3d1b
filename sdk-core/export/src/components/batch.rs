//! Asking about every row, and keeping a result in a file.

use super::data::chosen;
use super::model::{Parameters, model_of};
use super::wish;
use crate::code::{Expr, literal};
use crate::exporter::{Exporter, Kind, Value};
use crate::node::Node;
use crate::settings::flag;

pub(crate) fn batch_run(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    if flag(node, "enable_metadata", false) {
        return Err("its metadata column is not translated; switch it off".to_owned());
    }
    let llm = model_of(out, node, Parameters::Bare)?;
    let table = out.table(node, "df")?;
    let prompt = match out.text(node, "system_message")? {
        Expr::Text(text) => out.text_constant(&wish(node, "instructions"), &text, node),
        other => other,
    };
    let column = out.text(node, "column_name")?;
    if column.is_blank() {
        return Err("it asks about whole rows; name the column to ask about".to_owned());
    }
    let answers = match out.plain_text(node, "output_column_name")? {
        text if text.is_blank() => Expr::text("model_response"),
        text => text,
    };
    out.module.helper("answer_rows");
    let call = Expr::call(
        "answer_rows",
        vec![Expr::Raw(llm), table, prompt, column, answers],
    );
    let name = out.names.variable(&wish(node, "rows"));
    out.assign_slow(&name, &call);
    out.yields(node, "*", Value::new(&name, Kind::Table));
    Ok(())
}

/// A name for a file in the working folder, as Langflow checks it too.
fn file_name(node: &Node) -> Result<String, String> {
    let name = node.text("file_name").unwrap_or_default().trim();
    let path = name.contains(['/', '\\', '\0', ':']) || name == "." || name == "..";
    if name.is_empty() || path {
        return Err("its file name is empty or a path; name a file only".to_owned());
    }
    Ok(name.to_owned())
}

pub(crate) fn save(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    let place = chosen(node, "storage_location");
    if !place.is_empty() && place != "Local" {
        return Err("it writes to a cloud; only local files are translated".to_owned());
    }
    if flag(node, "append_mode", false) {
        return Err("appending to a file is not translated; switch append mode off".to_owned());
    }
    let edge = out.edge(node, "input")?;
    let value = out.value(edge.ok_or("nothing is connected to it")?)?;
    let usual = if value.kind == Kind::Text {
        "txt"
    } else {
        "csv"
    };
    let format = match node.text("local_format") {
        Some(format) => format.to_owned(),
        None => node.text("file_format").unwrap_or(usual).to_owned(),
    };
    let mut name = file_name(node)?;
    let ending = name
        .rsplit_once('.')
        .map_or("", |(_, ending)| ending)
        .to_lowercase();
    if ending != format {
        name = format!("{name}.{format}");
    }
    let path = Expr::text(&name);
    let encoding = || Expr::named("encoding", Expr::text("utf-8"));
    let text = value.expr.flat();
    let statement = match (value.kind, format.as_str()) {
        (Kind::Text, "txt" | "html") => write(out, &path, value.expr, encoding()),
        (Kind::Text, "json") => {
            out.module.imports.module("json");
            let data = Expr::Raw(format!("json.dumps({{\"message\": {text}}}, indent=2)"));
            write(out, &path, data, encoding())
        }
        (Kind::Text, "markdown") => {
            let data = Expr::Raw(format!("\"**Message:**\\n\\n\" + {text}"));
            write(out, &path, data, encoding())
        }
        (Kind::Data, "json") => {
            out.module.imports.module("json");
            let data = format!("json.dumps({text}, indent=2, ensure_ascii=False)");
            write(out, &path, Expr::Raw(data), encoding())
        }
        (Kind::Table, "csv") => {
            let index = Expr::named("index", Expr::raw("False"));
            Expr::call(&format!("{text}.to_csv"), vec![path.clone(), index])
        }
        (Kind::Table, "json") => Expr::call(
            &format!("{text}.to_json"),
            vec![
                path.clone(),
                Expr::named("orient", Expr::text("records")),
                Expr::named("indent", Expr::raw("2")),
            ],
        ),
        (Kind::Table, "markdown") => {
            out.module.imports.package("tabulate");
            let data = Expr::Raw(format!("{text}.to_markdown(index=False)"));
            write(out, &path, data, encoding())
        }
        _ => {
            return Err(format!(
                "writing this as `{}` is not translated",
                literal::remark(&format)
            ));
        }
    };
    let code = statement.statement("", out.indent);
    out.body.push(code);
    Ok(())
}

fn write(out: &mut Exporter<'_>, path: &Expr, data: Expr, encoding: Expr) -> Expr {
    out.module.imports.name("pathlib", "Path");
    let head = format!("Path({}).write_text", path.flat());
    Expr::call(&head, vec![data, encoding])
}
