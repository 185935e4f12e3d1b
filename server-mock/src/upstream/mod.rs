//! The face of an open-source Langflow: the routes under `/api/v1` and `/api/v2` that users call,
//! over the same flows, sessions and keys as the workspace, and with the same runs, faults and time.
//!
//! Statuses, framing and shapes are those that were measured on real servers with their frontend;
//! `langflow-mock drift` compares the two. What differs on purpose stands in `DEVIATIONS.md`.

mod answer;
mod auth;
mod body;
mod build;
mod files;
mod flow_batches;
mod flow_files;
mod flows;
mod info;
mod jobs;
mod keys;
mod message;
mod monitor;
mod multipart;
mod projects;
mod records;
mod responses;
mod result;
mod routes;
mod runs;
mod stream;
mod trigger_fields;
mod triggers;
mod users;
mod uuid;
mod variables;
mod webhook;
mod workflow_stream;
mod workflows;

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::app::App;
use crate::config::{Api, Langflow};
use crate::double::Record;
use crate::http::Reply;
use answer::detail;

/// One request to this face.
struct Ask<'a> {
    app: &'a Arc<App>,
    parts: &'a Parts,
    record: &'a Record,
    request_id: &'a str,
    method: &'a str,
    /// The path, between its slashes, decoded.
    path: Vec<String>,
    query: Vec<(String, String)>,
    body: Bytes,
}

impl Ask<'_> {
    /// A parameter of the query. The server splits values at commas, and the last one counts.
    fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().rev().find(|(given, _)| given == name);
        found.map(|(_, value)| value.rsplit(',').next().unwrap_or_default())
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// The version of Langflow that is played.
    fn plays(&self) -> Langflow {
        self.app.config.langflow
    }
}

/// Families of routes that a real server has and neither the document nor this face: the answer to
/// them is no lie.
const MISSING: [&str; 4] = ["build_public_tmp", "folders", "all", "store"];

/// What an operation comes to: an answer either way.
type Done = Result<Reply, Reply>;

/// Whether a path belongs to this face. Where the workspace is not served, all but the control
/// routes do, as on a server with its frontend.
///
/// Side by side, the routes by which clients find out who answers are those of the workspace, which
/// has none of them: a workspace that fails is not to be taken for an open-source server.
pub(crate) fn owns(app: &App, path: &str) -> bool {
    let served = |api| app.config.api.contains(&api);
    if !served(Api::Langflow) {
        return false;
    }
    let known = ["/api/v1/", "/api/v2/"];
    !served(Api::Workspace)
        || (path != "/api/v1/version" && known.iter().any(|prefix| path.starts_with(prefix)))
}

/// What a path asks for, for faults and the journal: the operation and, if it has one, the flow.
pub(crate) fn look(method: &str, path: &str) -> Option<(&'static str, Option<String>)> {
    let path = split(path);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let operation = routes::operation(method, &path)?;
    let flow = match path[..] {
        ["api", "v1", "run", "advanced" | "session", flow]
        | ["api", "v1", "run" | "webhook" | "flows", flow]
        | ["api", "v1", "files", "upload" | "list", flow] => Some(flow),
        _ => None,
    };
    let flow = flow.filter(|flow| !flow.is_empty());
    Some((operation, flow.map(str::to_owned)))
}

/// The names of all operations of open-source servers.
pub(crate) fn operations() -> impl Iterator<Item = &'static str> {
    routes::names()
}

fn split(path: &str) -> Vec<String> {
    let parts = path.strip_prefix('/').unwrap_or(path).split('/');
    parts
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect()
}

/// Answers a request whose body was read.
pub(crate) async fn handle(
    app: &Arc<App>,
    request_id: &str,
    record: &Record,
    parts: &Parts,
    body: Bytes,
) -> Reply {
    let ask = Ask {
        app,
        parts,
        record,
        request_id,
        method: parts.method.as_str(),
        path: split(parts.uri.path()),
        query: crate::http::query(parts.uri.query()),
        body,
    };
    let path: Vec<&str> = ask.path.iter().map(String::as_str).collect();
    if ask.plays() < Langflow::V1_8 && path.starts_with(&["api", "v2", "workflows"]) {
        return no_route(&ask);
    }
    match routes::operation(ask.method, &path) {
        Some(operation) => {
            let done = dispatch(&ask, operation).await;
            let reply = done.unwrap_or_else(|reply| reply);
            match app.saved().await {
                Ok(()) => reply,
                Err(problem) => refusal(&problem),
            }
        }
        None => no_route(&ask),
    }
}

async fn dispatch(ask: &Ask<'_>, operation: &str) -> Done {
    let last = ask.path.last().map_or("", String::as_str);
    match operation {
        "getHealth" => Ok(info::health()),
        "checkHealth" => Ok(info::health_check()),
        "getVersion" => Ok(info::version(ask)),
        "getConfig" => info::config(ask),
        "whoami" => users::whoami(ask),
        "login" => info::login(ask),
        "refreshLogin" => info::refresh(ask),
        "getLoginState" => Ok(users::session(ask)),
        "logout" => Ok(users::log_out()),
        "listUsers" => users::list(ask),
        "createUser" => users::create(ask),
        "getUser" => users::get(ask, last),
        "updateUser" => users::update(ask, last),
        "resetUserPassword" => users::reset_password(ask),
        "deleteUser" => users::delete(ask, last),
        "autoLogin" => Ok(info::auto_login()),
        "runFlow" => runs::run(ask, last, auth::Family::Run).await,
        "runFlowInSession" => runs::run(ask, last, auth::Family::Other).await,
        "runFlowAdvanced" => runs::advanced(ask, last).await,
        "sendWebhook" => webhook::run(ask, last),
        "createResponse" => responses::run(ask).await,
        "startBuild" => build::start(ask),
        "readBuildEvents" => build::events(ask).await,
        "cancelBuild" => build::cancel(ask),
        "listFlows" => flows::list(ask),
        "createFlow" => flows::create(ask),
        "deleteManyFlows" => flows::delete_many(ask),
        "getFlow" => flows::get(ask, last),
        "updateFlow" => flows::update(ask, last),
        "upsertFlow" => flows::replace(ask, last),
        "deleteFlow" => flows::delete(ask, last),
        "listProjects" => projects::list(ask),
        "createProject" => projects::create(ask),
        "getProject" => projects::get(ask, last),
        "updateProject" => projects::update(ask, last),
        "upsertProject" => projects::replace(ask, last),
        "deleteProject" => projects::delete(ask, last),
        "downloadProject" => projects::download(ask, last),
        "uploadProject" => projects::upload(ask),
        "listFiles" => files::list(ask),
        "uploadFile" => files::upload(ask),
        "deleteAllFiles" => files::delete_all(ask),
        "downloadFile" => files::download(ask, last),
        "renameFile" => files::rename(ask, last),
        "deleteFile" => files::delete(ask, last),
        "downloadFileBatch" => files::download_batch(ask),
        "deleteFileBatch" => files::delete_batch(ask),
        "uploadFlowFile" => flow_files::upload(ask, last),
        "listFlowFiles" => flow_files::list(ask, last),
        "downloadFlowFile" => flow_files::download(ask),
        "getFlowImage" => flow_files::image(ask),
        "deleteFlowFile" => flow_files::delete(ask),
        "listVariables" => variables::list(ask),
        "createVariable" => variables::create(ask),
        "updateVariable" => variables::update(ask, last),
        "deleteVariable" => variables::delete(ask, last),
        "listApiKeys" => keys::list(ask),
        "createApiKey" => keys::create(ask),
        "deleteApiKey" => keys::delete(ask, last),
        "listMessages" => monitor::messages(ask),
        "deleteManyMessages" => monitor::delete(ask),
        "listMessageSessions" => monitor::sessions(ask),
        "deleteMessageSession" => monitor::delete_session(ask, last),
        "deleteMessageSessions" => monitor::delete_sessions(ask),
        "renameMessageSession" => monitor::rename_session(ask, last),
        "updateMessage" => monitor::update(ask, last),
        "listTransactions" => records::transactions(ask),
        "getBuilds" => records::builds(ask),
        "deleteBuilds" => records::delete_builds(ask),
        "listTraces" => records::traces(ask),
        "getTrace" => records::get_trace(ask),
        "deleteTrace" => records::delete_trace(ask),
        "deleteTraces" => records::delete_traces(ask),
        "listTriggers" => triggers::list(ask),
        "createTrigger" => triggers::create(ask),
        "getTrigger" => triggers::get(ask),
        "updateTrigger" => triggers::update(ask),
        "deleteTrigger" => triggers::delete(ask),
        "enableTrigger" => triggers::switch(ask, "active"),
        "disableTrigger" => triggers::switch(ask, "paused"),
        "pinTrigger" => triggers::pin(ask),
        "testTrigger" => triggers::test(ask),
        "replayTrigger" => triggers::replay(ask),
        "listTriggerEvents" => triggers::events(ask),
        "getTriggerIngress" => triggers::ingress(ask),
        "rotateTriggerSecret" => triggers::secret(ask),
        "deliverToTrigger" => triggers::deliver(ask, last),
        "readLogs" | "followLogs" => Err(detail(501, "Log retrieval is disabled")),
        "getPublicFlow" => Err(detail(404, "Flow not found")),
        "runWorkflow" => workflows::run(ask).await,
        "getWorkflowStatus" => jobs::status(ask),
        "stopWorkflow" => jobs::stop(ask).await,
        "followWorkflow" => jobs::events(ask),
        "listPendingWorkflows" => jobs::pending(ask),
        "resumeWorkflow" => jobs::resume(ask),
        "createFlowBatch" => flow_batches::create(ask),
        "uploadFlows" => flow_batches::upload(ask),
        "downloadFlows" => flow_batches::download(ask),
        _ => Err(not_done(ask)),
    }
}

/// A real server has this, and this one says that it has not.
fn not_done(ask: &Ask) -> Reply {
    let what = ask.parts.uri.path();
    detail(
        501,
        &format!("This mock does not do {} {what}.", ask.method),
    )
}

/// What a server with its frontend answers where it has no route: 404 to GET, 405 to all else,
/// whichever methods the path knows; and outside of `/api` its page, under 200.
fn no_route(ask: &Ask) -> Reply {
    let api = ask.path.first().is_some_and(|first| first == "api");
    if api
        && ask
            .path
            .get(2)
            .is_some_and(|family| MISSING.contains(&family.as_str()))
    {
        return not_done(ask);
    }
    match ask.method {
        "GET" | "HEAD" | "POST" if !api => Reply::text(200, "text/html; charset=utf-8", info::PAGE)
            .header("cache-control", "no-store"),
        "GET" | "HEAD" => detail(404, "Not Found"),
        _ => detail(405, "Method Not Allowed").header("allow", "HEAD, GET"),
    }
}

/// A problem of the workspace (a fault, a body that is too large) as this face says it.
pub(crate) fn refusal(problem: &crate::problem::Problem) -> Reply {
    let headers = problem.headers.iter().cloned();
    let reply = detail(problem.status, &problem.detail);
    headers.fold(reply, |reply, (name, value)| reply.header(name, value))
}

/// A field of an object as text.
fn text<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
    object.get(field).and_then(Value::as_str)
}
