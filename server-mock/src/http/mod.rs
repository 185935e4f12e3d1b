//! HTTP: what comes in is checked against the contract, handed to the operation, and answered.

mod api_keys;
mod archive;
mod auth;
mod body;
mod call;
mod cors;
mod docs;
mod faulty;
mod flows;
mod line;
mod look;
mod monitoring;
mod pieces;
mod recorded;
mod reply;
mod runs;
mod sessions;
mod sse;
mod transfer;
mod usage;
mod violations;
mod webhooks;

use std::sync::Arc;

use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;

use crate::app::App;
use crate::contract::{Operation, PREFIX, Route, Values, contract, document};
use crate::control;
use crate::double::faults::{Chosen, Seen};
use crate::double::{Arrival, Record};
use crate::problem::Problem;
use crate::state::{Replay, WorkKey};
use crate::tenants::Tenants;
use crate::upstream;

use auth::Caller;
use call::Call;
use faulty::Before;
use recorded::Recorded;
use violations::Violations;

pub(crate) use archive::{json_files, zip};
pub(crate) use call::query;
pub(crate) use flows::readable as flow_of;
pub(crate) use line::{Cut, Line, Wire};
pub(crate) use look::look;
pub(crate) use recorded::ReplyBody;
pub(crate) use reply::Reply;
pub(crate) use transfer::wanted_id as file_id;
pub(crate) use webhooks::{
    checked_url as webhook_url, delivery_json, made as made_webhook, new as new_webhook,
    remove as remove_webhooks,
};

/// The version of Langflow that the tests of parity compare answers with.
const PARITY: &str = "langflow-1.13.0";

/// Where the document stands as a page.
const DOCS: &str = "/langflow/docs";

/// Leads a request to its workspace, which answers it.
pub(crate) async fn lead(
    tenants: Arc<Tenants>,
    line: Arc<Line>,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Cut> {
    let Some(page) = cors::page(tenants.main.config.cors.as_deref(), &request) else {
        return led(tenants, line, request).await;
    };
    if let Some(answer) = page.preflight(&tenants.main.state().ids.next("req")) {
        return Ok(answer);
    }
    let mut response = led(tenants, line, request).await?;
    page.open(response.headers_mut());
    Ok(response)
}

async fn led(
    tenants: Arc<Tenants>,
    line: Arc<Line>,
    mut request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Cut> {
    match tenants.lead(&mut request) {
        Ok(app) => handle(app, line, request).await,
        Err(problem) => {
            let request_id = tenants.main.state().ids.next("req");
            let (parts, incoming) = request.into_parts();
            body::drain(&parts.headers, incoming).await;
            let reply = Reply::problem(&problem, &request_id);
            Ok(reply.finish(&request_id, parts.method == http::Method::HEAD))
        }
    }
}

/// Answers one request. Nothing that a client sends is an error here: it is an answer. Only a
/// fault cuts the connection.
async fn handle(
    app: Arc<App>,
    line: Arc<Line>,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Cut> {
    let request_id = app.state().ids.next("req");
    let head = request.method() == http::Method::HEAD;
    if control::owns(request.uri().path()) {
        let reply = control::handle(&app, line.peer, &request_id, request).await;
        // What was reset or put in place is so after a restart too.
        let reply = match app.saved().await {
            Ok(()) => reply,
            Err(problem) => Reply::problem(&problem, &request_id),
        };
        return Ok(reply.finish(&request_id, head));
    }
    let (mut parts, incoming) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let record = app.double.journal.begin(&Arrival {
        request_id: &request_id,
        at: app.clock.now(),
        connection: line.id,
        parts: &parts,
    });
    let trace_parent = parts.headers.get("traceparent").cloned();
    let inline = inline_fault(&mut parts.uri);
    let refuse = |problem: &Problem| refuse(&app, &path, problem, &request_id);
    let reply = match choose(&app, &record, &parts, inline.as_deref()) {
        Ok(None) => answer(&app, &request_id, &record, parts, Upload::Waiting(incoming)).await,
        Ok(Some(fault)) => {
            // Whatever happens to the answer, the request is read and noted.
            let upload = Upload::Waiting(incoming).read(&app, &parts, &record).await;
            let answer = answer(&app, &request_id, &record, parts, Upload::Read(upload));
            let made = match faulty::before(&fault, &line, &refuse).await {
                Ok(Before::Proceed) => answer.await,
                Ok(Before::Instead(reply)) => Ok(reply),
                Err(Cut) => {
                    record.end(crate::double::Ending::Cut);
                    return Err(Cut);
                }
            };
            let reply = made.unwrap_or_else(|problem| refuse(&problem));
            Ok(faulty::after(&app, fault, line, reply))
        }
        Err(problem) => Err(problem),
    };
    let reply = reply.unwrap_or_else(|problem| refuse(&problem));
    let mut response = reply.finish(&request_id, head);
    trace(&mut response, trace_parent);
    record.head(response.status().as_u16(), response.headers());
    Ok(response.map(|inner| Recorded { inner, record }.boxed_unsync()))
}

/// Says what the answer is compared with, and which trace it belongs to: what came, so that a test
/// finds the span of its client.
fn trace(response: &mut Response<ReplyBody>, parent: Option<http::HeaderValue>) {
    let headers = response.headers_mut();
    headers.insert("x-mock-parity", http::HeaderValue::from_static(PARITY));
    if let Some(parent) = parent {
        headers.insert("traceparent", parent);
    }
}

/// A problem as the API says it that the path belongs to.
fn refuse(app: &App, path: &str, problem: &Problem, request_id: &str) -> Reply {
    match upstream::owns(app, path) {
        true => upstream::refusal(problem),
        false => Reply::problem(problem, request_id),
    }
}

/// The fault in a query (`?__mock={...}`), for clients that take a URL and no header. Nobody else gets
/// to see it.
fn inline_fault(uri: &mut http::Uri) -> Option<String> {
    let query = uri.query().filter(|it| it.contains("__mock="))?;
    let own = |pair: &&str| pair.starts_with("__mock=");
    let fault = call::query(query.split('&').find(own)).pop()?.1;
    let rest: Vec<&str> = query.split('&').filter(|it| !own(it)).collect();
    let target = match rest.is_empty() {
        true => uri.path().to_owned(),
        false => format!("{}?{}", uri.path(), rest.join("&")),
    };
    *uri = target.parse().ok()?;
    Some(fault)
}

/// What shall go wrong with a request, and what the request is about.
fn choose(
    app: &App,
    record: &Record,
    parts: &http::request::Parts,
    inline: Option<&str>,
) -> Result<Option<Chosen>, Problem> {
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let found = match upstream::owns(app, path) {
        true => upstream::look(method, path),
        false => find(method, path).ok().map(|(operation, values)| {
            let flow = values.into_iter().find(|(name, _)| name == "flow_id");
            (operation.id.as_str(), flow.map(|(_, id)| id))
        }),
    };
    let (operation, flow_id) = found.unzip();
    let flow_id = flow_id.flatten();
    let header = parts.headers.get("x-mock");
    let seen = Seen {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        operation,
        flow_id: flow_id.as_deref(),
        header: header
            .map(|value| value.to_str().unwrap_or_default())
            .or(inline),
        delivery: false,
    };
    let mut chosen = app.double.faults().choose(&seen, app.clock.now())?;
    if let (None, Some(main)) = (&chosen, &app.main) {
        chosen = main.double.faults().default_for(&seen, app.clock.now());
    }
    record.amend(|entry| {
        entry.operation = operation;
        entry.flow_id = flow_id;
        entry.fault = chosen.as_ref().map(|fault| fault.kind.name().to_owned());
    });
    Ok(chosen)
}

async fn answer(
    app: &Arc<App>,
    request_id: &str,
    record: &Record,
    parts: http::request::Parts,
    upload: Upload,
) -> Result<Reply, Problem> {
    #[cfg(feature = "program")]
    let upload = match &app.cassettes {
        None => upload,
        Some(cassettes) => {
            let body = upload.read(app, &parts, record).await?;
            // Boxed: most servers have none, and need not keep room for it.
            if let Some(reply) = Box::pin(cassettes.answer(app, &parts, &body)).await? {
                return Ok(reply);
            }
            Upload::Read(Ok(body))
        }
    };
    if upstream::owns(app, parts.uri.path()) {
        let body = upload.read(app, &parts, record).await?;
        return Ok(upstream::handle(app, request_id, record, &parts, body).await);
    }
    let accepted = match accept(app, &parts) {
        Ok(accepted) => accepted,
        Err(problem) => {
            if let Upload::Waiting(incoming) = upload {
                body::drain(&parts.headers, incoming).await;
            }
            return Err(problem);
        }
    };
    let bytes = upload.read(app, &parts, record).await?;
    let Accepted::Call {
        operation,
        values,
        caller,
    } = accepted
    else {
        return Ok(match parts.uri.path() {
            DOCS => docs::reply(),
            _ => Reply::text(200, "application/json", document()),
        });
    };
    record.amend(|entry| entry.key_id = Some(caller.key_id.clone()));
    let (body, complaints) = body::parse(operation, &parts.headers, &bytes)?;
    let mut violations = Violations::new(app.config.validate);
    violations.body(complaints)?;
    if let body::Body::Json(json) = &body {
        let session_id = text(json, "session_id").map(str::to_owned);
        record.amend(|entry| entry.session_id = session_id);
    }
    let call = Call {
        app: app.clone(),
        operation,
        request_id: request_id.to_owned(),
        target: parts.uri.to_string(),
        caller,
        values,
        query: call::query(parts.uri.query()),
        headers: parts.headers,
        body,
        now: app.clock.now(),
    };
    violations.parameters(&call)?;
    let changes = operation.method != "GET";
    let mut reply = violations.note(once(call).await);
    if changes && reply.is_ok() {
        reply = app.saved().await.and(reply);
    }
    let status = reply
        .as_ref()
        .map_or_else(|problem| problem.status, Reply::status);
    let mut state = app.state();
    *state.answers.entry((&operation.id, status)).or_default() += 1;
    drop(state);
    reply
}

/// The body of a request.
enum Upload {
    /// The client may still be writing it.
    Waiting(Incoming),
    /// It was read, or it cannot be.
    Read(Result<bytes::Bytes, Problem>),
}

impl Upload {
    async fn read(
        self,
        app: &App,
        parts: &http::request::Parts,
        record: &Record,
    ) -> Result<bytes::Bytes, Problem> {
        let mut incoming = match self {
            Self::Waiting(incoming) => incoming,
            Self::Read(read) => return read,
        };
        match body::read(app, &parts.headers, &mut incoming).await {
            Ok(bytes) => {
                record.body(&bytes);
                Ok(bytes)
            }
            Err(problem) => {
                body::drain(&parts.headers, incoming).await;
                Err(problem)
            }
        }
    }
}

/// What a request leads to, as far as its head tells.
enum Accepted {
    /// The document, as data or as a page.
    Document,
    /// An operation, which the caller may use.
    Call {
        operation: &'static Operation,
        values: Values,
        caller: Caller,
    },
}

fn accept(app: &App, parts: &http::request::Parts) -> Result<Accepted, Problem> {
    let path = parts.uri.path();
    // An answer to HEAD is the answer to GET without its body.
    let method = if parts.method == http::Method::HEAD {
        "GET"
    } else {
        parts.method.as_str()
    };
    if path == "/langflow/openapi.json" || path == DOCS {
        return match method {
            "GET" => Ok(Accepted::Document),
            _ => Err(other_methods(method, path, &["GET"])),
        };
    }
    let (operation, values) = find(method, path)?;
    let caller = auth::authorise(app, operation, &parts.headers)?;
    Ok(Accepted::Call {
        operation,
        values,
        caller,
    })
}

/// Does keyed work once, and gives its answer again to whoever asks again. A run is another
/// matter: it can be joined while it goes on.
async fn once(call: Call) -> Result<Reply, Problem> {
    let value = call
        .header("idempotency-key")
        .filter(|_| call.app.config.idempotency);
    let Some(value) = value.filter(|_| call.operation.keyed) else {
        return dispatch(call).await;
    };
    let key = WorkKey {
        key_id: call.caller.key_id.clone(),
        target: call.target.clone(),
        value: value.to_owned(),
    };
    let (app, body, now) = (call.app.clone(), call.body_print(), call.now);
    let _one_at_a_time = app.keyed.lock().await;
    let replay = app.state().replays.find(&key, &body, now);
    match replay {
        Replay::Answer(answer) => return Ok(Reply::again(answer)),
        Replay::Conflict => return Err(Problem::key_reused()),
        Replay::New => {}
    }
    let reply = dispatch(call).await?;
    if let Some(answer) = reply.kept() {
        app.state().replays.keep(key, body, answer, now);
    }
    Ok(reply)
}

/// Every operation that does something. Those of the document that are missing here answer 501.
async fn dispatch(call: Call) -> Result<Reply, Problem> {
    match call.operation.id.as_str() {
        "listFlows" => flows::list(&call),
        "createFlow" => flows::create(&call),
        "getFlow" => flows::get(&call),
        "replaceFlow" => flows::replace(&call),
        "updateFlow" => flows::update(&call),
        "deleteFlow" => flows::delete(&call),
        "duplicateFlow" => flows::duplicate(&call),
        "getFlowSettings" => flows::get_settings(&call),
        "updateFlowSettings" => flows::update_settings(&call),
        "exportFlow" => transfer::export(&call),
        "importFlows" => transfer::import(&call),
        "runFlow" => runs::run(call).await,
        "listRuns" => runs::list(&call),
        "getRun" => runs::get(&call),
        "cancelRun" => runs::cancel(&call).await,
        "streamRunEvents" => runs::events(&call),
        "listSessions" => sessions::list(&call),
        "getSession" => sessions::get(&call),
        "listSessionMessages" => sessions::messages(&call),
        "clearSession" => sessions::clear(&call),
        "clearAllSessions" => sessions::clear_all(&call),
        "createApiKey" => api_keys::create(&call),
        "listApiKeys" => api_keys::list(&call),
        "getApiKey" => api_keys::get(&call),
        "updateApiKey" => api_keys::update(&call),
        "revokeApiKey" => api_keys::revoke(&call),
        "rotateApiKey" => api_keys::rotate(&call),
        "createWebhook" => webhooks::create(&call),
        "listWebhooks" => webhooks::list(&call),
        "getWebhook" => webhooks::get(&call),
        "updateWebhook" => webhooks::update(&call),
        "deleteWebhook" => webhooks::delete(&call),
        "testWebhook" => webhooks::test(&call),
        "rotateWebhookSecret" => webhooks::rotate(&call),
        "listWebhookDeliveries" => webhooks::deliveries(&call),
        "getWebhookDelivery" => webhooks::delivery(&call),
        "redeliverWebhook" => webhooks::redeliver(&call),
        "getUsage" => usage::usage(&call),
        "getMetrics" => usage::metrics(&call),
        "getHealth" => monitoring::health(&call),
        "getVersion" => monitoring::version(&call),
        id => Err(Problem::new(
            "not_implemented",
            format!("This mock does not do `{id}` yet."),
        )),
    }
}

fn find(method: &str, path: &str) -> Result<(&'static Operation, Values), Problem> {
    let within = path
        .strip_prefix(PREFIX)
        .filter(|rest| rest.starts_with('/'));
    let route = within.map(|within| contract().route(method, within));
    match route {
        Some(Route::Found(operation, values)) => Ok((operation, values)),
        Some(Route::OtherMethods(methods)) => Err(other_methods(method, path, &methods)),
        Some(Route::Nothing(near)) => Err(no_route(path, near)),
        None => {
            // A base URL without its prefix, or with another one, is a common slip.
            let mut paths = contract()
                .operations
                .iter()
                .map(|operation| operation.path.as_str());
            Err(no_route(path, paths.find(|known| path.ends_with(known))))
        }
    }
}

fn no_route(path: &str, near: Option<&str>) -> Problem {
    match near.map(|near| format!("{PREFIX}{near}")) {
        Some(near) => Problem::not_found("route_not_found", "route", path, Some(&near)),
        None => {
            let detail = format!("There is no route `{path}`. The API stands under `{PREFIX}`.");
            Problem::new("route_not_found", detail)
        }
    }
}

fn other_methods(method: &str, path: &str, allowed: &[&str]) -> Problem {
    let allowed = allowed.join(", ");
    let detail = format!("`{path}` does not take {method}, but {allowed}.");
    Problem::new("method_not_allowed", detail).header("allow", allowed)
}

/// A field of a body as text.
fn text<'a>(body: &'a Value, field: &str) -> Option<&'a str> {
    body.get(field).and_then(Value::as_str)
}
