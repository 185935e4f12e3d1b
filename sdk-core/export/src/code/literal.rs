//! Values as Python literals. Whatever a flow holds leaves here as data, never as code.

use serde_json::Value;

use super::Expr;

/// A text as a literal on one line, in the quotes that the formatter would choose.
pub(crate) fn text(value: &str) -> String {
    let quote = quote_for(value);
    let mut out = String::with_capacity(value.len() + 2);
    out.push(quote);
    for c in value.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c => push_escaped(&mut out, c),
        }
    }
    out.push(quote);
    out
}

/// A text of several lines as a triple-quoted literal, which people can read; on one line where
/// that is not safe or not worth it.
pub(crate) fn block(value: &str) -> String {
    if !value.contains('\n') || value.contains("\"\"\"") || value.contains('\r') {
        return text(value);
    }
    let mut out = String::from("\"\"\"\\\n");
    for (index, c) in value.char_indices() {
        match c {
            '\n' => out.push('\n'),
            '"' if index + 1 == value.len() => out.push_str("\\\""),
            c => push_escaped(&mut out, c),
        }
    }
    out.push_str("\"\"\"");
    out
}

/// Any JSON value as an expression.
pub(crate) fn json(value: &Value) -> Expr {
    match value {
        Value::Null => Expr::raw("None"),
        Value::Bool(true) => Expr::raw("True"),
        Value::Bool(false) => Expr::raw("False"),
        Value::Number(number) => Expr::raw(&number.to_string()),
        Value::String(it) => Expr::text(it),
        Value::Array(items) => Expr::List(items.iter().map(json).collect()),
        Value::Object(map) => Expr::Dict(
            map.iter()
                .map(|(key, it)| (Expr::text(key), json(it)))
                .collect(),
        ),
    }
}

/// Text for a comment or a docstring: one line, nothing that could end either.
pub(crate) fn remark(value: &str) -> String {
    let plain = value.chars().map(|c| match c {
        '"' => '\'',
        '\\' => '/',
        c if unsafe_as_is(c) => ' ',
        c => c,
    });
    let plain: String = plain.collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn quote_for(value: &str) -> char {
    let count = |quote| value.matches(quote).count();
    if count('"') > count('\'') { '\'' } else { '"' }
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        c if unsafe_as_is(c) => {
            let code = u32::from(c);
            let escape = match code {
                0..=0xff => format!("\\x{code:02x}"),
                0x100..=0xffff => format!("\\u{code:04x}"),
                _ => format!("\\U{code:08x}"),
            };
            out.push_str(&escape);
        }
        c => out.push(c),
    }
}

/// Control signs, signs without a shape and signs that turn the direction of a line: what cannot
/// be seen must not stand in a source file.
fn unsafe_as_is(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xad | 0x600..=0x605 | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e
            | 0x2060..=0x206f | 0xfeff | 0xfff0..=0xffff | 0xe0000..=0xe0fff
            | 0xe000..=0xf8ff | 0xf0000..=0x10ffff)
        || (c.is_whitespace() && c != ' ' && c != '\u{a0}' && c != '\u{3000}')
}
