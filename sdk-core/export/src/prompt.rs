//! Prompt templates: `{name}` as Python's format strings have it, or `{{name}}`.

/// A template, cut once into text and the variables between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptTemplate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
}

impl PromptTemplate {
    /// Reads `{name}`, with `{{` and `}}` for braces that are meant as such.
    pub fn single(template: &str) -> Self {
        let mut parts = Parts::default();
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            parts.text(&rest[..at]);
            let tail = &rest[at..];
            rest = if let Some(tail) = tail.strip_prefix("{{") {
                parts.text("{");
                tail
            } else if let Some(tail) = tail.strip_prefix("}}") {
                parts.text("}");
                tail
            } else {
                parts.variable(tail, "{", "}")
            };
        }
        parts.text(rest);
        Self { parts: parts.0 }
    }

    /// Reads `{{name}}`; every other brace is text.
    pub fn double(template: &str) -> Self {
        let mut parts = Parts::default();
        let mut rest = template;
        while let Some(at) = rest.find("{{") {
            parts.text(&rest[..at]);
            rest = parts.variable(&rest[at..], "{{", "}}");
        }
        parts.text(rest);
        Self { parts: parts.0 }
    }

    /// The variables in the order of their first use.
    pub fn variables(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for part in &self.parts {
            if let Part::Variable(name) = part
                && !names.contains(&name.as_str())
            {
                names.push(name);
            }
        }
        names
    }

    /// The template in the first spelling, whichever it was read in.
    pub fn to_format_string(&self) -> String {
        self.to_format_string_with(str::to_owned)
    }

    /// The same with other names for the variables.
    pub fn to_format_string_with(&self, mut rename: impl FnMut(&str) -> String) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(&text.replace('{', "{{").replace('}', "}}")),
                Part::Variable(name) => {
                    out.push('{');
                    out.push_str(&rename(name));
                    out.push('}');
                }
            }
        }
        out
    }

    /// Fills in the variables. Values are never read as templates themselves.
    pub fn render<'a>(&self, mut value: impl FnMut(&str) -> std::borrow::Cow<'a, str>) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Variable(name) => out.push_str(&value(name)),
            }
        }
        out
    }
}

#[derive(Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn text(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Part::Text(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.0.push(Part::Text(text.to_owned())),
        }
    }

    /// Takes a variable from the start of `tail`; what is no variable is one character of text.
    fn variable<'a>(&mut self, tail: &'a str, open: &str, close: &str) -> &'a str {
        let body = tail.strip_prefix(open).unwrap_or(tail);
        if tail.starts_with(open)
            && let Some(end) = body.find(close)
            && is_name(body[..end].trim())
        {
            self.0.push(Part::Variable(body[..end].trim().to_owned()));
            return &body[end + close.len()..];
        }
        let cut = tail.chars().next().map_or(0, char::len_utf8);
        self.text(&tail[..cut]);
        &tail[cut..]
    }
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}
