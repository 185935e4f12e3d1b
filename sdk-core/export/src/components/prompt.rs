//! Prompts, alone or as part of a chain.

use crate::code::{Expr, names};
use crate::exporter::{Exporter, Kind, Value};
use crate::node::Node;
use crate::prompt::PromptTemplate;
use crate::settings::flag;

/// A template in the spelling of Python's format strings, with its variables.
pub(crate) struct Template {
    pub(crate) text: String,
    pub(crate) variables: Vec<String>,
}

/// Reads the template of a prompt; one that Langflow could not fill in either is refused.
pub(crate) fn template(node: &Node) -> Result<Template, String> {
    let source = node.text("template").unwrap_or_default();
    let double = flag(node, "use_double_brackets", false);
    let parsed = if double {
        PromptTemplate::double(source)
    } else {
        PromptTemplate::single(source)
    };
    let text = parsed.to_format_string();
    if !double && text != source {
        return Err(
            "its template has braces that are neither a variable nor doubled; write `{{` and \
             `}}` for braces that are meant as such"
                .to_owned(),
        );
    }
    if double && has_spaced(source) {
        return Err(
            "its template has spaces inside of double brackets, which Langflow refuses; write \
             `{{name}}`"
                .to_owned(),
        );
    }
    let variables = parsed.variables().into_iter().map(str::to_owned).collect();
    Ok(Template { text, variables })
}

/// Whether a prompt has one reader, so that it can be part of that reader's chain.
pub(crate) fn is_folded(out: &Exporter<'_>, node: &Node) -> bool {
    use crate::kinds::Class;
    let mut edges = out.flow.edges.iter().filter(|edge| edge.source == node.id);
    let (Some(edge), None) = (edges.next(), edges.next()) else {
        return false;
    };
    let target = out.flow.node(&edge.target).map(Class::of);
    matches!(target, Some(Class::LanguageModel | Class::ProviderModel))
        && matches!(
            edge.field.as_deref(),
            Some("system_message" | "input_value")
        )
}

pub(crate) fn emit(out: &mut Exporter<'_>, node: &Node) -> Result<(), String> {
    let template = template(node)?;
    if is_folded(out, node) {
        return Ok(());
    }
    let values = values(out, node, &template)?;
    let value = if template.variables.is_empty() {
        // Doubled braces are single ones once the template is filled in.
        let text = PromptTemplate::single(&template.text).render(|_| "".into());
        out.text_constant(&node.display_name, &text, node)
    } else {
        let constant = out.text_constant(&node.display_name, &template.text, node);
        let call = Expr::call(&format!("{}.format", constant.flat()), keywords(values));
        let variable = out.names.variable(&node.display_name);
        out.assign(&variable, &call);
        Expr::Raw(variable)
    };
    out.yields(
        node,
        "prompt",
        Value {
            expr: value,
            kind: Kind::Text,
        },
    );
    Ok(())
}

/// What the variables of a prompt stand for; what is not set is empty.
pub(crate) fn values(
    out: &mut Exporter<'_>,
    node: &Node,
    template: &Template,
) -> Result<Vec<(String, Expr)>, String> {
    let mut values = Vec::new();
    for name in &template.variables {
        let value = match out.text(node, name)? {
            Expr::Text(text) => out.text_constant(name, &text, node),
            other => other,
        };
        values.push((name.clone(), value));
    }
    Ok(values)
}

/// Arguments by name, as far as Python can spell the names.
fn keywords(values: Vec<(String, Expr)>) -> Vec<Expr> {
    if values.iter().all(|(name, _)| names::is_plain(name)) {
        let named = values
            .iter()
            .map(|(name, value)| Expr::named(name, value.clone()));
        return named.collect();
    }
    let pairs = values
        .into_iter()
        .map(|(name, value)| (Expr::text(&name), value));
    let dict = Expr::Dict(pairs.collect());
    vec![Expr::Raw(format!("**{}", dict.flat()))]
}

/// Whether a variable in double brackets has spaces around its name.
fn has_spaced(source: &str) -> bool {
    source.split("{{").skip(1).any(|rest| {
        rest.split_once("}}")
            .is_some_and(|(name, _)| name != name.trim() && names::is_plain(name.trim()))
    })
}
