//! Settings of components as expressions: from an edge, from the environment or as they stand.

use serde_json::Value as Json;

use crate::code::{Expr, literal};
use crate::exporter::{Exporter, Kind, Value};
use crate::node::Node;

impl Exporter<'_> {
    /// A setting that is a text, from wherever it comes.
    pub(crate) fn text(&mut self, node: &Node, field: &str) -> Result<Expr, String> {
        match self.edge(node, field)? {
            Some(edge) => {
                let value = self.value(edge)?;
                as_text(value, field)
            }
            None => self.plain_text(node, field),
        }
    }

    /// A setting that is a text and is not connected.
    pub(crate) fn plain_text(&mut self, node: &Node, field: &str) -> Result<Expr, String> {
        if let Some(variable) = self.variable_of(node, field) {
            return Ok(variable);
        }
        match node.setting(field) {
            None | Some(Json::Null) => Ok(Expr::text("")),
            Some(Json::String(text)) => Ok(Expr::text(text)),
            Some(Json::Number(number)) => Ok(Expr::text(&number.to_string())),
            Some(_) => Err(format!("`{field}` is not a text")),
        }
    }

    /// The environment variable that stands for a setting that must not be written down.
    pub(crate) fn variable_of(&mut self, node: &Node, field: &str) -> Option<Expr> {
        let value = node.text(field)?;
        let name = if from_variable(node, field) {
            value.to_owned()
        } else if node.is_secret(field) {
            let name = format!("{}_{field}", node.display_name);
            crate::code::names::environment(&name)
        } else {
            return None;
        };
        Some(self.environment_variable(&name))
    }

    /// `os.environ["NAME"]`.
    pub(crate) fn environment_variable(&mut self, name: &str) -> Expr {
        self.environment.insert(name.to_owned());
        self.module.imports.module("os");
        Expr::Raw(format!("os.environ[{}]", literal::text(name)))
    }

    /// A table from an edge; a lone object is a table of one row.
    pub(crate) fn table(&mut self, node: &Node, field: &str) -> Result<Expr, String> {
        let edge = self.edge(node, field)?;
        let edge = edge.ok_or_else(|| format!("nothing is connected to `{field}`"))?;
        let value = self.value(edge)?;
        match value.kind {
            Kind::Table | Kind::Any => Ok(value.expr),
            Kind::Data => {
                self.module.imports.module("pandas as pd");
                let rows = Expr::List(vec![value.expr]);
                Ok(Expr::call("pd.DataFrame", vec![rows]))
            }
            Kind::Text | Kind::Model => Err(format!("`{field}` gets no table")),
        }
    }
}

/// Whether a setting holds the name of a variable instead of a value.
pub(crate) fn from_variable(node: &Node, field: &str) -> bool {
    let flag = node
        .template
        .get(field)
        .and_then(|it| it.get("load_from_db"));
    flag.and_then(Json::as_bool).unwrap_or(false)
}

fn as_text(value: Value, field: &str) -> Result<Expr, String> {
    match value.kind {
        Kind::Text | Kind::Any => Ok(value.expr),
        Kind::Data => Err(format!("`{field}` gets an object where a text belongs")),
        Kind::Table => Err(format!("`{field}` gets a table where a text belongs")),
        Kind::Model => Err(format!("`{field}` gets a model where a text belongs")),
    }
}

/// A setting that is a whole number, in whichever type the file has it.
pub(crate) fn integer(node: &Node, field: &str) -> Option<i64> {
    match node.setting(field)? {
        Json::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            (float.fract() == 0.0 && float.abs() < 1e15).then_some(float as i64)
        }),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A setting that is a number, in whichever type the file has it.
pub(crate) fn number(node: &Node, field: &str) -> Option<serde_json::Number> {
    match node.setting(field)? {
        Json::Number(number) => Some(number.clone()),
        Json::String(text) => serde_json::from_str(text.trim()).ok(),
        _ => None,
    }
}

/// A setting that is on or off.
pub(crate) fn flag(node: &Node, field: &str, default: bool) -> bool {
    match node.setting(field) {
        Some(Json::Bool(on)) => *on,
        Some(Json::String(text)) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => true,
            "false" | "0" | "no" => false,
            _ => default,
        },
        _ => default,
    }
}
