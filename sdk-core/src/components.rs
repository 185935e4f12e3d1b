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
            // It may be something else than the flow that was read.
            Some(flow) if !flow.is_empty() => resolve(&flow, &tweaks),
            _ => Ok(tweaks),
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
        let lacks = |flow: &[Component]| {
            let there = |id: &&String| flow.iter().any(|it| it.id == **id);
            let lacks = ids.iter().find(|id| !there(id));
            lacks.filter(|_| !flow.is_empty()).cloned()
        };
        if let Some(flow) = self.shared.flows.get(flow_id)
            && lacks(&flow).is_none()
        {
            return Ok(());
        }
        let flow = self.read_components(flow_id, options).await?;
        let flow = flow.unwrap_or_default();
        let Some(id) = lacks(&flow) else {
            return Ok(());
        };
        let there = listed(flow.iter().map(|it| it.id.as_str()));
        let message = format!("The flow has no component `{id}`; it has {there}.");
        Err(LangflowError::invalid_input("output_ids", message))
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
