//! What operations of the workspace mean to an open-source server: the same objects, as far as it says
//! them. What it cannot do is `unsupported` and names the operation.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::ask;
use crate::call::{Answer, Asked as Asking, Call, Got, Want};
use crate::client::Client;
use crate::dialect::Api;
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::exact::{self, Wide};
use crate::folder;
use crate::headers::is_page;
use crate::options::CallOptions;
use crate::platform;
use crate::request::{self, Parts};
use crate::send;

use shapes::{api_key, flow, message, time};

mod files;
mod messages;
mod shapes;
mod streams;

/// Messages that the server hands out at most.
const MESSAGES: usize = 200;

const IF_MATCH: &str = "If-Match";

/// A call of the workspace, taken apart again.
struct Asked {
    args: Map<String, Value>,
    body: Value,
    options: CallOptions,
    request_id: String,
    attempts: u32,
}

/// A whole answer, from an open-source server where one is asked or turns out to answer.
pub(crate) async fn whole(
    client: &Client,
    request: platform::Request,
    call: &Call,
) -> Result<Got, LangflowError> {
    streams::refuse(&request, call)?;
    if client.translates(call) {
        return Ok(Got::Whole(client.translate(&request, call).await?));
    }
    let unsure = client.config.api == Api::Auto && !call.run && !call.operation.open_source();
    let copy = unsure.then(|| request.try_clone()).flatten();
    let outcome = client.counted(request, call, Want::Whole).await;
    let Some(request) = copy else { return outcome };
    let error = match &outcome {
        Err(error) => Some(error.clone()),
        // The pages of an open-source server answer to every address.
        Ok(Got::Whole(answer)) if is_page(&answer.headers, &answer.body) => {
            let page = client.html(&answer.body, &answer.headers, call.operation);
            let mut error = Box::pin(page).await;
            error.info_mut().may_have_executed &= call.executes();
            call.fill(
                error.info_mut(),
                Some(&Asking::of(&request)),
                answer.attempts,
            );
            Some(error)
        }
        Ok(_) => None,
    };
    match error {
        // Only now it is known who answers: nothing has been done.
        Some(error) if client.turned_out(&error) => {
            Ok(Got::Whole(client.translate(&request, call).await?))
        }
        // Said once: whoever reads the page would ask again who it is.
        Some(error) => Err(error),
        None => outcome,
    }
}

impl Client {
    /// Whether an open-source server is asked in the workspace's words.
    pub(crate) fn translates(&self, call: &Call) -> bool {
        !call.run && !call.operation.open_source() && self.is_open_source()
    }

    /// Does with an open-source server what the call asks of a workspace.
    pub(crate) async fn translate(
        &self,
        request: &platform::Request,
        call: &Call,
    ) -> Result<Answer, LangflowError> {
        let file = files::sent(call).await?;
        let in_memory = request.body().map(|body| &body[..]);
        let body = file.as_deref().or(in_memory);
        let mut asked = Asked {
            args: arguments(request, call.operation.path),
            body: body
                .and_then(|bytes| exact::read(bytes, Wide::Marked).ok())
                .unwrap_or_default(),
            options: call.options.clone(),
            request_id: call.request_id.clone(),
            attempts: 0,
        };
        let done = self.perform(call.operation.id, &mut asked).await;
        let value = done.map_err(|mut error| {
            call.fill(error.info_mut(), Some(&Asking::of(request)), asked.attempts);
            error
        })?;
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        let version = value["version_token"]
            .as_str()
            .map(|token| format!("\"{token}\""));
        if let Some(version) = version.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(header::ETAG, version);
        }
        let (status, body) = match value {
            Value::Null => (StatusCode::NO_CONTENT, Bytes::new()),
            value
                if matches!(
                    call.operation.id,
                    "createFlow" | "createApiKey" | "importFlows"
                ) =>
            {
                (
                    StatusCode::CREATED,
                    Bytes::from(exact::restored(value.to_string())),
                )
            }
            value => (
                StatusCode::OK,
                Bytes::from(exact::restored(value.to_string())),
            ),
        };
        files::saved(call, &body).await?;
        Ok(Answer {
            url: request.place(),
            status,
            headers,
            body,
            attempts: asked.attempts,
            request_id: asked.request_id,
        })
    }

    async fn perform(&self, id: &str, asked: &mut Asked) -> Result<Value, LangflowError> {
        match id {
            "listFlows" => self.list_all_flows(asked).await,
            "getFlow" => self.second("getFlow", asked, &["flow_id"]).await.map(flow),
            "createFlow" => self.second("createFlow", asked, &[]).await.map(flow),
            "replaceFlow" => {
                self.second("getFlow", asked, &["flow_id"]).await?;
                for field in ["description", "tags", "data"] {
                    asked.body[field] = asked.body[field].take();
                }
                self.second("upsertFlow", asked, &["flow_id", IF_MATCH])
                    .await
                    .map(flow)
            }
            "updateFlow" => {
                if let Some(field) = ["description", "tags"]
                    .into_iter()
                    .find(|name| asked.body.get(name).is_some_and(Value::is_null))
                {
                    // Null means there that the field stays.
                    return Err(self.cannot(id, &format!("clear `{field}`")));
                }
                if asked.body.get("tags").is_some() {
                    return Err(self.cannot(id, "change `tags`; replace the flow"));
                }
                self.second("updateFlow", asked, &["flow_id", IF_MATCH])
                    .await
                    .map(flow)
            }
            "deleteFlow" => {
                self.second("deleteFlow", asked, &["flow_id"]).await?;
                Ok(Value::Null)
            }
            "exportFlow" if text(&asked.args, "format").is_none_or(|format| format == "json") => {
                asked.body = json!([asked.args.get("flow_id")]);
                let file = self.second("downloadFlows", asked, &[]).await?;
                // The server leaves some secrets in.
                Ok(folder::portable(file))
            }
            "importFlows" => self.import_all(asked).await,
            "listSessions" => self.list_ids(asked).await,
            "getSession" => self.one_session(asked).await,
            "listSessionMessages" => {
                let found = self.all_messages(asked).await?;
                if found.is_empty() {
                    return Err(no_session(asked));
                }
                page(found.into_iter().map(message).collect(), asked)
            }
            "clearSession" => {
                if self.newest(asked).await?.is_empty() {
                    return Err(no_session(asked));
                }
                self.second("deleteMessageSession", asked, &["session_id"])
                    .await?;
                Ok(Value::Null)
            }
            "clearAllSessions" => {
                let ids = self.second("listMessageSessions", asked, &["flow_id"]);
                let ids = ids.await?;
                let cleared = ids.as_array().map_or(0, Vec::len);
                if cleared > 0 {
                    asked.body = ids;
                    self.second("deleteMessageSessions", asked, &[]).await?;
                }
                Ok(json!({"cleared": cleared}))
            }
            "listApiKeys" => {
                let found = self.second("listApiKeys", asked, &[]).await?;
                page(items(&found["api_keys"]).map(api_key).collect(), asked)
            }
            "createApiKey" => {
                if asked.body["permissions"] != json!(["admin"]) {
                    let what =
                        "make a key with fewer permissions than its user; ask for [\"admin\"]";
                    return Err(self.cannot(id, what));
                }
                if let Some(body) = asked.body.as_object_mut() {
                    body.remove("permissions");
                }
                let made = self.second("createApiKey", asked, &[]).await?;
                Ok(json!({"key": made["api_key"], "api_key": api_key(&made)}))
            }
            "revokeApiKey" => {
                let id = asked.args.remove("key_id").unwrap_or_default();
                asked.args.insert("api_key_id".to_owned(), id);
                self.second("deleteApiKey", asked, &["api_key_id"]).await?;
                Ok(Value::Null)
            }
            "getHealth" => self.second("getHealth", asked, &[]).await,
            "getVersion" => {
                let said = self.second("getVersion", asked, &[]).await?;
                Ok(json!({
                    "api": "langflow",
                    "api_version": said["main_version"],
                    "server": said["package"],
                    "server_version": said["version"],
                    "features": ["streaming"],
                }))
            }
            _ => Err(self.cannot(id, "do this")),
        }
    }

    /// Calls an operation of the second document; an answer without a body is null.
    pub(crate) async fn ask_second(
        &self,
        id: &str,
        args: Map<String, Value>,
        body: Value,
    ) -> Result<Value, LangflowError> {
        let names: Vec<String> = args.keys().cloned().collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut asked = Asked {
            args,
            body,
            options: CallOptions::default(),
            request_id: send::id("req_"),
            attempts: 0,
        };
        self.second(id, &mut asked, &names).await
    }

    /// Calls an operation of the second document with arguments and body as they are by now.
    async fn second(
        &self,
        id: &str,
        asked: &mut Asked,
        args: &[&str],
    ) -> Result<Value, LangflowError> {
        let operation = ask::row(&format!("langflow.{id}"))?;
        let mut call = Call::new(self, operation, asked.options.clone());
        call.request_id.clone_from(&asked.request_id);
        let args = asked
            .args
            .iter()
            .filter(|(name, _)| args.contains(&name.as_str()));
        let body = match &operation.body {
            Some(_) => Bytes::from(exact::restored(asked.body.to_string())),
            None => Bytes::new(),
        };
        let parts = Parts {
            args: args
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            body,
            ..Parts::default()
        };
        let request = request::build(&self.place(operation)?, operation, parts)?;
        // Boxed: what is asked here comes from where this was asked.
        let answer = Box::pin(self.exchange(request, &call)).await?;
        asked.attempts += answer.attempts;
        match answer.body.is_empty() {
            true => Ok(Value::Null),
            false => self.understand(&answer, &call).await,
        }
    }

    /// Makes flows of a flow file, or of an object with several under `flows`.
    async fn import_all(&self, asked: &mut Asked) -> Result<Value, LangflowError> {
        let files = match asked.body["flows"].as_array() {
            Some(files) => files.clone(),
            None if asked.body.is_object() => vec![asked.body.clone()],
            None => return Err(self.cannot("importFlows", "take an archive in these words")),
        };
        let replaces = match text(&asked.args, "on_conflict") {
            None | Some("new_id") => false,
            Some("replace") => true,
            Some(_) => return Err(self.cannot("importFlows", "refuse ids that are taken")),
        };
        let mut flows = Vec::new();
        for (number, mut file) in files.into_iter().enumerate() {
            if let (false, Some(map)) = (replaces, file.as_object_mut()) {
                map.remove("id");
            }
            let name = format!("flow {}", number + 1);
            let made = Box::pin(self.put_flow(&name, file, None)).await?;
            flows.push(flow(made.0));
        }
        Ok(json!({"flows": flows, "warnings": []}))
    }

    /// All flows without their graphs come at once; what a workspace would leave out is left out here.
    async fn list_all_flows(&self, asked: &mut Asked) -> Result<Value, LangflowError> {
        asked.args.insert("header_flows".to_owned(), true.into());
        let found = self.second("listFlows", asked, &["header_flows"]).await?;
        let wanted = text(&asked.args, "q").map(str::to_lowercase);
        let tag = text(&asked.args, "tag").map(str::to_owned);
        let lower = |flow: &Value, key: &str| flow[key].as_str().unwrap_or_default().to_lowercase();
        let mut flows: Vec<Value> = items(&found)
            .filter(|flow| flow["is_component"] != true)
            .filter(|flow| {
                let wanted = wanted.as_deref().unwrap_or_default();
                lower(flow, "name").contains(wanted) || lower(flow, "description").contains(wanted)
            })
            .filter(|flow| {
                tag.as_deref()
                    .is_none_or(|tag| items(&flow["tags"]).any(|one| one == tag))
            })
            .cloned()
            .map(flow)
            .collect();
        let sort = text(&asked.args, "sort")
            .unwrap_or("-updated_at")
            .to_owned();
        let key = sort.trim_start_matches('-');
        if key == "created_at" {
            return Err(self.cannot("listFlows", "sort by `created_at`, which it does not know"));
        }
        flows.sort_by_key(|flow| flow[key].as_str().unwrap_or_default().to_owned());
        if sort.starts_with('-') {
            flows.reverse();
        }
        page(flows, asked)
    }

    async fn list_ids(&self, asked: &mut Asked) -> Result<Value, LangflowError> {
        let flow_id = asked.args.get("flow_id").cloned().unwrap_or_default();
        let ids = self
            .second("listMessageSessions", asked, &["flow_id"])
            .await?;
        let sessions = items(&ids).map(|id| json!({"id": id, "flow_id": flow_id}));
        page(sessions.collect(), asked)
    }

    async fn one_session(&self, asked: &mut Asked) -> Result<Value, LangflowError> {
        let found = self.newest(asked).await?;
        let (Some(first), Some(last)) = (found.first(), found.last()) else {
            return Err(no_session(asked));
        };
        let mut session = json!({
            "id": asked.args.get("session_id"),
            "flow_id": asked.args.get("flow_id"),
            "last_active_at": time(&last["timestamp"]),
        });
        // Of a longer conversation only the end comes, so that its beginning is not known.
        if found.len() < MESSAGES {
            session["created_at"] = time(&first["timestamp"]);
            session["message_count"] = found.len().into();
        }
        Ok(session)
    }

    /// The error for what only a workspace can do.
    fn cannot(&self, id: &str, what: &str) -> LangflowError {
        let message = format!(
            "`{id}`: an open-source Langflow server answers at {}, and that cannot {what}. What it can \
             do stands under `client.langflow`.",
            self.config.base.root()
        );
        LangflowError::new(ErrorCode::Unsupported, message)
    }
}

/// Path and query arguments of a request of the workspace, and the version that it is based on.
fn arguments(request: &platform::Request, template: &str) -> Map<String, Value> {
    let mut args = Map::new();
    let url = request.url();
    // From the end: what stands before is the address of the API.
    for (part, text) in template.rsplit('/').zip(url.path().rsplit('/')) {
        if let Some(name) = part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            let text = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
            args.insert(name.to_owned(), text.into_owned().into());
        }
    }
    for (name, value) in url.query_pairs() {
        args.insert(name.into_owned(), value.into_owned().into());
    }
    let version = request.headers().get(header::IF_MATCH);
    if let Some(version) = version.and_then(|value| value.to_str().ok()) {
        args.insert(IF_MATCH.to_owned(), version.into());
    }
    args
}

fn text<'a>(args: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    args.get(name).and_then(Value::as_str)
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A page of a list that is all here.
fn page(all: Vec<Value>, asked: &Asked) -> Result<Value, LangflowError> {
    let number = |name: &str, absent: usize| match text(&asked.args, name) {
        None => Ok(absent),
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|n| *n > 0)
            .ok_or_else(|| {
                LangflowError::invalid_input(name, format!("`{name}` has to be a number from 1."))
            }),
    };
    let (page, size) = (number("page", 1)?, number("size", 50)?);
    let total = all.len();
    let items: Vec<Value> = all.into_iter().skip((page - 1) * size).take(size).collect();
    let pages = total.div_ceil(size);
    Ok(json!({"items": items, "total": total, "page": page, "size": size, "pages": pages}))
}

/// The error that a workspace answers with: sessions as objects know it by its code.
fn no_session(asked: &Asked) -> LangflowError {
    let id = text(&asked.args, "session_id").unwrap_or_default();
    let message = format!("The server knows no messages of the session `{id}`.");
    let mut info = ErrorInfo::new(ErrorCode::NotFound, message);
    info.server_code = Some("session_not_found".to_owned());
    info.into()
}
