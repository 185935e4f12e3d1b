//! The operation table: one row an operation, all that the core needs to build and to retry it.

use std::fmt::Write as _;

use anyhow::Result;
use heck::ToShoutySnakeCase as _;

use super::HEADER;
use crate::model::{Api, Operation, Param, Type};
use crate::output::Files;

/// Adds `sdk-core/src/generated/operations.rs`.
pub fn emit(files: &mut Files, api: &Api) -> Result<()> {
    let mut rows: Vec<&Operation> = api.operations.iter().collect();
    rows.sort_by(|left, right| left.id.cmp(&right.id));
    let mut text = format!(
        "// {HEADER}\n//! The operations of the {title}, sorted by id.\n\n\
         use crate::operation::{{Body, In, Kind, Operation, Param, Safety, Shape}};\n\n\
         /// Path under which all operations stand.\n\
         pub const BASE_PATH: &str = {base:?};\n\n\
         /// Version of the document.\n\
         pub const API_VERSION: &str = {version:?};\n\n\
         /// Every operation, sorted by id.\n\
         pub static OPERATIONS: &[Operation] = &[\n",
        title = api.title,
        base = api.base_path,
        version = api.version,
    );
    for row in rows {
        writeln!(
            text,
            "{},",
            literal(row, &row.id, row.stream, shape(api, row))
        )?;
    }
    text.push_str("];\n");
    files.add_rust("sdk-core/src/generated/operations.rs", &text)
}

/// Adds `sdk-core/src/generated/asked.rs`: rows that every engine has, whatever else it leaves out.
pub fn emit_asked(files: &mut Files, api: &Api) -> Result<()> {
    let mut text = format!(
        "// {HEADER}\n//! What the core asks of an {title} by itself, under ids of its own.\n\n\
         use crate::operation::{{Body, In, Kind, Operation, Param, Safety, Shape}};\n\n",
        title = api.title,
    );
    for row in &api.operations {
        let Some(id) = &row.core else { continue };
        // They run flows, whatever a server calls the right to it.
        let row = &Operation {
            permission: "execute".to_owned(),
            ..row.clone()
        };
        let streams = row.success.iter().any(|answer| answer.kind == "sse");
        writeln!(
            text,
            "/// {}.\npub static {}: Operation = {};\n",
            row.summary,
            id.to_shouty_snake_case(),
            // What their answers have to be is said with what the answer meant.
            literal(row, id, streams, Shape::Any),
        )?;
    }
    files.add_rust("sdk-core/src/generated/asked.rs", &text)
}

fn literal(row: &Operation, id: &str, stream: bool, shape: Shape) -> String {
    format!(
        "Operation {{ id: {id:?}, method: {:?}, path: {:?}, params: &[{}], body: {}, \
         accept: {:?}, shape: Shape::{shape:?}, stream: {stream}, safety: Safety::{}, permission: {:?} }}",
        row.method,
        row.path,
        params(row),
        body(row),
        accept(row),
        match row.safety.as_str() {
            "safe" => "Safe",
            "keyed" => "Keyed",
            _ => "Unsafe",
        },
        row.permission,
    )
}

/// What the client asks for: every media type of the success answers that is not a stream, in
/// document order; the stream only where there is nothing else.
pub fn accept(row: &Operation) -> String {
    let mut types: Vec<&str> = Vec::new();
    for answer in &row.success {
        let wanted = answer.kind != "sse" || row.stream;
        if wanted && !answer.content_type.is_empty() && !types.contains(&&*answer.content_type) {
            types.push(&answer.content_type);
        }
    }
    if types.is_empty() {
        "application/json".to_owned()
    } else {
        types.join(", ")
    }
}

/// What the JSON of every success answer is, where the document says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Anything, nothing included.
    Any,
    /// An object.
    Object,
    /// A list.
    List,
}

/// The shape of what an operation answers with.
pub fn shape(api: &Api, row: &Operation) -> Shape {
    let mut shapes = row.success.iter().filter_map(|answer| match &answer.ty {
        Some(ty) => Some(shape_of(api, ty)),
        None => (answer.kind == "empty").then_some(Shape::Any),
    });
    let first = shapes.next().unwrap_or(Shape::Any);
    match shapes.all(|other| other == first) {
        true => first,
        false => Shape::Any,
    }
}

fn shape_of(api: &Api, ty: &Type) -> Shape {
    match ty {
        Type::Array(_) => Shape::List,
        Type::Map(_) => Shape::Object,
        Type::Ref(name) => match api.schemas.iter().find(|schema| schema.name == *name) {
            Some(schema) => schema
                .alias
                .as_ref()
                .map_or(Shape::Object, |alias| shape_of(api, alias)),
            None => Shape::Any,
        },
        _ => Shape::Any,
    }
}

/// The query in the order of names, which is the order in which progenitor writes it.
pub fn sorted(row: &Operation) -> Vec<&Param> {
    let mut sorted: Vec<&Param> = row.params.iter().collect();
    sorted.sort_by_key(|param| match param.location.as_str() {
        "query" => (1, param.wire.as_str()),
        _ => (0, ""),
    });
    sorted
}

fn params(row: &Operation) -> String {
    sorted(row).into_iter().map(param).collect()
}

fn param(param: &Param) -> String {
    let location = match param.location.as_str() {
        "path" => "Path",
        "query" => "Query",
        _ => "Header",
    };
    format!(
        "Param {{ name: {:?}, location: In::{location}, required: {}, kind: {} }},",
        param.wire,
        param.required,
        kind(&param.ty),
    )
}

fn kind(ty: &Type) -> String {
    match ty {
        Type::String => "Kind::String".to_owned(),
        Type::Integer => "Kind::Integer".to_owned(),
        Type::Number => "Kind::Number".to_owned(),
        Type::Boolean => "Kind::Boolean".to_owned(),
        Type::Array(_) => "Kind::List".to_owned(),
        Type::Enum(words) => format!("Kind::Choice(&{words:?})"),
        _ => "Kind::Any".to_owned(),
    }
}

fn body(row: &Operation) -> String {
    match &row.body {
        None => "None".to_owned(),
        Some(body) => format!(
            "Some(Body {{ required: {}, content_types: &{:?} }})",
            body.required, body.content_types
        ),
    }
}
