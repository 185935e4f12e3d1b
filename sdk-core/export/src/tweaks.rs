//! Tweaks: settings of components that hold for one run.

use serde_json::{Map, Value};

use crate::flow::Flow;
use crate::node::Node;

/// What a tweak that found no place was aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownTweakKind {
    /// No component has this id or display name.
    Component,
    /// The component has no such setting.
    Setting,
    /// The setting may not be changed from outside.
    Protected,
}

/// A tweak that found no place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownTweak {
    /// The component as the tweak names it.
    pub component: String,
    /// The setting; `None` where the component itself is unknown.
    pub setting: Option<String>,
    /// What is wrong.
    pub kind: UnknownTweakKind,
}

impl UnknownTweak {
    /// One sentence for people.
    pub fn message(&self) -> String {
        let component = &self.component;
        let setting = self.setting.as_deref().unwrap_or_default();
        match self.kind {
            UnknownTweakKind::Component => {
                format!("no component of this flow has the id or name `{component}`")
            }
            UnknownTweakKind::Setting => format!("`{component}` has no setting `{setting}`"),
            UnknownTweakKind::Protected => {
                format!("the setting `{setting}` of `{component}` cannot be tweaked")
            }
        }
    }
}

/// What became of the tweaks of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TweakReport {
    /// `(component id, setting)` of everything that was changed.
    pub applied: Vec<(String, String)>,
    /// Everything that found no place.
    pub unknown: Vec<UnknownTweak>,
}

impl Flow {
    /// Applies `{component id or display name: {setting: value}}` to this copy of a flow.
    ///
    /// A name that several components share means all of them. What finds no place is reported,
    /// because a tweak that silently does nothing is the hardest kind to notice.
    pub fn apply_tweaks(&mut self, tweaks: &Map<String, Value>) -> TweakReport {
        let mut report = TweakReport::default();
        for (component, settings) in tweaks {
            let by_id = self.nodes.iter().any(|node| node.id == *component);
            let meant = |node: &&mut Node| {
                if by_id {
                    node.id == *component
                } else {
                    node.display_name == *component
                }
            };
            let mut found = false;
            for node in self.nodes.iter_mut().filter(meant) {
                found = true;
                for (setting, value) in settings.as_object().into_iter().flatten() {
                    match set(node, setting, value) {
                        Ok(()) => report.applied.push((node.id.clone(), setting.clone())),
                        Err(kind) => report.unknown.push(UnknownTweak {
                            component: component.clone(),
                            setting: Some(setting.clone()),
                            kind,
                        }),
                    }
                }
            }
            if !found {
                report.unknown.push(UnknownTweak {
                    component: component.clone(),
                    setting: None,
                    kind: UnknownTweakKind::Component,
                });
            }
        }
        report
    }
}

fn set(node: &mut Node, setting: &str, value: &Value) -> Result<(), UnknownTweakKind> {
    if setting == "code" || setting.starts_with('_') {
        return Err(UnknownTweakKind::Protected);
    }
    if let Some(field) = node.template.get_mut(setting) {
        match field {
            Value::Object(field) => {
                field.insert("value".to_owned(), value.clone());
                // A value given for the run is meant as it stands, not as the name of a variable.
                field.remove("load_from_db");
            }
            plain => *plain = value.clone(),
        }
        return Ok(());
    }
    if setting == "model_name" {
        return set_model_name(node, value);
    }
    Err(UnknownTweakKind::Setting)
}

/// Since 1.8 the name of a model stands inside a list of models; the tweak kept its old name.
fn set_model_name(node: &mut Node, name: &Value) -> Result<(), UnknownTweakKind> {
    let field = node
        .template
        .get_mut("model")
        .and_then(Value::as_object_mut);
    let Some(field) = field else {
        return Err(UnknownTweakKind::Setting);
    };
    match field
        .get_mut("value")
        .and_then(Value::as_array_mut)
        .and_then(|list| list.first_mut())
    {
        Some(Value::Object(model)) => {
            model.insert("name".to_owned(), name.clone());
        }
        _ => {
            field.insert("value".to_owned(), serde_json::json!([{ "name": name }]));
        }
    }
    Ok(())
}
