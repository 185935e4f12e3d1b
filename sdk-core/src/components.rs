//! What an open-source server's flow consists of, kept for a while: such a server passes over tweaks
//! that it does not know.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Client;
use crate::dialect::v2;
use crate::error::{ErrorCode, LangflowError};
use crate::job::asked::Asked;
use crate::options::CallOptions;
use crate::platform::Instant;
use crate::tweaks::{components, resolve, resolve_known};

/// Flows as far as tweaks are concerned, kept for a while.
#[derive(Debug, Default)]
pub(crate) struct Flows(Mutex<Vec<(String, Instant, Arc<Value>)>>);

impl Flows {
    const MOST: usize = 64;
    const TIME: Duration = Duration::from_secs(60);

    fn get(&self, id: &str) -> Option<Arc<Value>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all
            .iter()
            .find(|(known, read, _)| known == id && read.elapsed() < Self::TIME);
        found.map(|(_, _, flow)| flow.clone())
    }

    fn keep(&self, id: &str, flow: &Value) {
        let nodes: Vec<Value> = components(flow)
            .into_iter()
            .map(|component| {
                let fields = component.template.map(|template| {
                    let known = template.iter().filter(|(_, value)| !value.is_null());
                    Value::Object(known.map(|(name, _)| (name.clone(), true.into())).collect())
                });
                let node = json!({"display_name": component.display_name, "template": fields});
                json!({"id": component.id, "data": {"node": node}})
            })
            .collect();
        let flow = Arc::new(json!({ "nodes": nodes }));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(known, _, _)| known != id);
        if all.len() >= Self::MOST {
            all.remove(0);
        }
        all.push((id.to_owned(), Instant::now(), flow));
    }
}

impl Client {
    /// The tweaks of a run on an open-source server by component id: it passes over what it does not
    /// know without a word. The flow is asked for once a minute at most, by its id, which is looked up for
    /// one that is named by its endpoint; where it cannot be read they stay as they are.
    pub(crate) async fn known_components(
        &self,
        flow_id: &str,
        tweaks: Value,
        options: &CallOptions,
    ) -> Result<Value, LangflowError> {
        let named = tweaks.as_object().is_some_and(|all| !all.is_empty());
        if !named {
            return Ok(tweaks);
        }
        if let Some(flow) = self.shared.flows.get(flow_id)
            && let Ok(resolved) = resolve(&flow, &tweaks)
        {
            return Ok(resolved);
        }
        // What is kept may be older than a component that it lacks.
        match self.read_components(flow_id, options).await? {
            Some(flow) => resolve_known(&flow, tweaks),
            None => Ok(tweaks),
        }
    }

    /// Refuses ids of outputs that the flow does not have, before it runs. As far as the flow can be
    /// read, as for tweaks.
    pub(crate) async fn check_outputs(
        &self,
        flow_id: &str,
        ids: &[String],
        options: &CallOptions,
    ) -> Result<(), LangflowError> {
        let lacks = |flow: &Value| -> Option<(String, String)> {
            let there: Vec<&str> = components(flow).iter().map(|it| it.id).collect();
            let lacks = ids.iter().find(|id| !there.contains(&id.as_str()))?;
            (!there.is_empty()).then(|| (lacks.clone(), there.join(", ")))
        };
        if let Some(flow) = self.shared.flows.get(flow_id)
            && lacks(&flow).is_none()
        {
            return Ok(());
        }
        let flow = self.read_components(flow_id, options).await?;
        let Some((id, there)) = flow.as_ref().and_then(lacks) else {
            return Ok(());
        };
        let message = format!("The flow has no component `{id}`; it has {there}.");
        Err(LangflowError::invalid_input("output_ids", message))
    }

    /// The flow, if it can be read.
    async fn read_components(
        &self,
        flow_id: &str,
        options: &CallOptions,
    ) -> Result<Option<Value>, LangflowError> {
        let options = CallOptions {
            idempotency_key: None,
            ..options.clone()
        };
        let read = async {
            let id = self.flow_uuid_with(flow_id, options.clone()).await?;
            let mut asked = Asked::of(&v2::FLOW, [("flow_id", &id)], None);
            asked.options = options;
            self.asked(asked).await
        };
        match read.await {
            Ok(flow) => {
                self.shared.flows.keep(flow_id, &flow);
                Ok(Some(flow))
            }
            Err(error) if error.is(ErrorCode::Cancelled) || error.is(ErrorCode::ClientClosed) => {
                Err(error)
            }
            _ => Ok(None),
        }
    }
}
