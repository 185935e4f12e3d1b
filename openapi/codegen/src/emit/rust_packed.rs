//! The operation table of a document whose rows are rarely all needed: text, a line an operation,
//! read when the first is looked for. As text it is a tenth of what it would be as constants.

use anyhow::{Result, bail};

use super::HEADER;
use super::rust_table::{Shape, accept, shape, sorted};
use crate::model::{Api, Operation, Param, Type};
use crate::output::Files;

/// Adds `sdk-core/src/generated/langflow_operations.rs`.
pub fn emit(files: &mut Files, api: &Api) -> Result<()> {
    let mut rows: Vec<&Operation> = api.operations.iter().collect();
    rows.sort_by(|left, right| left.id.cmp(&right.id));
    let lines = rows
        .into_iter()
        .map(|operation| packed(api, operation))
        .collect::<Result<Vec<_>>>()?;
    let text = format!(
        "// {HEADER}\n//! The operations of the {}, sorted by id.\n\n\
         /// A line an operation: id, method, path, flags, media types of the body and of the answer, \
         parameters; `operation.rs` reads it.\n\
         pub const PACKED: &str = \"\\\n{}\\n\";\n",
        api.title,
        lines.join("\\n\\\n"),
    );
    files.add_rust(
        format!("sdk-core/src/generated/{}_operations.rs", api.name),
        &text,
    )
}

/// The row of an operation as text, its id with the prefix of the document.
pub fn packed(api: &Api, operation: &Operation) -> Result<String> {
    Ok(format!("{}{}", api.prefix, row(api, operation)?))
}

/// `listFlows GET /api/v1/flows/ ska - json flow_type?c:workflow|agent,header_flows?b`
fn row(api: &Api, row: &Operation) -> Result<String> {
    let mut flags = match row.safety.as_str() {
        "safe" => "s".to_owned(),
        "keyed" => bail!("{}: no server of these knows keys", row.id),
        _ => "u".to_owned(),
    };
    flags.push_str(match row.permission.as_str() {
        "none" => "n",
        _ => "k",
    });
    if row.stream {
        flags.push('e');
    }
    flags.push_str(match shape(api, row) {
        Shape::Any => "",
        Shape::Object => "o",
        Shape::List => "a",
    });
    let body = match &row.body {
        None => "-".to_owned(),
        Some(body) => {
            let types: Vec<&str> = body.content_types.iter().map(|name| short(name)).collect();
            let must = if body.required { "!" } else { "" };
            format!("{must}{}", types.join(","))
        }
    };
    let answer = accept(row);
    let answer: Vec<&str> = answer.split(", ").map(short).collect();
    let params = sorted(row)
        .into_iter()
        .filter(|param| param.location != "path")
        .map(param)
        .collect::<Result<Vec<_>>>()?;
    let params = match params.is_empty() {
        true => "-".to_owned(),
        false => params.join(","),
    };
    let line = [
        row.id.as_str(),
        &row.method,
        &row.path,
        &flags,
        &body,
        &answer.join(","),
        &params,
    ];
    if line.iter().any(|word| word.contains([' ', '"', '\\'])) {
        bail!("{}: a word of the row has a space", row.id);
    }
    Ok(line.join(" "))
}

fn short(media_type: &str) -> &str {
    match media_type {
        "application/json" => "json",
        other => other,
    }
}

fn param(param: &Param) -> Result<String> {
    let place = match param.location.as_str() {
        "header" => "^",
        _ => "?",
    };
    let must = if param.required { "!" } else { "" };
    let kind = match &param.ty {
        Type::String => "s".to_owned(),
        Type::Integer => "i".to_owned(),
        Type::Number => "n".to_owned(),
        Type::Boolean => "b".to_owned(),
        Type::Array(_) => "l".to_owned(),
        Type::Enum(words) => format!("c:{}", words.join("|")),
        other => bail!("{}: {other:?} cannot stand in a query", param.wire),
    };
    Ok(format!("{}{place}{must}{kind}", param.wire))
}
