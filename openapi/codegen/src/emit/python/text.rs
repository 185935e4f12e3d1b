//! Identifiers, literals and docstrings of Python.

const WIDTH: usize = 96;

const KEYWORDS: [&str; 36] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "self", "try",
    "while", "with", "yield",
];

/// The name, with an underscore behind it where it is a keyword and one before it where it begins
/// with a digit.
pub fn identifier(name: &str) -> String {
    if KEYWORDS.contains(&name) {
        format!("{name}_")
    } else if name.starts_with(|letter: char| letter.is_ascii_digit()) {
        format!("_{name}")
    } else {
        name.to_owned()
    }
}

/// A string literal.
pub fn literal(text: &str) -> String {
    // JSON's escapes are Python's.
    serde_json::Value::from(text).to_string()
}

/// The text inside a docstring: wrapped, paragraphs kept, nothing in it that ends it.
pub fn docstring(text: &str, indent: usize) -> String {
    let safe = text.replace('\\', "\\\\").replace("\"\"\"", "'''");
    let paragraphs: Vec<String> = safe
        .split("\n\n")
        .map(|paragraph| wrap(paragraph, indent, indent))
        .filter(|paragraph| !paragraph.is_empty())
        .collect();
    let mut joined = paragraphs.join(&format!("\n\n{}", " ".repeat(indent)));
    if joined.ends_with('"') {
        joined.push(' ');
    }
    joined
}

/// An entry of a docstring's list, continued with a deeper indent.
pub fn entry(name: &str, text: &str, indent: usize) -> String {
    let safe = text.replace('\\', "\\\\").replace("\"\"\"", "'''");
    wrap(&format!("{name}: {safe}"), indent, indent + 4)
}

/// The text as a sentence.
pub fn full_stop(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '!', '?', ':']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

fn wrap(text: &str, first: usize, rest: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let room = WIDTH - if lines.is_empty() { first } else { rest };
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join(&format!("\n{}", " ".repeat(rest)))
}

#[cfg(test)]
mod tests {
    use super::{docstring, entry, identifier, literal};

    #[test]
    fn keywords_get_an_underscore() {
        assert_eq!(identifier("import"), "import_");
        assert_eq!(identifier("flow_id"), "flow_id");
        assert_eq!(identifier("2fa"), "_2fa");
    }

    #[test]
    fn nothing_in_a_text_ends_its_literal() {
        assert_eq!(literal("a\"b\\c\n"), r#""a\"b\\c\n""#);
        assert_eq!(
            docstring("say \"\"\"hi\"\"\" \\o/ \"now\"", 4),
            "say '''hi''' \\\\o/ \"now\" "
        );
    }

    #[test]
    fn long_lines_wrap_under_their_entry() {
        let text = entry("name", &"word ".repeat(30), 12);
        assert!(text.lines().all(|line| line.len() <= 96), "{text}");
        assert!(
            text.lines()
                .nth(1)
                .is_some_and(|line| line.starts_with("                word"))
        );
    }
}
