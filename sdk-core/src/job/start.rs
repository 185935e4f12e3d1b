//! Starts runs in the background, in whichever form the server takes them.

use serde_json::{Map, Value};

use super::Job;
use super::asked::Asked;
use crate::ask::row;
use crate::client::Client;
use crate::dialect::{Family, v2};
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::options::CallOptions;
use crate::run::{RunRequest, only_open_source};
use crate::send::id;
use crate::tweaks;

/// How an open-source server takes a run in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With an idempotency key: 1.13.
    Keyed,
    /// Without one: 1.11 and 1.12.
    Plain,
    /// Inputs by component: 1.8 to 1.10.
    ByComponent,
}

impl Client {
    /// Starts a run in the background. The same idempotency key, made once for each call unless
    /// given, goes with every attempt, so that it is started once.
    ///
    /// # Errors
    /// `invalid_input` before any request leaves; `unsupported` where the server cannot run flows in
    /// the background; else as every call.
    pub async fn start_flow(&self, request: RunRequest) -> Result<Job, LangflowError> {
        self.family_for(&request).await?;
        let open_source = self.is_open_source();
        let name = match self.start_on(&request, open_source).await {
            Err(error) if !open_source && self.turned_out(&error) => {
                self.start_on(&request, true).await
            }
            outcome => outcome,
        }?;
        Ok(self.job(name))
    }

    async fn start_on(&self, run: &RunRequest, open_source: bool) -> Result<String, LangflowError> {
        let (flow_id, mut body) = run.check(self)?;
        if run.has_variables() {
            // An open-source server takes them and drops them; a workspace has none.
            let message = "A run in the background has no `variables`: an open-source server would \
                           drop them. Wait for the run, or stream it.";
            return Err(LangflowError::invalid(
                ErrorCode::Unsupported,
                "variables",
                message,
            ));
        }
        for (field, given) in [
            ("output_ids", !run.chosen().is_empty()),
            ("delete_files", run.deletes_files()),
        ] {
            if given {
                let message = format!(
                    "A run in the background has no `{field}`: its result has all `outputs`, and its \
                     uploads stay."
                );
                return Err(LangflowError::invalid(
                    ErrorCode::Unsupported,
                    field,
                    message,
                ));
            }
        }
        if run.has_files() && self.family() != Family::Langflow {
            return Err(only_open_source("files"));
        }
        self.add_files(run, &flow_id, &mut body).await?;
        let mut options = run.call_options().clone();
        let key = options.idempotency_key.get_or_insert_with(|| id("idem_"));
        if open_source {
            let key = key.clone();
            return self.start_workflow(&flow_id, body, options, &key).await;
        }
        if let Some(tweaks) = body.get_mut("tweaks") {
            *tweaks = self.name_components(&flow_id, tweaks.take()).await?;
        }
        body.insert("background".to_owned(), true.into());
        let asked = Asked {
            operation: row("runFlow")?,
            args: Map::from_iter([("flow_id".to_owned(), flow_id.into())]),
            body: Some(Value::Object(body)),
            options,
        };
        self.asked_for(asked, started).await
    }

    /// The id of a flow that may be named by its endpoint: workflows take nothing else.
    pub(crate) async fn flow_uuid(&self, named: &str) -> Result<String, LangflowError> {
        self.flow_uuid_with(named, CallOptions::default()).await
    }

    /// The same, within the limits of the call that needs it.
    pub(crate) async fn flow_uuid_with(
        &self,
        named: &str,
        options: CallOptions,
    ) -> Result<String, LangflowError> {
        if is_uuid(named) {
            return Ok(named.to_owned());
        }
        let mut asked = Asked::of(&v2::FLOWS, [], None);
        asked.options = options;
        for switch in ["get_all", "header_flows"] {
            asked.args.insert(switch.to_owned(), true.into());
        }
        let flows = self.asked(asked).await?;
        let mut flows = flows.as_array().into_iter().flatten();
        let found = flows.find(|flow| flow["endpoint_name"] == named);
        let id = found.and_then(|flow| flow.get("id")?.as_str());
        id.map(str::to_owned).ok_or_else(|| {
            let message = format!("The server has no flow with the endpoint name {named}.");
            LangflowError::new(ErrorCode::NotFound, message)
        })
    }

    /// Tries the forms that servers take, the newest first, until one is taken: a refusal of fields
    /// starts nothing.
    async fn start_workflow(
        &self,
        flow_id: &str,
        run: Map<String, Value>,
        options: CallOptions,
        key: &str,
    ) -> Result<String, LangflowError> {
        let flow_id = &self.flow_uuid(flow_id).await?;
        // Its inputs: a workflow hands the input to a chat input and to nothing else.
        let flow = self
            .asked(Asked::of(&v2::FLOW, [("flow_id", flow_id)], None))
            .await?;
        let mut run = run;
        if let Some(tweaks) = run.get_mut("tweaks") {
            // What the server does not know it would pass over.
            *tweaks = tweaks::resolve_known(&flow, tweaks.take())?;
        }
        v2::fill_text_input(&mut run, &flow);
        // Without a session the flow's id is the session: one memory for all callers.
        run.entry("session_id")
            .or_insert_with(|| id("session-").into());
        let known = &self.shared.known.background;
        let mut form = known.get().copied().unwrap_or(Form::Keyed);
        loop {
            let (operation, body) = match form {
                Form::Keyed => (&v2::START, v2::body(run.clone(), flow_id, Some(key))),
                Form::Plain => (&v2::START_ONCE, v2::body(run.clone(), flow_id, None)),
                Form::ByComponent => (&v2::START_ONCE, v2::old_body(&run, flow_id, &flow)?),
            };
            let asked = Asked {
                operation,
                args: Map::new(),
                body: Some(body),
                options: options.clone(),
            };
            match self.asked_for(asked, started).await {
                Ok(name) => {
                    let _ = known.set(form);
                    return Ok(name);
                }
                Err(error) => match older(form, &error) {
                    Some(older) => form = older,
                    None => return Err(no_workflows(error)),
                },
            }
        }
    }
}

/// The id of a run that was started.
fn started(raw: Value) -> Result<String, LangflowError> {
    let mut keys = ["id", "job_id"].into_iter();
    let name = keys.find_map(|key| raw.get(key)?.as_str());
    name.map(str::to_owned).ok_or_else(|| {
        let message = "The server started a run and did not say its id.";
        let info = ErrorInfo::new(ErrorCode::InvalidResponse, message);
        info.with_json(&raw).into()
    })
}

/// The form to try where this one was refused for a field that the server does not know.
fn older(form: Form, error: &LangflowError) -> Option<Form> {
    let info = error.info();
    let unknown = |field: &str| info.errors.iter().any(|error| error.field == field);
    match form {
        _ if !error.is(ErrorCode::Unprocessable) => None,
        Form::ByComponent => None,
        _ if unknown("mode") => Some(Form::ByComponent),
        Form::Keyed if unknown("idempotency_key") => Some(Form::Plain),
        _ => None,
    }
}

/// Says what is missing where a server has no such route.
fn no_workflows(error: LangflowError) -> LangflowError {
    let info = error.info();
    let missing = matches!(info.status, Some(404 | 405)) && info.server_code.is_none();
    if !missing {
        return error;
    }
    let message = "This server cannot run flows in the background: open-source Langflow can since \
                   1.8, where LANGFLOW_DEVELOPER_API_ENABLED is on or the version is 1.13.";
    let mut unsupported = ErrorInfo::new(ErrorCode::Unsupported, message);
    unsupported.hint = "Run the flow without `background`, or update the server.".to_owned();
    unsupported.status = info.status;
    unsupported.phase = info.phase;
    unsupported.request_id = info.request_id.clone();
    unsupported.into()
}

/// Whether a text has the form of a UUID.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}
