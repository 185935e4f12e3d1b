//! One component of a flow: its class, its settings and its outputs.

use serde_json::{Map, Value};

use crate::flow::{FlowError, shape};

/// An output of a component, as far as the file lists them (formats before 1.0 do not).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The name that edges use.
    pub name: String,
    /// The types that it yields: `Message`, `Data`, `LanguageModel`, `Tool`, ...
    pub types: Vec<String>,
    /// The method of the component that yields it, as far as the file says.
    pub method: Option<String>,
}

/// One component of a flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The id, such as `OpenAIModel-x1y2z`; unique in the flow.
    pub id: String,
    /// The `type` as the file spells it, such as `ext:openai:OpenAIModelComponent@official`.
    pub kind: String,
    /// The class that runs: the last part of `metadata.module` if that is a class, or else the
    /// bare type.
    pub class: String,
    /// The name that people see, which tweaks may use as well.
    pub display_name: String,
    /// The settings by name, each with its `value` and what the editor knows of it.
    pub template: Map<String, Value>,
    /// The outputs that the file lists.
    pub outputs: Vec<Output>,
    /// Whether somebody edited the code of the component, so that its class says little.
    pub edited: bool,
    /// Whether it is frozen in the editor, so that Langflow may answer with an earlier result.
    pub(crate) frozen: bool,
    /// The version of Langflow that wrote it, as far as the file says.
    pub(crate) version: Option<String>,
    /// Whether the node is a group that holds a flow of its own.
    pub group: bool,
    /// Whether the component comes with Langflow or one of its extensions.
    pub(crate) official: bool,
    note: bool,
}

impl Node {
    pub(crate) fn parse(value: &Value, field: &str) -> Result<Self, FlowError> {
        let data = value.get("data").unwrap_or(&Value::Null);
        let id = value
            .get("id")
            .or_else(|| data.get("id"))
            .unwrap_or(&Value::Null);
        let id = match id.as_str() {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => {
                return Err(shape(
                    &format!("{field}.id"),
                    "a string that is not empty",
                    id,
                ));
            }
        };
        let node = data.get("node").unwrap_or(&Value::Null);
        let kind = string(data, "type").unwrap_or_default();
        let note = string(value, "type").as_deref() == Some("noteNode") || kind == "note";
        if !note && kind.is_empty() {
            let found = data.get("type").unwrap_or(&Value::Null);
            return Err(shape(
                &format!("{field}.data.type"),
                "the type of a component",
                found,
            ));
        }
        let template = match node.get("template") {
            Some(Value::Object(template)) => template.clone(),
            None | Some(Value::Null) => Map::new(),
            Some(other) => {
                return Err(shape(
                    &format!("{field}.data.node.template"),
                    "an object",
                    other,
                ));
            }
        };
        Ok(Self {
            class: class_of(node, &kind),
            display_name: string(node, "display_name").unwrap_or_else(|| kind.clone()),
            outputs: outputs_of(node),
            edited: node.get("edited").and_then(Value::as_bool).unwrap_or(false),
            frozen: node.get("frozen").and_then(Value::as_bool).unwrap_or(false),
            version: string(node, "lf_version"),
            group: node.get("flow").is_some_and(Value::is_object),
            official: is_official(node),
            id,
            kind,
            template,
            note,
        })
    }

    pub(crate) fn is_note(&self) -> bool {
        self.note
    }

    /// The value of a setting, wherever the format keeps it; `None` where there is none.
    pub fn setting(&self, name: &str) -> Option<&Value> {
        match self.template.get(name)? {
            Value::Object(field) => field.get("value"),
            plain => Some(plain),
        }
    }

    /// The value of a setting as text; other types and the empty string count as unset.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.setting(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    /// Whether a setting holds a secret, which must never be shown.
    pub fn is_secret(&self, name: &str) -> bool {
        let flag = self
            .template
            .get(name)
            .and_then(|field| field.get("password"));
        flag.and_then(Value::as_bool).unwrap_or(false)
    }

    /// The settings that take part in a run: no code, no secrets, nothing that is only display.
    pub fn settings(&self) -> Map<String, Value> {
        let shown = self.template.keys().filter(|name| {
            !name.starts_with('_') && name.as_str() != "code" && !self.is_secret(name)
        });
        let pairs = shown.filter_map(|name| Some((name.clone(), self.setting(name)?.clone())));
        pairs.collect()
    }
}

/// Components of Langflow name the module that they come from.
fn is_official(node: &Value) -> bool {
    let metadata = node.get("metadata").unwrap_or(&Value::Null);
    let module = string(metadata, "module").unwrap_or_default();
    let root = module.split('.').next().unwrap_or_default();
    root == "langflow" || root == "lfx" || root.starts_with("lfx_")
}

/// Extension components carry a namespace and a channel around the name of their class.
fn class_of(node: &Value, kind: &str) -> String {
    let metadata = node.get("metadata").unwrap_or(&Value::Null);
    let module = string(metadata, "module");
    // Extensions name a module here, which tells nothing; a class begins with a capital letter.
    if let Some(class) = module.as_deref().and_then(|path| path.rsplit('.').next())
        && class.starts_with(char::is_uppercase)
    {
        return class.to_owned();
    }
    let bare = kind.rsplit(':').next().unwrap_or(kind);
    bare.split('@').next().unwrap_or(bare).to_owned()
}

fn outputs_of(node: &Value) -> Vec<Output> {
    let list = node.get("outputs").and_then(Value::as_array);
    let named = list.into_iter().flatten().filter_map(|output| {
        let types = output.get("types").and_then(Value::as_array);
        let types = types.into_iter().flatten().filter_map(Value::as_str);
        Some(Output {
            name: string(output, "name")?,
            types: types.map(str::to_owned).collect(),
            method: string(output, "method"),
        })
    });
    named.collect()
}

fn string(value: &Value, key: &str) -> Option<String> {
    value
        .get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}
