//! What of a flow can be tweaked, and of which type it is.

use serde_json::Value as Json;

use crate::code::names::{Names, snake};
use crate::flow::Flow;
use crate::node::Node;

/// A component that has settings.
pub(super) struct Component<'f> {
    pub(super) node: &'f Node,
    /// In lower case with underscores, unique in the flow.
    pub(super) name: String,
    pub(super) settings: Vec<Setting<'f>>,
}

/// One setting.
pub(super) struct Setting<'f> {
    pub(super) name: &'f str,
    pub(super) kind: Kind,
    /// What it is for, as the component says.
    pub(super) about: &'f str,
    /// Its value in the flow; none for a secret.
    pub(super) value: Option<&'f Json>,
}

/// The type of a setting.
pub(super) enum Kind {
    Text,
    Integer,
    Number,
    Flag,
    Object,
    /// One of these texts.
    OneOf(Vec<String>),
    List(Box<Kind>),
    Any,
}

/// The components of a flow in its order, without those that have nothing to set.
pub(super) fn components(flow: &Flow) -> Vec<Component<'_>> {
    let mut names = Names::default();
    let all = flow.nodes.iter().map(|node| {
        let settings: Vec<Setting<'_>> = node
            .template
            .iter()
            .filter_map(|(name, field)| setting(flow, node, name, field))
            .collect();
        (node, settings)
    });
    let some = all.filter(|(_, settings)| !settings.is_empty());
    some.map(|(node, settings)| Component {
        name: names.variable(&node.display_name),
        node,
        settings,
    })
    .collect()
}

fn setting<'f>(
    flow: &'f Flow,
    node: &'f Node,
    name: &'f str,
    field: &'f Json,
) -> Option<Setting<'f>> {
    // The code cannot be tweaked, and a connected setting gets its value from elsewhere.
    let connected = flow
        .edges_into(&node.id)
        .any(|edge| edge.field.as_deref() == Some(name));
    let field = field.as_object()?;
    let kind = field.get("type").and_then(Json::as_str).unwrap_or("str");
    if name == "code" || name.starts_with('_') || connected || kind == "code" {
        return None;
    }
    let listed = ["list", "is_list"]
        .iter()
        .any(|flag| field.get(*flag).and_then(Json::as_bool).unwrap_or(false));
    let one = match kind {
        "str" => one_of(field).unwrap_or(Kind::Text),
        "file" | "prompt" | "link" | "tab" | "query" | "mcp" => Kind::Text,
        "int" => Kind::Integer,
        "float" | "slider" => Kind::Number,
        "bool" => Kind::Flag,
        "dict" | "NestedDict" => Kind::Object,
        "table" | "model" | "tools" | "sortableList" => Kind::List(Box::new(Kind::Object)),
        _ => Kind::Any,
    };
    let kind = match one {
        Kind::List(_) => one,
        one if listed => Kind::List(Box::new(one)),
        one => one,
    };
    Some(Setting {
        name,
        kind,
        about: field.get("info").and_then(Json::as_str).unwrap_or_default(),
        value: if node.is_secret(name) {
            None
        } else {
            field.get("value")
        },
    })
}

/// The choices of a setting that accepts nothing else.
fn one_of(field: &serde_json::Map<String, Json>) -> Option<Kind> {
    let flag = |name: &str| field.get(name).and_then(Json::as_bool).unwrap_or(false);
    let options = field.get("options")?.as_array()?;
    let texts: Option<Vec<String>> = options
        .iter()
        .map(|it| it.as_str().map(str::to_owned))
        .collect();
    let texts = texts.filter(|texts| !texts.is_empty() && !flag("combobox"))?;
    // A list that the component fills while it is edited says little about later runs.
    (!flag("real_time_refresh") && !flag("refresh_button") && !flag("dynamic"))
        .then_some(Kind::OneOf(texts))
}

/// `simple_agent` as `SimpleAgent`; what is no word is `Flow`.
pub(super) fn pascal(name: &str) -> String {
    let words = snake(name);
    let words = words.split('_').filter(|word| !word.is_empty());
    let name: String = words
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        })
        .collect();
    if name.is_empty() {
        "Flow".to_owned()
    } else {
        name
    }
}

/// `simple_agent` as `simpleAgent`.
pub(super) fn camel(name: &str) -> String {
    let name = pascal(name);
    let (first, rest) = name.split_at(1);
    first.to_lowercase() + rest
}
