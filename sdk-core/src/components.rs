//! What an open-source server's flow consists of, kept for a while: such a server passes over tweaks
//! that it does not know.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::client::Client;
use crate::dialect::v2;
use crate::error::{ErrorCode, LangflowError};
use crate::job::asked::Asked;
use crate::options::CallOptions;
use crate::platform::Instant;
use crate::tweaks::{Component, components, listed, resolve};

/// What a flow consists of, and when it was read.
type Known = (String, Instant, Arc<Vec<Component>>);

/// Flows as far as tweaks are concerned, kept for a while.
#[derive(Debug, Default)]
pub(crate) struct Flows(Mutex<Vec<Known>>);

impl Flows {
    const MOST: usize = 64;
    const TIME: Duration = Duration::from_secs(60);

    fn get(&self, id: &str) -> Option<Arc<Vec<Component>>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all
            .iter()
            .find(|(known, read, _)| known == id && read.elapsed() < Self::TIME);
        found.map(|(_, _, flow)| flow.clone())
    }

    fn keep(&self, id: &str, flow: Arc<Vec<Component>>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(known, _, _)| known != id);
        if all.len() >= Self::MOST {
            all.remove(0);
        }
        all.push((id.to_owned(), Instant::now(), flow));
    }
}

impl Client {
    /// The tweaks of a run on an open-source server by component id, and the ids of outputs held to its flow:
    /// it passes over what it does not know without a word. The flow is asked for once a minute at most, by its
    /// id, which is looked up for one that is named by its endpoint; where it cannot be read all stays as it is.
    // One function for both: its states are much of what this costs a page.
    pub(crate) async fn hold_to_flow(
        &self,
        flow_id: &str,
        tweaks: Option<Value>,
        output_ids: &[String],
        options: &CallOptions,
    ) -> Result<Option<Value>, LangflowError> {
        let named = |tweaks: &Value| tweaks.as_object().is_some_and(|all| !all.is_empty());
        if output_ids.is_empty() && !tweaks.as_ref().is_some_and(named) {
            return Ok(tweaks);
        }
        let held = |flow: &[Component]| -> Result<Option<Value>, LangflowError> {
            let there = |id: &&String| flow.iter().any(|it| it.id == **id);
            if let Some(id) = output_ids.iter().find(|id| !there(id)) {
                let there = listed(flow.iter().map(|it| it.id.as_str()));
                let message = format!("The flow has no component `{id}`; it has {there}.");
                return Err(LangflowError::invalid_input("output_ids", message));
            }
            tweaks.as_ref().map(|it| resolve(flow, it)).transpose()
        };
        // What is kept may be older than a component that it lacks.
        if let Some(flow) = self.shared.flows.get(flow_id)
            && let Ok(resolved) = held(&flow)
        {
            return Ok(resolved);
        }
        match self.read_components(flow_id, options).await? {
            // It may be something else than the flow that was read.
            Some(flow) if !flow.is_empty() => held(&flow),
            _ => Ok(tweaks),
        }
    }

    /// The flow, if it can be read.
    async fn read_components(
        &self,
        flow_id: &str,
        options: &CallOptions,
    ) -> Result<Option<Arc<Vec<Component>>>, LangflowError> {
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
                let flow = Arc::new(components(&flow));
                self.shared.flows.keep(flow_id, flow.clone());
                Ok(Some(flow))
            }
            Err(error) if error.is(ErrorCode::Cancelled) || error.is(ErrorCode::ClientClosed) => {
                Err(error)
            }
            _ => Ok(None),
        }
    }
}
