//! Types, strings and comments as TypeScript writes them.

use crate::model::{Field, Type};

/// Columns that a comment may fill.
const WIDTH: usize = 100;

/// A type as an expression.
pub fn type_expression(ty: &Type) -> String {
    match ty {
        Type::String => "string".to_owned(),
        Type::Integer | Type::Number => "number".to_owned(),
        Type::Boolean => "boolean".to_owned(),
        Type::Any => "JsonValue".to_owned(),
        Type::Array(item) => format!("readonly {}[]", grouped(item)),
        Type::Map(item) => format!("Readonly<Record<string, {}>>", type_expression(item)),
        Type::Ref(name) => name.clone(),
        // Words that a later server adds stay readable, and editors still offer the known ones.
        Type::Enum(words) => {
            let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
            format!("{} | (string & {{}})", words.join(" | "))
        }
        Type::Union(parts) => parts.iter().map(grouped).collect::<Vec<_>>().join(" | "),
    }
}

/// A type where an operator binds to it.
fn grouped(ty: &Type) -> String {
    match ty {
        Type::Enum(_) | Type::Union(_) | Type::Array(_) => format!("({})", type_expression(ty)),
        _ => type_expression(ty),
    }
}

/// The type of a field, with `null` where it may be null and `undefined` where it may be missing.
pub fn field_expression(field: &Field) -> String {
    let mut text = type_expression(&field.ty);
    if field.nullable {
        text.push_str(" | null");
    }
    if !field.required {
        text.push_str(" | undefined");
    }
    text
}

/// A string literal.
pub fn quote(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('\'', "\\'")
        .replace('\n', "\\n");
    format!("'{escaped}'")
}

/// A name as the key of an object: quoted only where it has to be.
pub fn key(name: &str) -> String {
    let mut letters = name.chars();
    let starts = letters
        .next()
        .is_some_and(|letter| letter.is_ascii_alphabetic() || letter == '_');
    if starts && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
        name.to_owned()
    } else {
        quote(name)
    }
}

/// A documentation comment, wrapped; every line break of the text starts a line.
pub fn comment(text: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let text = text.trim().replace("*/", "*\\/");
    if !text.contains('\n') && text.len() + indent + 7 <= WIDTH {
        return format!("{margin}/** {text} */");
    }
    let mut lines = vec![format!("{margin}/**")];
    for paragraph in text.lines() {
        let mut line = format!("{margin} *");
        for word in paragraph.split_whitespace() {
            if line.len() + word.len() + 1 > WIDTH {
                lines.push(line);
                line = format!("{margin} *");
            }
            line.push(' ');
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.push(format!("{margin} */"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{comment, key, quote, type_expression};
    use crate::model::Type;

    #[test]
    fn types_group_where_an_operator_binds() {
        let words = Type::Enum(vec!["a".into(), "it's".into()]);
        assert_eq!(type_expression(&words), "'a' | 'it\\'s' | (string & {})");
        let list = Type::Array(Box::new(words));
        assert_eq!(
            type_expression(&list),
            "readonly ('a' | 'it\\'s' | (string & {}))[]"
        );
        let map = Type::Map(Box::new(Type::Any));
        assert_eq!(type_expression(&map), "Readonly<Record<string, JsonValue>>");
    }

    #[test]
    fn keys_are_quoted_only_where_they_must_be() {
        assert_eq!(key("flowId"), "flowId");
        assert_eq!(key("x-thing"), "'x-thing'");
        assert_eq!(quote("a\nb"), "'a\\nb'");
    }

    #[test]
    fn comments_wrap_and_cannot_end_early() {
        assert_eq!(comment("Short.", 2), "  /** Short. */");
        assert_eq!(comment("a */ b", 0), "/** a *\\/ b */");
        assert_eq!(comment("One.\n\nTwo.", 0), "/**\n * One.\n *\n * Two.\n */");
        assert!(
            comment(&"word ".repeat(60), 2)
                .lines()
                .all(|line| line.len() <= 100)
        );
    }
}
