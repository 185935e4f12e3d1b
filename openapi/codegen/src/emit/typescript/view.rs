//! What the templates print: finished names, types and comments.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::expression::{field_expression, key, quote, type_expression};
use super::shape::{NamedShape, Shapes, is_verbatim};
use crate::emit::rust_packed::packed;
use crate::errors::{ErrorKind, Errors};
use crate::model::{Api, Field, Operation, Param, Schema, Success, Tag, Type};
use crate::naming::class_name;

/// Everything that the templates know.
#[derive(Debug, Serialize)]
pub struct View {
    /// What stands before an operationId for the engine.
    prefix: String,
    title: String,
    tags: Vec<TagView>,
    schemas: Vec<SchemaView>,
    shapes: Vec<NamedShape>,
    operations: Vec<OperationView>,
    errors: Vec<ErrorKind>,
    /// Schemas that the methods name.
    imports: BTreeSet<String>,
    uses: Uses,
}

/// What the generated files import besides.
#[derive(Debug, Serialize)]
struct Uses {
    json_in_types: bool,
    json_in_methods: bool,
    pages: bool,
    streams: bool,
    files: bool,
}

#[derive(Debug, Serialize)]
struct TagView {
    camel: String,
    class: String,
    comment: String,
    operations: Vec<OperationView>,
}

#[derive(Debug, Serialize)]
struct SchemaView {
    name: String,
    comment: String,
    alias: Option<String>,
    fields: Vec<FieldView>,
}

#[derive(Debug, Clone, Serialize)]
struct FieldView {
    key: String,
    optional: bool,
    ty: String,
    comment: String,
}

#[derive(Debug, Clone, Serialize)]
struct OperationView {
    id: String,
    /// Its row in the operation table, where an engine may not have it.
    row: Option<String>,
    method: String,
    comment: String,
    params: String,
    params_comment: String,
    /// Path, query and header parameters.
    arguments: Vec<FieldView>,
    /// The fields of the body.
    body_fields: Vec<FieldView>,
    /// Type of the alternative that takes the body as bytes, where there is one.
    bytes: Option<String>,
    all_optional: bool,
    kind: &'static str,
    returns: String,
    args: String,
    body: Option<String>,
    answers: Vec<String>,
}

/// Prepares both documents for the templates.
pub fn build(api: &Api, errors: &Errors) -> Result<View> {
    check_names(api, errors)?;
    let shapes = Shapes::new(api);
    let operation = |operation: &Operation| {
        operation_view(api, errors, &shapes, operation).with_context(|| operation.id.clone())
    };
    let tag = |tag: &Tag| {
        Ok(TagView {
            camel: tag.camel.clone(),
            class: tag.class.clone(),
            comment: sentence(&tag.description, &tag.class),
            operations: api
                .of_tag(&tag.name)
                .map(operation)
                .collect::<Result<_>>()?,
        })
    };
    let operations = api
        .operations
        .iter()
        .map(operation)
        .collect::<Result<Vec<_>>>()?;
    let schemas: Vec<SchemaView> = api.schemas.iter().map(schema_view).collect();
    let names_json = |text: &str| words(text).any(|word| word == "JsonValue");
    let fields = schemas
        .iter()
        .flat_map(|schema| &schema.fields)
        .chain(operations.iter().flat_map(|operation| &operation.arguments))
        .chain(
            operations
                .iter()
                .flat_map(|operation| &operation.body_fields),
        );
    let uses = Uses {
        json_in_types: fields.map(|field| field.ty.as_str()).any(names_json)
            || schemas
                .iter()
                .filter_map(|schema| schema.alias.as_deref())
                .any(names_json),
        json_in_methods: operations
            .iter()
            .any(|operation| names_json(&operation.returns)),
        files: operations.iter().any(|operation| {
            let bodies = operation.body_fields.iter().map(|field| &field.ty);
            let mut texts = bodies.chain(&operation.bytes);
            texts.any(|text| words(text).any(|word| word == "FileInput"))
        }),
        pages: operations.iter().any(|operation| operation.kind == "list"),
        streams: operations
            .iter()
            .any(|operation| operation.kind == "stream"),
    };
    let imports = operations
        .iter()
        .flat_map(|operation| words(&operation.returns))
        .filter(|word| api.schema(word).is_some())
        .map(str::to_owned)
        .chain(operations.iter().map(|operation| operation.params.clone()))
        .collect();
    Ok(View {
        prefix: api.prefix.clone(),
        title: api.title.clone(),
        tags: api.tags.iter().map(tag).collect::<Result<_>>()?,
        shapes: shapes.table()?,
        errors: errors.errors.clone(),
        schemas,
        operations,
        imports,
        uses,
    })
}

/// Schemas, resources and errors are exported side by side.
fn check_names(api: &Api, errors: &Errors) -> Result<()> {
    let classes = api.tags.iter().map(|tag| &tag.class);
    let taken: BTreeSet<&String> = classes
        .chain(errors.errors.iter().map(|error| &error.class))
        .collect();
    match api
        .schemas
        .iter()
        .find(|schema| taken.contains(&schema.name))
    {
        Some(schema) => bail!(
            "the schema {} has the name of a resource or an error",
            schema.name
        ),
        None => Ok(()),
    }
}

/// The identifiers of a piece of code.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}

fn schema_view(schema: &Schema) -> SchemaView {
    SchemaView {
        name: schema.name.clone(),
        comment: sentence(&schema.description, &schema.name),
        alias: schema.alias.as_ref().map(type_expression),
        fields: schema
            .fields
            .iter()
            .map(|field| match is_verbatim(&schema.name) {
                true => FieldView {
                    key: key(&field.wire),
                    ..field_view(field)
                },
                false => field_view(field),
            })
            .collect(),
    }
}

fn field_view(field: &Field) -> FieldView {
    FieldView {
        key: key(&field.camel),
        optional: !field.required,
        ty: field_expression(field),
        comment: sentence(&field.description, &field.wire),
    }
}

fn operation_view(
    api: &Api,
    errors: &Errors,
    shapes: &Shapes<'_>,
    operation: &Operation,
) -> Result<OperationView> {
    let arguments: Vec<FieldView> = operation.params.iter().map(argument_view).collect();
    let (body_fields, body, bytes) = body_view(shapes, operation)?;
    let taken = |field: &&FieldView| arguments.iter().any(|argument| argument.key == field.key);
    if let Some(twice) = body_fields.iter().find(taken) {
        bail!(
            "the argument {} is both a parameter and a field of the body",
            twice.key
        );
    }
    let answers: Vec<&Success> = operation
        .success
        .iter()
        .filter(|answer| answer.kind != "sse" || operation.stream)
        .collect();
    let item = page_item(api, operation, &answers);
    let (kind, returns) = match item {
        Some(item) => ("list", format!("PagePromise<{}>", type_expression(&item))),
        None if operation.stream => ("stream", "FlowStream".to_owned()),
        None => ("call", format!("CallPromise<{}>", answer_type(&answers))),
    };
    let params = format!("{}Params", class_name(&operation.id));
    Ok(OperationView {
        id: operation.id.clone(),
        row: match api.prefix.as_str() {
            "" => None,
            _ => Some(packed(api, operation)?),
        },
        method: operation.camel.clone(),
        comment: method_comment(errors, operation, kind),
        params_comment: format!(
            "Arguments of `{}.{}`.",
            api_tag(api, operation),
            operation.camel
        ),
        params,
        all_optional: arguments
            .iter()
            .chain(&body_fields)
            .all(|field| field.optional),
        arguments,
        body_fields,
        bytes,
        kind,
        returns,
        args: object(
            operation
                .params
                .iter()
                .map(|param| format!("{}: {}", key(&param.camel), quote(&param.wire))),
        ),
        body,
        answers: answers
            .iter()
            .map(|answer| answer_row(shapes, answer))
            .collect(),
    })
}

fn argument_view(param: &Param) -> FieldView {
    let ty = type_expression(&param.ty);
    FieldView {
        key: key(&param.camel),
        optional: !param.required,
        ty: if param.required {
            ty
        } else {
            format!("{ty} | undefined")
        },
        comment: sentence(&param.description, &param.wire),
    }
}

/// An object of finished entries.
fn object(entries: impl IntoIterator<Item = String>) -> String {
    let entries: Vec<String> = entries.into_iter().collect();
    if entries.is_empty() {
        "{}".to_owned()
    } else {
        format!("{{ {} }}", entries.join(", "))
    }
}

/// The arguments that make the body, the body's row in the table, and the type of the alternative
/// that gives the body as bytes.
fn body_view(
    shapes: &Shapes<'_>,
    operation: &Operation,
) -> Result<(Vec<FieldView>, Option<String>, Option<String>)> {
    let Some(body) = &operation.body else {
        return Ok((Vec::new(), None, None));
    };
    let types: Vec<String> = body.content_types.iter().map(|name| quote(name)).collect();
    let binary: Vec<String> = body
        .content_types
        .iter()
        .filter(|name| *name != "application/json" && !name.ends_with("-urlencoded"))
        .map(|name| quote(name))
        .collect();
    let only_binary = binary.len() == types.len();
    let contents = "FileInput";
    let mut row = format!("{{ types: [{}]", types.join(", "));
    let mut fields = Vec::new();
    if body.content_types == ["multipart/form-data"] {
        row.push_str(", form: { file: 'file' } }");
        let field = |key: &str, optional, ty: &str, comment: &str| FieldView {
            key: key.to_owned(),
            optional,
            ty: ty.to_owned(),
            comment: comment.to_owned(),
        };
        fields.push(field("file", false, contents, "The file."));
        let name = "Its name for the server.";
        fields.push(field("filename", true, "string | undefined", name));
        return Ok((fields, Some(row), None));
    }
    if body.fields.is_empty() || only_binary {
        let ty = if only_binary {
            contents.to_owned()
        } else {
            type_expression(&body.ty)
        };
        fields.push(FieldView {
            key: "body".to_owned(),
            optional: !body.required,
            ty: if body.required {
                ty
            } else {
                format!("{ty} | undefined")
            },
            comment: "The body of the request.".to_owned(),
        });
        if let Some(shape) = shapes.of(&body.ty) {
            row.push_str(&format!(", shape: {shape}"));
        }
    } else {
        let entries = shapes.entries("body", &body.fields)?;
        row.push_str(&format!(", fields: {}", object(entries)));
        // An optional body has no required arguments, whatever its schema says of a body that is there.
        fields.extend(body.fields.iter().map(|field| {
            field_view(&Field {
                required: field.required && body.required,
                ..field.clone()
            })
        }));
    }
    row.push_str(" }");
    let alternative = (!binary.is_empty() && !only_binary).then(|| {
        format!(
            "{{ readonly body: {contents}; readonly contentType?: {} | undefined }}",
            binary.join(" | ")
        )
    });
    if alternative.is_some() && body.fields.iter().any(|field| field.camel == "body") {
        bail!("a body that may be bytes cannot have a field called body");
    }
    Ok((fields, Some(row), alternative))
}

/// The type of the items, where the operation answers with a page.
fn page_item(api: &Api, operation: &Operation, answers: &[&Success]) -> Option<Type> {
    let [
        Success {
            ty: Some(Type::Ref(name)),
            ..
        },
    ] = answers
    else {
        return None;
    };
    let field = |wire: &str| {
        api.schema(name)?
            .fields
            .iter()
            .find(|field| field.wire == wire)
    };
    let complete = ["total", "page", "size", "pages"]
        .iter()
        .all(|wire| field(wire).is_some());
    let paged = operation.params.iter().any(|param| param.wire == "page");
    match &field("items")?.ty {
        Type::Array(item) if complete && paged => Some((**item).clone()),
        _ => None,
    }
}

fn answer_type(answers: &[&Success]) -> String {
    let mut types: Vec<String> = Vec::new();
    for answer in answers {
        let ty = match (answer.kind.as_str(), &answer.ty) {
            ("json", Some(ty)) => type_expression(ty),
            ("json", None) => "JsonValue".to_owned(),
            ("bytes", _) => "Uint8Array".to_owned(),
            ("empty", _) => "undefined".to_owned(),
            _ => "string".to_owned(),
        };
        if !types.contains(&ty) {
            types.push(ty);
        }
    }
    match types.as_slice() {
        [] => "void".to_owned(),
        [only] if only == "undefined" => "void".to_owned(),
        several => several.join(" | "),
    }
}

fn answer_row(shapes: &Shapes<'_>, answer: &Success) -> String {
    let mut row = format!(
        "{{ status: {}, kind: {}",
        answer.status,
        quote(&answer.kind)
    );
    if !answer.content_type.is_empty() {
        row.push_str(&format!(", type: {}", quote(&answer.content_type)));
    }
    if let Some(shape) = answer.ty.as_ref().and_then(|ty| shapes.of(ty)) {
        row.push_str(&format!(", shape: {shape}"));
    }
    row.push_str(" }");
    row
}

fn method_comment(errors: &Errors, operation: &Operation, kind: &str) -> String {
    let mut text = sentence(&operation.summary, &operation.id);
    if !operation.description.is_empty() {
        text.push_str("\n\n");
        text.push_str(&operation.description);
    }
    let permission = match operation.permission.as_str() {
        "key" => String::new(),
        other => format!(", permission: {other}"),
    };
    text.push_str(&format!(
        "\n\n`{} {}`{permission}.\n\n@returns {}\n@throws {{@link LangflowError}} {}",
        operation.method,
        operation.path,
        match kind {
            "list" => "the first page when awaited; the items of all pages when iterated over.",
            "stream" => "the events, as they happen.",
            _ if operation
                .success
                .iter()
                .all(|answer| answer.kind == "empty") =>
                "nothing, once the server has done it.",
            _ => "the server's answer; fields that this version does not know stay in it.",
        },
        thrown(errors, operation),
    ));
    if operation.deprecated {
        text.push_str("\n@deprecated A later server may not have it.");
    }
    text
}

/// The error classes of the documented statuses.
fn thrown(errors: &Errors, operation: &Operation) -> String {
    let mut names: Vec<String> = Vec::new();
    for status in &operation.errors {
        let class = errors
            .errors
            .iter()
            .find(|error| error.statuses.contains(status));
        let name = match class {
            Some(error) => error.class.as_str(),
            None if *status >= 500 => "ServerError",
            None => "UnexpectedStatus",
        };
        names.push(format!("{{@link {name}}} ({status})"));
    }
    if names.is_empty() {
        "whatever went wrong.".to_owned()
    } else {
        format!("as {}.", names.join(", "))
    }
}

fn api_tag(api: &Api, operation: &Operation) -> String {
    let tag = api.tags.iter().find(|tag| tag.name == operation.tag);
    tag.map_or_else(|| operation.tag.clone(), |tag| tag.camel.clone())
}

/// The text, or something in its place; a comment is never empty.
fn sentence(text: &str, instead: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        format!("`{instead}`.")
    } else {
        text.to_owned()
    }
}
