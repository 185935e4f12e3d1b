//! Names of Python: from what people call a component to what a program may call it.

use std::collections::BTreeSet;

const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "match", "nonlocal", "not", "or", "pass", "raise", "return", "try",
    "type", "while", "with", "yield", "case",
];

/// What the file itself uses, and builtins that its code relies on.
const RESERVED: &[&str] = &[
    "run",
    "stream",
    "arun",
    "main",
    "parser",
    "sessions",
    "session_id",
    "input_value",
    "history",
    "outputs",
    "question",
    "name",
    "text",
    "row",
    "rows",
    "results",
    "print",
    "str",
    "int",
    "float",
    "bool",
    "list",
    "dict",
    "isinstance",
    "len",
    "id",
    "input",
    "sorted",
    "enumerate",
    "type",
    "range",
    "zip",
    "error",
    "tool",
    "self",
    "open",
    "sum",
    "min",
    "max",
    "all",
    "any",
    "set",
    "tuple",
    "object",
    "super",
    "iter",
    "next",
    "map",
    "filter",
    "format",
    "repr",
    "hash",
    "vars",
    "exec",
    "eval",
    "compile",
    "Exception",
    "ValueError",
    "TypeError",
    "OSError",
    "property",
    "staticmethod",
    "classmethod",
    "getattr",
    "setattr",
    "hasattr",
    "callable",
    "StopIteration",
    "AttributeError",
    "KeyError",
    "NotImplementedError",
    "OverflowError",
    "SyntaxError",
    "ZeroDivisionError",
    "bytes",
    "parts",
    "part",
    "past",
    "astream",
    "current_history",
];

/// The names of one file, each given once.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// Keeps a name for something that brings its own.
    pub(crate) fn reserve(&mut self, name: &str) {
        self.taken.insert(name.to_owned());
    }

    pub(crate) fn is_taken(&self, name: &str) -> bool {
        self.taken.contains(name) || is_reserved(name)
    }

    /// A name in lower case, numbered where it is taken.
    pub(crate) fn variable(&mut self, wish: &str) -> String {
        self.claim(&snake(wish))
    }

    /// A name in upper case, numbered where it is taken.
    pub(crate) fn constant(&mut self, wish: &str) -> String {
        self.claim(&snake(wish).to_uppercase())
    }

    fn claim(&mut self, base: &str) -> String {
        let mut name = base.to_owned();
        let mut number = 2;
        while self.is_taken(&name) {
            name = format!("{base}_{number}");
            number += 1;
        }
        self.taken.insert(name.clone());
        name
    }
}

/// Whether this can be written as a name: plain letters only, since Python folds others.
pub(crate) fn is_plain(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !KEYWORDS.contains(&name)
}

/// Whether the file or the language has another use for this name.
pub(crate) fn is_reserved(name: &str) -> bool {
    KEYWORDS.contains(&name) || RESERVED.contains(&name)
}

/// Words in lower case with underscores between.
pub(crate) fn snake(wish: &str) -> String {
    let mut out = String::new();
    let mut last_lower = false;
    for c in wish.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && last_lower {
                out.push('_');
            }
            last_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
            out.push(c.to_ascii_lowercase());
        } else {
            last_lower = false;
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
        }
    }
    let mut name: String = out.trim_matches('_').chars().take(40).collect();
    name.truncate(name.trim_end_matches('_').len());
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert_str(0, "node_");
        name.truncate(name.trim_end_matches('_').len());
    }
    name
}

/// A name for an environment variable.
pub(crate) fn environment(wish: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { ' ' };
    let plain: String = wish.chars().map(plain).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let name = words.join("_").to_uppercase();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("SECRET_{name}");
    }
    name
}
