//! What operations answer with, in Python's words.

use serde::Serialize;

use super::text::{full_stop, identifier, literal};
use super::types::{answer_type, shape};
use crate::model::{Api, Operation, Success, Type};

/// The answer's type for one word of an argument.
#[derive(Clone, Serialize)]
pub struct Overload {
    argument: String,
    ty: String,
    optional: bool,
    /// What is returned for it.
    pub returns: String,
}

/// The items of a list that comes in pages.
pub fn page_item(api: &Api, operation: &Operation) -> Option<String> {
    let paged = operation.params.iter().any(|param| param.wire == "page");
    let [only] = operation.success.as_slice() else {
        return None;
    };
    let Some(Type::Ref(name)) = &only.ty else {
        return None;
    };
    let schema = api.schema(name)?;
    let numbered = schema.fields.iter().any(|field| field.wire == "page");
    let items = schema.fields.iter().find(|field| field.wire == "items")?;
    match &items.ty {
        Type::Array(item) if paged && numbered => Some(answer_type(item)),
        _ => None,
    }
}

pub fn returned(answer: &Success) -> Option<String> {
    match answer.kind.as_str() {
        "json" => Some(
            answer
                .ty
                .as_ref()
                .map_or_else(|| "Any".to_owned(), answer_type),
        ),
        "text" => Some("str".to_owned()),
        "bytes" => Some("bytes".to_owned()),
        "empty" => Some("None".to_owned()),
        _ => None,
    }
}

pub fn meaning_of(api: &Api, operation: &Operation) -> String {
    let mut parts: Vec<String> = Vec::new();
    for answer in &operation.success {
        let part = match (answer.kind.as_str(), &answer.ty) {
            ("json", Some(Type::Ref(name))) => match api.schema(name) {
                Some(schema) if !schema.description.is_empty() => full_stop(&schema.description),
                _ => format!("The {name}."),
            },
            ("json", _) => "The answer.".to_owned(),
            ("text", _) => "The text.".to_owned(),
            ("bytes", _) => "The bytes.".to_owned(),
            ("empty", _) => "Nothing.".to_owned(),
            _ => continue,
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts.join(" Or: ")
}

pub fn shapes(api: &Api, operation: &Operation) -> Vec<(u16, String)> {
    let json = operation
        .success
        .iter()
        .filter(|answer| answer.kind == "json");
    json.filter_map(|answer| {
        let shape = shape(api, answer.ty.as_ref()?)?;
        Some((answer.status, shape))
    })
    .collect()
}

/// Where each word of an argument stands for one media type of the answer
/// (`format="json" | "python"`), the word says which type is returned.
pub fn overloads(operation: &Operation) -> Vec<Overload> {
    for param in &operation.params {
        let Type::Enum(words) = &param.ty else {
            continue;
        };
        let answers: Option<Vec<&Success>> = words
            .iter()
            .map(|word| {
                let mut fit = operation
                    .success
                    .iter()
                    .filter(|one| one.content_type.contains(word));
                fit.next().filter(|_| fit.next().is_none())
            })
            .collect();
        let Some(answers) = answers else { continue };
        let types: Option<Vec<String>> = answers.iter().map(|answer| returned(answer)).collect();
        let Some(types) = types.filter(|types| types.len() > 1) else {
            continue;
        };
        // Left out, the first media type of the document is what comes.
        let first = operation
            .success
            .first()
            .map(|answer| answer.content_type.as_str());
        return words
            .iter()
            .zip(types)
            .zip(answers)
            .map(|((word, returns), answer)| Overload {
                argument: identifier(&param.snake),
                ty: format!("Literal[{}]", literal(word)),
                optional: !param.required && Some(answer.content_type.as_str()) == first,
                returns,
            })
            .collect();
    }
    Vec::new()
}
