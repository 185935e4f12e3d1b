//! Expressions that know how the formatter breaks them.

use super::literal;

/// The longest line that the formatter leaves alone.
pub(crate) const WIDTH: usize = 88;

/// A Python expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expr {
    /// Code as it stands, on one line.
    Raw(String),
    /// A text literal; long ones of several lines may be triple-quoted.
    Text(String),
    /// `head(arguments)`, where the head may be a name or a dotted path.
    Call(String, Vec<Expr>),
    /// `value for name in values` as the only argument of a call.
    Each(String),
    /// `name=value` as an argument.
    Named(String, Box<Expr>),
    /// `[items]`.
    List(Vec<Expr>),
    /// `(items)`, at least two.
    Tuple(Vec<Expr>),
    /// `{key: value}`.
    Dict(Vec<(Expr, Expr)>),
}

impl Expr {
    pub(crate) fn raw(code: &str) -> Self {
        Self::Raw(code.to_owned())
    }

    pub(crate) fn text(value: &str) -> Self {
        Self::Text(value.to_owned())
    }

    pub(crate) fn call(head: &str, arguments: Vec<Expr>) -> Self {
        Self::Call(head.to_owned(), arguments)
    }

    pub(crate) fn named(name: &str, value: Expr) -> Self {
        Self::Named(name.to_owned(), Box::new(value))
    }

    /// Whether this stands for the empty text.
    pub(crate) fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }

    /// The expression on one line.
    pub(crate) fn flat(&self) -> String {
        let join = |items: &[Expr]| items.iter().map(Self::flat).collect::<Vec<_>>().join(", ");
        match self {
            Self::Raw(code) | Self::Each(code) => code.clone(),
            Self::Text(value) => literal::text(value),
            Self::Call(head, items) => format!("{head}({})", join(items)),
            Self::Named(name, value) => format!("{name}={}", value.flat()),
            Self::List(items) => format!("[{}]", join(items)),
            Self::Tuple(items) => format!("({})", join(items)),
            Self::Dict(pairs) => {
                let pairs = pairs
                    .iter()
                    .map(|(k, v)| format!("{}: {}", k.flat(), v.flat()));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// The expression at an indentation, after `before` characters and before `after` ones of the
    /// same line; broken up where it does not fit.
    pub(crate) fn render(&self, indent: usize, before: usize, after: usize) -> String {
        let flat = self.flat();
        if before + flat.chars().count() + after <= WIDTH {
            return flat;
        }
        let (open, items, close) = match self {
            Self::Raw(_) | Self::Text(_) | Self::Each(_) => return flat,
            Self::Named(name, value) => {
                let inner = value.render(indent, before + name.chars().count() + 1, after);
                return format!("{name}={inner}");
            }
            Self::Call(_, items) if items.is_empty() => return flat,
            Self::Call(head, items) if matches!(items.as_slice(), [Self::Each(_)]) => {
                let mut inner = items[0].flat();
                let pad = " ".repeat(indent);
                if indent + 4 + inner.chars().count() > WIDTH
                    && let Some(at) = inner.rfind(" for ")
                {
                    inner.replace_range(at..=at, &format!("\n{pad}    "));
                }
                return format!("{head}(\n{pad}    {inner}\n{pad})");
            }
            Self::Call(head, items) => (format!("{head}("), lines(items, indent), ")"),
            Self::List(items) => ("[".to_owned(), lines(items, indent), "]"),
            Self::Tuple(items) => ("(".to_owned(), lines(items, indent), ")"),
            Self::Dict(pairs) => {
                let inner = indent + 4;
                let pairs = pairs.iter().map(|(key, value)| {
                    let key = key.flat();
                    let value = value.render(inner, inner + key.chars().count() + 2, 1);
                    format!("{}{key}: {value},\n", " ".repeat(inner))
                });
                ("{".to_owned(), pairs.collect(), "}")
            }
        };
        format!("{open}\n{items}{}{close}", " ".repeat(indent))
    }

    /// `prefix` and the expression as one statement, without the line's end.
    pub(crate) fn statement(&self, prefix: &str, indent: usize) -> String {
        let before = indent + prefix.chars().count();
        let mut code = self.render(indent, before, 0);
        let long = before + code.chars().count() > WIDTH && !code.contains('\n');
        // The formatter puts what has no brackets of its own into brackets where that helps.
        if long && prefix.ends_with("= ") && indent + 4 + code.chars().count() <= WIDTH {
            let pad = " ".repeat(indent);
            code = format!("(\n{pad}    {code}\n{pad})");
        }
        format!("{}{prefix}{code}", " ".repeat(indent))
    }
}

fn lines(items: &[Expr], indent: usize) -> String {
    let inner = indent + 4;
    let pad = " ".repeat(inner);
    items
        .iter()
        .map(|item| format!("{pad}{},\n", item.render(inner, inner, 1)))
        .collect()
}
