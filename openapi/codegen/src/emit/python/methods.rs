//! Operations as methods.

use anyhow::{Context, Result};
use serde::Serialize;

use super::answers::{Overload, meaning_of, overloads, page_item, returned, shapes};
use super::text::{entry, full_stop, identifier, literal};
use super::types::{argument_type, union};
use crate::errors::Errors;
use crate::model::{Api, Body, Operation, Type};

/// Indent of an entry in a method's docstring.
const ENTRY: usize = 12;

/// Options of every call: name, type, meaning.
const OPTIONS: [(&str, &str, &str); 4] = [
    (
        "timeout",
        "float | None | NotGiven",
        "Seconds that the call may take; `None` for no limit.",
    ),
    (
        "max_retries",
        "int | NotGiven",
        "How often to try again where it is safe.",
    ),
    (
        "headers",
        "Mapping[str, str] | NotGiven",
        "Sent with this request.",
    ),
    (
        "idempotency_key",
        "str | NotGiven",
        "Calls of the same key are done once.",
    ),
];

/// A method as the template needs it.
#[derive(Clone, Serialize)]
pub struct Method {
    name: String,
    /// `call`, `list` or `open`.
    way: &'static str,
    id: String,
    summary: String,
    description: String,
    /// What a warning says, where the document advises against the operation.
    deprecated: Option<String>,
    place: String,
    permission: String,
    positional: Vec<Argument>,
    named: Vec<Argument>,
    /// Pairs of wire name literal and expression.
    args: Vec<(String, String)>,
    body: bool,
    /// Pairs of wire name literal and expression, where the body is an object with named fields.
    body_fields: Vec<(String, String)>,
    extra_body: bool,
    content_type: Option<String>,
    /// Whether the body is a form with one file.
    form: bool,
    /// Whether the body may be a file.
    sends_file: bool,
    /// Whether the answer is worth a file of its own.
    saves: bool,
    options: Vec<Argument>,
    returns: String,
    returns_async: String,
    meaning: String,
    /// Pairs of status and shape.
    shapes: Vec<(u16, String)>,
    raises: Vec<String>,
    overloads: Vec<Overload>,
}

/// An argument of a method.
#[derive(Clone, Serialize)]
pub struct Argument {
    name: String,
    ty: String,
    required: bool,
    doc: String,
}

/// The models that the methods name.
pub fn imports(api: &Api, methods: &[Method]) -> Vec<String> {
    let text: String = methods
        .iter()
        .flat_map(|method| {
            let arguments = method
                .positional
                .iter()
                .chain(&method.named)
                .map(|arg| &arg.ty);
            arguments
                .chain([&method.returns])
                .chain(method.overloads.iter().map(|one| &one.returns))
        })
        .map(|ty| format!("{ty} "))
        .collect();
    let words: Vec<&str> = text
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .collect();
    let mut names: Vec<String> = api
        .schemas
        .iter()
        .map(|schema| schema.name.clone())
        .filter(|name| words.contains(&name.as_str()))
        .collect();
    names.sort();
    names
}

/// The method of an operation.
pub fn of(api: &Api, errors: &Errors, operation: &Operation) -> Result<Method> {
    let open = operation.stream;
    let streams = operation.success.iter().any(|answer| answer.kind == "sse");
    let mut positional = Vec::new();
    let mut named = Vec::new();
    let mut args = Vec::new();
    for param in &operation.params {
        let name = identifier(&param.snake);
        if param.location == "header" && name == "idempotency_key" {
            // The option of that name says it already.
            continue;
        }
        args.push((literal(&param.wire), name.clone()));
        let argument = argument(
            name,
            argument_type(api, &param.ty),
            param.required,
            &param.description,
        );
        if param.location == "path" {
            positional.push(argument)
        } else {
            named.push(argument)
        }
    }
    let mut body_fields = Vec::new();
    if let Some(body) = &operation.body {
        let taken: Vec<String> = args.iter().map(|(_, name)| name.clone()).collect();
        let (pairs, arguments) = body_arguments(api, body, streams, &taken);
        // A body without named fields is the one thing that the method is about.
        if is_form(body) {
            positional.extend(arguments);
            let meaning = "Its name for the server; that of the path if absent.";
            named.push(argument("filename".into(), "str".into(), false, meaning));
        } else if pairs.is_empty() {
            positional.extend(arguments)
        } else {
            named.extend(arguments)
        }
        body_fields = pairs;
    }
    named.sort_by_key(|argument| !argument.required);
    let options = OPTIONS
        .iter()
        .filter(|(option, ..)| !named.iter().any(|argument| argument.name == *option))
        .filter(|(option, ..)| *option != "idempotency_key" || operation.safety != "safe")
        .map(|(name, ty, meaning)| argument((*name).to_owned(), (*ty).to_owned(), true, meaning))
        .collect();
    let item = if open {
        None
    } else {
        page_item(api, operation)
    };
    let (way, returns, returns_async, meaning) = match (&item, open) {
        (_, true) => {
            let meaning = "The events, in order.".to_owned();
            (
                "open",
                "Stream".to_owned(),
                "AsyncStream".to_owned(),
                meaning,
            )
        }
        (Some(item), _) => {
            let meaning = "The page; iterate over it for the items of all pages.".to_owned();
            (
                "list",
                format!("Page[{item}]"),
                format!("AsyncPager[{item}]"),
                meaning,
            )
        }
        _ => {
            let returns = union(operation.success.iter().filter_map(returned));
            ("call", returns.clone(), returns, meaning_of(api, operation))
        }
    };
    let overloads = if way == "call" {
        overloads(operation)
    } else {
        Vec::new()
    };
    Ok(Method {
        name: identifier(&operation.name),
        way,
        id: format!("{}{}", api.prefix, operation.id),
        summary: full_stop(&operation.summary),
        description: operation.description.clone(),
        deprecated: operation.deprecated.then(|| {
            format!(
                "{}.{} is deprecated: a later server may not have it",
                operation.tag, operation.name
            )
        }),
        place: format!("{} {}", operation.method, operation.path),
        permission: operation.permission.clone(),
        positional,
        named,
        args,
        body: operation.body.is_some(),
        extra_body: operation
            .body
            .as_ref()
            .is_some_and(|body| !body.fields.is_empty()),
        content_type: operation
            .body
            .as_ref()
            .filter(|body| body.fields.is_empty() && !is_form(body))
            .and_then(|body| other_media_type(body).map(literal)),
        form: operation.body.as_ref().is_some_and(is_form),
        sends_file: way == "call"
            && operation.body.as_ref().is_some_and(|body| {
                is_form(body) || (body.fields.is_empty() && other_media_type(body).is_some())
            }),
        saves: way == "call" && operation.method == "GET" && returns != "None",
        body_fields,
        options,
        returns,
        returns_async,
        meaning,
        shapes: shapes(api, operation),
        raises: raises(errors, operation).context(operation.id.clone())?,
        overloads,
    })
}

fn argument(name: String, ty: String, required: bool, description: &str) -> Argument {
    let ty = if required || ty == "Any" {
        ty
    } else {
        format!("{ty} | NotGiven")
    };
    let meaning = if description.is_empty() {
        "See the API's reference."
    } else {
        description
    };
    Argument {
        doc: entry(&name, &full_stop(meaning), ENTRY),
        name,
        ty,
        required,
    }
}

/// The fields of a body and the arguments that they take.
fn body_arguments(
    api: &Api,
    body: &Body,
    streams: bool,
    taken: &[String],
) -> (Vec<(String, String)>, Vec<Argument>) {
    if is_form(body) {
        let file = argument("file".into(), "FileInput".into(), true, "The file.");
        return (Vec::new(), vec![file]);
    }
    if body.fields.is_empty() {
        let mut ty = argument_type(api, &body.ty);
        if other_media_type(body).is_some() && ty != "Any" {
            ty.push_str(" | FileInput");
        }
        let description = "What is sent.";
        return (
            Vec::new(),
            vec![argument("body".into(), ty, body.required, description)],
        );
    }
    let mut pairs = Vec::new();
    let mut arguments = Vec::new();
    for field in &body.fields {
        // This method waits for the whole answer; `stream_flow` is the one that follows it.
        if streams && field.wire == "stream" && field.ty == Type::Boolean {
            continue;
        }
        let mut name = identifier(&field.snake);
        if taken.contains(&name) {
            name.push_str("_body");
        }
        let mut ty = argument_type(api, &field.ty);
        if field.nullable && ty != "Any" {
            ty.push_str(" | None");
        }
        pairs.push((literal(&field.wire), name.clone()));
        arguments.push(argument(
            name,
            ty,
            field.required && body.required,
            &field.description,
        ));
    }
    (pairs, arguments)
}

/// Whether the body is a form with one file.
fn is_form(body: &Body) -> bool {
    body.content_types
        .iter()
        .any(|name| name == "multipart/form-data")
}

/// The media type of a body that is given as bytes.
fn other_media_type(body: &Body) -> Option<&str> {
    body.content_types
        .iter()
        .map(String::as_str)
        .find(|name| *name != "application/json" && !name.ends_with("-urlencoded"))
}

fn raises(errors: &Errors, operation: &Operation) -> Result<Vec<String>> {
    let mut found = vec![entry(
        "InvalidInput",
        "an argument is not usable; nothing was sent.",
        ENTRY,
    )];
    for status in &operation.errors {
        let exact = errors
            .errors
            .iter()
            .find(|error| error.statuses.contains(status));
        let by_family = || {
            errors
                .errors
                .iter()
                .find(|error| error.code == "server_error")
        };
        let error = exact
            .or_else(by_family)
            .context("errors.toml has no server_error")?;
        let line = entry(&error.class, &full_stop(&error.when), ENTRY);
        if !found.contains(&line) {
            found.push(line);
        }
    }
    found.push(entry("LangflowError", "all else that can go wrong.", ENTRY));
    Ok(found)
}
