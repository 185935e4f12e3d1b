//! Types as Python writes them, and shapes: what the package reads models from JSON by.

use super::text::literal;
use crate::model::{Api, Type};

/// The type of a value that the server sent.
pub fn answer_type(ty: &Type) -> String {
    match ty {
        Type::String => "str".to_owned(),
        Type::Integer => "int".to_owned(),
        Type::Number => "float".to_owned(),
        Type::Boolean => "bool".to_owned(),
        Type::Any => "Any".to_owned(),
        Type::Array(inner) => format!("builtins.list[{}]", answer_type(inner)),
        Type::Map(inner) => format!("builtins.dict[str, {}]", answer_type(inner)),
        Type::Ref(name) => name.clone(),
        // A newer server may know more words than this document.
        Type::Enum(words) => format!("Literal[{}] | str", words_of(words)),
        Type::Union(parts) => union(parts.iter().map(answer_type)),
    }
}

/// The type of an argument; models may be given as plain mappings.
pub fn argument_type(api: &Api, ty: &Type) -> String {
    match ty {
        Type::Array(inner) => format!("Sequence[{}]", argument_type(api, inner)),
        Type::Map(inner) => format!("Mapping[str, {}]", argument_type(api, inner)),
        Type::Enum(words) => format!("Literal[{}]", words_of(words)),
        Type::Union(parts) => union(parts.iter().map(|part| argument_type(api, part))),
        Type::Ref(name) => match api.schema(name).map(|schema| &schema.alias) {
            Some(Some(alias)) => argument_type(api, alias),
            _ => format!("{name} | Mapping[str, Any]"),
        },
        plain => answer_type(plain),
    }
}

/// The shape of a type as a Python expression, `None` where it is plain JSON.
pub fn shape(api: &Api, ty: &Type) -> Option<String> {
    match ty {
        Type::Array(inner) => shape(api, inner).map(|inner| format!("[{inner}]")),
        Type::Map(inner) => shape(api, inner).map(|inner| format!("{{\"*\": {inner}}}")),
        Type::Ref(name) => match api.schema(name).map(|schema| &schema.alias) {
            Some(Some(alias)) => shape(api, alias),
            _ => Some(literal(name)),
        },
        // One of several: the first that has a model, as the others are plain.
        Type::Union(parts) => {
            let shapes: Vec<String> = parts.iter().filter_map(|part| shape(api, part)).collect();
            if shapes.len() == 1 {
                shapes.into_iter().next()
            } else {
                None
            }
        }
        _ => None,
    }
}

/// Parts of a union, each once.
pub fn union(parts: impl Iterator<Item = String>) -> String {
    let mut found: Vec<String> = Vec::new();
    for part in parts {
        for piece in pieces(&part) {
            if !found.contains(&piece) {
                found.push(piece);
            }
        }
    }
    if found.iter().any(|part| part == "Any") {
        "Any".to_owned()
    } else {
        found.join(" | ")
    }
}

/// The parts of a union; what stands in brackets belongs together.
fn pieces(union: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut depth = 0;
    for word in union.split(' ') {
        if word == "|" && depth == 0 {
            found.push(String::new());
            continue;
        }
        depth += word.matches('[').count();
        depth -= word.matches(']').count().min(depth);
        if let Some(last) = found.last_mut() {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    found
}

fn words_of(words: &[String]) -> String {
    words
        .iter()
        .map(|word| literal(word))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::{answer_type, union};
    use crate::model::Type;

    #[test]
    fn a_union_names_each_part_once() {
        let parts = ["Flow | None", "Flow", "str"].map(str::to_owned);
        assert_eq!(union(parts.into_iter()), "Flow | None | str");
        let parts = ["list[str | int]", "str"].map(str::to_owned);
        assert_eq!(union(parts.into_iter()), "list[str | int] | str");
        assert_eq!(
            union(["Any".to_owned(), "str".to_owned()].into_iter()),
            "Any"
        );
    }

    #[test]
    fn an_enum_stays_open_in_answers() {
        let ty = Type::Array(Box::new(Type::Enum(vec!["a".into()])));
        assert_eq!(answer_type(&ty), "builtins.list[Literal[\"a\"] | str]");
    }
}
