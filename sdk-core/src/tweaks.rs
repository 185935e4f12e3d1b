//! Tweaks against the flow: which component is meant, and whether it has such a parameter.

use serde_json::{Map, Value, json};

use crate::boundary::{Args, Entry, Invoked};
use crate::client::Client;
use crate::error::{ErrorCode, LangflowError};
use crate::platform;
use crate::request::check_segment;

/// Refuses what no server understands: `{component: {parameter: value}}` it has to be.
pub(crate) fn check_shape(value: &Value) -> Result<&Map<String, Value>, LangflowError> {
    let Some(components) = value.as_object() else {
        return Err(crate::options::refuse(
            "tweaks",
            "an object {component id: {parameter: value}}",
            value,
        ));
    };
    for (component, settings) in components {
        if component.is_empty() {
            return Err(LangflowError::invalid_input(
                "tweaks",
                "`tweaks` has an empty component id.",
            ));
        }
        if !settings.is_object() {
            let field = format!("tweaks.{component}");
            return Err(crate::options::refuse(
                &field,
                "an object {parameter: value}",
                settings,
            ));
        }
    }
    Ok(components)
}

/// A component of a flow, as far as tweaks are concerned.
#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) id: String,
    display_name: String,
    /// Names of what can be changed, where the flow says it.
    parameters: Option<Vec<String>>,
}

/// The components of a flow file or of a flow as the API shows it; notes are none.
pub(crate) fn components(flow: &Value) -> Vec<Component> {
    let graph = flow.get("data").unwrap_or(flow);
    let nodes = graph.get("nodes").and_then(Value::as_array);
    nodes
        .into_iter()
        .flatten()
        .filter(|node| node.get("type").and_then(Value::as_str) != Some("noteNode"))
        .filter_map(|node| {
            let data = node.get("data");
            let inner = data.and_then(|data| data.get("node"));
            let id = node.get("id").or_else(|| data?.get("id"))?.as_str()?;
            let name = inner.and_then(|inner| inner.get("display_name")?.as_str());
            let template = inner.and_then(|inner| inner.get("template")?.as_object());
            let parameters = template.map(|template| {
                let known =
                    |(name, value): &(&String, &Value)| !name.starts_with('_') && !value.is_null();
                let known = template.iter().filter(known);
                known.map(|(name, _)| name.clone()).collect()
            });
            Some(Component {
                id: id.to_owned(),
                display_name: name.unwrap_or_default().to_owned(),
                parameters,
            })
        })
        .collect()
}

/// The tweaks by component id. Names are looked up in the flow: the id first, then the display
/// name; a name that several components have is refused with their ids.
///
/// # Errors
/// `invalid_input` naming the component or the parameter, with what there is instead.
pub(crate) fn resolve(there: &[Component], tweaks: &Value) -> Result<Value, LangflowError> {
    let mut resolved = Map::new();
    for (name, settings) in check_shape(tweaks)? {
        let field = format!("tweaks.{name}");
        let component = find(there, name, &field)?;
        let settings = settings.as_object().cloned().unwrap_or_default();
        if let Some(has) = &component.parameters
            && let Some(unknown) = settings.keys().find(|name| !has.contains(name))
        {
            let message = format!(
                "The component {} has no parameter `{unknown}`; it has {}.",
                component.id,
                listed(has.iter().map(String::as_str))
            );
            return Err(LangflowError::invalid_input(
                &format!("{field}.{unknown}"),
                message,
            ));
        }
        if resolved
            .insert(component.id.clone(), settings.into())
            .is_some()
        {
            let message = format!("The component {} is tweaked twice.", component.id);
            return Err(LangflowError::invalid_input(&field, message));
        }
    }
    Ok(resolved.into())
}

/// As [`resolve`], where it may be something else than the flow that was read.
pub(crate) fn resolve_known(flow: &Value, tweaks: Value) -> Result<Value, LangflowError> {
    let there = components(flow);
    match there.is_empty() {
        true => Ok(tweaks),
        false => resolve(&there, &tweaks),
    }
}

fn find<'a>(
    there: &'a [Component],
    name: &str,
    field: &str,
) -> Result<&'a Component, LangflowError> {
    if let Some(found) = there.iter().find(|component| component.id == name) {
        return Ok(found);
    }
    let named = || there.iter().filter(|it| it.display_name == name);
    let (mut first, ids) = (named(), |it: &'a Component| it.id.as_str());
    let message = match (first.next(), first.next()) {
        (Some(only), None) => return Ok(only),
        (None, _) => {
            let all = listed(there.iter().map(ids));
            format!("The flow has no component `{name}`; it has {all}.")
        }
        _ => format!(
            "{} components are called `{name}`: use one of the ids {}.",
            named().count(),
            listed(named().map(ids))
        ),
    };
    Err(LangflowError::invalid_input(field, message))
}

pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.as_slice() {
        [] => "none".to_owned(),
        names if names.len() > 30 => {
            format!("{} and {} more", names[..30].join(", "), names.len() - 30)
        }
        names => names.join(", "),
    }
}

/// Whether a name is no id: ids are made as `Type-suffix`.
pub(crate) fn has_names(tweaks: &Value) -> bool {
    let components = tweaks.as_object();
    components.is_some_and(|all| all.keys().any(|name| !name.contains('-')))
}

impl Client {
    /// The tweaks by component id, checked against the flow.
    ///
    /// # Errors
    /// `invalid_input` where a component or a parameter is unknown or a name is ambiguous; else
    /// what became of reading the flow.
    pub async fn check_tweaks(
        &self,
        flow_id: &str,
        tweaks: &Value,
    ) -> Result<Value, LangflowError> {
        check_shape(tweaks)?;
        check_segment("flow_id", flow_id)?;
        let flow = self.flow(flow_id).await?;
        resolve(&components(&flow), tweaks)
    }

    async fn flow(&self, flow_id: &str) -> Result<Value, LangflowError> {
        let args = Map::from_iter([("flow_id".to_owned(), flow_id.into())]);
        self.ask("getFlow", args).await
    }

    /// Tweaks that name a component by its display name, with ids in their place. Where the flow
    /// cannot be read they stay as they are: the server may know the name.
    pub(crate) async fn name_components(
        &self,
        flow_id: &str,
        tweaks: Value,
    ) -> Result<Value, LangflowError> {
        if !has_names(&tweaks) {
            return Ok(tweaks);
        }
        match self.flow(flow_id).await {
            // A gateway may answer with something else than the flow.
            Ok(flow) => resolve_known(&flow, tweaks),
            Err(error) if error.is(ErrorCode::Cancelled) => Err(error),
            _ => Ok(tweaks),
        }
    }
}

/// `tweaks.check {flow_id, tweaks, flow?}` answers with `{tweaks}`, by component id. With `flow`, a
/// flow file, nothing is sent.
pub(crate) const INVOKE: &[Entry] = &[Entry {
    name: "tweaks.check",
    run: check,
}];

fn check(client: Client, mut args: Args) -> Invoked {
    platform::boxed(async move {
        let tweaks = args.need("tweaks")?;
        let (flow, flow_id) = (args.take("flow"), args.text("flow_id")?);
        args.done()?;
        let resolved = match (flow, flow_id) {
            (Some(flow), _) => resolve(&components(&flow), &tweaks)?,
            (None, Some(id)) => client.check_tweaks(&id, &tweaks).await?,
            (None, None) => {
                let message = "`flow_id` is missing.";
                return Err(LangflowError::invalid_input("flow_id", message));
            }
        };
        Ok(json!({"tweaks": resolved}))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow() -> Value {
        json!({"data": {"nodes": [
            {"id": "A-1", "data": {"node": {"display_name": "Chat Input", "template": {"input_value": {"value": ""}, "_type": "x"}}}},
            {"id": "B-1", "data": {"node": {"display_name": "Model", "template": {"temperature": {"value": 0}}}}},
            {"id": "B-2", "data": {"node": {"display_name": "Model", "template": {"temperature": {"value": 0}}}}},
            {"id": "note-1", "type": "noteNode", "data": {"node": {"display_name": "Note"}}},
        ], "edges": []}})
    }

    #[test]
    fn by_id_and_by_name() {
        let tweaks = json!({"Chat Input": {"input_value": "x"}, "B-2": {"temperature": 1}});
        let expected = json!({"A-1": {"input_value": "x"}, "B-2": {"temperature": 1}});
        assert_eq!(resolve(&components(&flow()), &tweaks).unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (tweaks, field, says) in [
            (
                json!({"Model": {"temperature": 1}}),
                "tweaks.Model",
                "B-1, B-2",
            ),
            (json!({"Modell": {}}), "tweaks.Modell", "A-1, B-1, B-2."),
            (
                json!({"B-1": {"temprature": 1}}),
                "tweaks.B-1.temprature",
                "it has temperature.",
            ),
            (
                json!({"A-1": {"_type": 1}}),
                "tweaks.A-1._type",
                "it has input_value.",
            ),
            (
                json!({"A-1": {}, "Chat Input": {}}),
                "tweaks.Chat Input",
                "twice",
            ),
            (json!({"A-1": 5}), "tweaks.A-1", "an object"),
            (json!([]), "tweaks", "an object"),
        ] {
            let error = resolve(&components(&flow()), &tweaks).unwrap_err();
            assert_eq!(error.info().field.as_deref(), Some(field), "{tweaks}");
            assert!(error.info().message.contains(says), "{error}");
        }
    }
}
