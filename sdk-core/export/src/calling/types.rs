//! Typed tweaks: what a flow lets one set, as types of the language that sets it.

use std::fmt::Write as _;

use super::settings::{Component, Kind, camel, components, pascal};
use crate::code::{literal, names};
use crate::flow::Flow;

/// A language that tweaks can be typed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypesLanguage {
    /// A module for `mypy --strict`.
    Python,
    /// A module for `tsc --strict`.
    TypeScript,
}

/// The tweaks of a flow as types: one for each component, named as people see it, one for all of
/// them, and the way from there to what a run takes.
pub fn tweak_types(flow: &Flow, language: TypesLanguage) -> String {
    let all = components(flow);
    match language {
        TypesLanguage::Python => python(flow, &all),
        TypesLanguage::TypeScript => typescript(flow, &all),
    }
}

/// `Name (id)`, as a remark.
fn title(component: &Component<'_>) -> String {
    let (name, id) = (&component.node.display_name, &component.node.id);
    literal::remark(&format!("{name} ({id})"))
}

fn flow_title(flow: &Flow) -> String {
    match literal::remark(&flow.name) {
        name if name.is_empty() => "a flow".to_owned(),
        name => format!("the flow {name}"),
    }
}

fn class_name(component: &Component<'_>) -> String {
    format!("{}Tweaks", pascal(&component.name))
}

/// The class of all tweaks, which no component's may be called.
fn whole_name(flow: &Flow, all: &[Component<'_>]) -> String {
    let mut name = format!("{}Tweaks", pascal(&flow.name));
    while all.iter().any(|it| class_name(it) == name) {
        name.insert_str(0, "Flow");
    }
    name
}

fn python_kind(kind: &Kind) -> String {
    match kind {
        Kind::Text => "str".to_owned(),
        Kind::Integer => "int".to_owned(),
        Kind::Number => "float".to_owned(),
        Kind::Flag => "bool".to_owned(),
        Kind::Object => "dict[str, Any]".to_owned(),
        Kind::OneOf(texts) => {
            let texts: Vec<String> = texts.iter().map(|it| literal::text(it)).collect();
            format!("Literal[{}]", texts.join(", "))
        }
        Kind::List(one) => format!("list[{}]", python_kind(one)),
        Kind::Any => "Any".to_owned(),
    }
}

fn python(flow: &Flow, all: &[Component<'_>]) -> String {
    let whole = whole_name(flow, all);
    let mut out = format!(
        "\"\"\"What can be set in {} for one run.\"\"\"\n\n\
         from __future__ import annotations\n\n\
         from dataclasses import dataclass, field\n\
         from typing import Any, Dict, List, Literal, TypedDict\n",
        flow_title(flow)
    );
    let mut body = String::new();
    for component in all {
        let name = class_name(component);
        let kinds = component.settings.iter().map(|setting| {
            let own = python_kind(&setting.kind);
            (setting.name, own)
        });
        if component.settings.iter().all(|it| is_field(it.name)) {
            let _ = write!(
                body,
                "\n\nclass {name}(TypedDict, total=False):\n    \"\"\"{}.\"\"\"\n\n",
                title(component)
            );
            for (field, kind) in kinds {
                let _ = writeln!(body, "    {field}: {kind}");
            }
        } else {
            let _ = write!(
                body,
                "\n\n# {}.\n{name} = TypedDict(\n    \"{name}\",\n    {{\n",
                title(component)
            );
            for (field, kind) in kinds {
                // This form is evaluated, on versions without `list[...]` as well.
                let kind = kind.replace("list[", "List[").replace("dict[", "Dict[");
                let _ = writeln!(body, "        {}: {kind},", literal::text(field));
            }
            body.push_str("    },\n    total=False,\n)\n");
        }
    }
    let _ = write!(
        body,
        "\n\n@dataclass\nclass {whole}:\n    \"\"\"Tweaks of {}, by component.\"\"\"\n\n",
        flow_title(flow)
    );
    for component in all {
        let class = class_name(component);
        let name = &component.name;
        let _ = writeln!(body, "    {name}: {class} = field(default_factory={class})");
    }
    body.push_str(
        "\n    def to_dict(self) -> dict[str, dict[str, Any]]:\n        \
         \"\"\"The tweaks as a run takes them.\"\"\"\n        \
         found: dict[str, dict[str, Any]] = {\n",
    );
    for component in all {
        let id = literal::text(&component.node.id);
        let _ = writeln!(body, "            {id}: {{**self.{}}},", component.name);
    }
    body.push_str(
        "        }\n        \
         return {component: settings for component, settings in found.items() if settings}\n",
    );
    // Only what is used is imported.
    for (word, mark) in [
        ("Any, ", "Any"),
        ("Dict, ", "Dict["),
        ("List, ", "List["),
        ("Literal, ", "Literal["),
    ] {
        if !body.contains(mark) {
            out = out.replace(word, "");
        }
    }
    if all.is_empty() {
        out = out.replace("import dataclass, field", "import dataclass");
        out = out.replace(", TypedDict", "");
    }
    out + &body
}

/// Whether a setting can be a field of a class: no keyword, nothing that Python renames.
fn is_field(name: &str) -> bool {
    names::is_plain(name) && !name.starts_with("__")
}

fn typescript_kind(kind: &Kind) -> String {
    match kind {
        Kind::Text => "string".to_owned(),
        Kind::Integer | Kind::Number => "number".to_owned(),
        Kind::Flag => "boolean".to_owned(),
        Kind::Object => "Record<string, langflow.JsonValue>".to_owned(),
        Kind::OneOf(texts) => {
            let texts: Vec<String> = texts.iter().map(|it| quoted(it)).collect();
            texts.join(" | ")
        }
        Kind::List(one) => match one.as_ref() {
            Kind::OneOf(_) => format!("({})[]", typescript_kind(one)),
            one => format!("{}[]", typescript_kind(one)),
        },
        Kind::Any => "langflow.JsonValue".to_owned(),
    }
}

/// A text as JavaScript has it: JSON is a part of that language.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A remark that cannot end its comment.
pub(super) fn comment(text: &str) -> String {
    literal::remark(text).replace("*/", "* /")
}

fn typescript(flow: &Flow, all: &[Component<'_>]) -> String {
    let whole = whole_name(flow, all);
    let mut out = format!(
        "/** What can be set in {} for one run. */\n\
         import type * as langflow from 'langflow-client';\n",
        comment(&flow_title(flow))
    );
    for component in all {
        let _ = write!(
            out,
            "\n/** {}. */\nexport interface {} {{\n",
            comment(&title(component)),
            class_name(component)
        );
        for setting in &component.settings {
            if !setting.about.is_empty() {
                let _ = writeln!(out, "  /** {} */", comment(setting.about));
            }
            let name = match names::is_plain(setting.name) {
                true => setting.name.to_owned(),
                false => quoted(setting.name),
            };
            let _ = writeln!(out, "  {name}?: {};", typescript_kind(&setting.kind));
        }
        out.push_str("}\n");
    }
    let _ = write!(
        out,
        "\n/** Tweaks of {}, by component. */\nexport interface {whole} {{\n",
        comment(&flow_title(flow))
    );
    for component in all {
        let (name, class) = (camel(&component.name), class_name(component));
        let _ = writeln!(out, "  {name}?: {class};");
    }
    let _ = write!(
        out,
        "}}\n\n/** The tweaks as a run takes them. */\n\
         export function toTweaks(tweaks: {whole}): langflow.Tweaks {{\n  \
         const found: Record<string, Record<string, langflow.JsonValue>> = {{}};\n"
    );
    for component in all {
        let (name, id) = (camel(&component.name), quoted(&component.node.id));
        let _ = writeln!(
            out,
            "  if (tweaks.{name} !== undefined)\n    \
             found[{id}] = {{ ...tweaks.{name} }} as Record<string, langflow.JsonValue>;"
        );
    }
    if all.is_empty() {
        out.push_str("  void tweaks;\n");
    }
    out.push_str("  return found;\n}\n");
    out
}
