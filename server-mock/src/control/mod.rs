//! The control API under `/__mock`: the test double's own, never part of the product's document.

mod actions;
mod clock;
mod deliveries;
mod doctor;
mod events;
mod fields;
mod guard;
mod near;
mod openapi;
mod requests;
mod snapshots;
mod span;
mod states;
mod table;
mod ui;

use std::net::SocketAddr;
use std::sync::Arc;

use http::Request;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::app::App;
use crate::http::{Reply, query};
use crate::problem::Problem;
use table::{Field, OPERATIONS, Operation};

pub use openapi::control_document;
pub use span::parse_span;
pub(crate) use table::PREFIX;

/// The largest body of a control request: a whole state has to go in.
const MAX_BODY: usize = 256 * 1024 * 1024;

/// A control request, checked.
struct Order {
    app: Arc<App>,
    request_id: String,
    operation: &'static Operation,
    /// What stands in the place of the path's parameter.
    id: String,
    query: Vec<(String, String)>,
    body: Value,
}

impl Order {
    fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Whether a path belongs to the control API.
pub(crate) fn owns(path: &str) -> bool {
    path.strip_prefix(PREFIX)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a control request.
pub(crate) async fn handle(
    app: &Arc<App>,
    peer: SocketAddr,
    request_id: &str,
    request: Request<Incoming>,
) -> Reply {
    match answer(app, peer, request_id, request).await {
        Ok(reply) => reply,
        Err(problem) => Reply::problem(&problem, request_id),
    }
}

async fn answer(
    app: &Arc<App>,
    peer: SocketAddr,
    request_id: &str,
    request: Request<Incoming>,
) -> Result<Reply, Problem> {
    let (parts, incoming) = request.into_parts();
    guard::check(app.config.control_token.as_ref(), peer, &parts)?;
    let method = match parts.method.as_str() {
        "HEAD" => "GET",
        method => method,
    };
    let (operation, id) = route(method, parts.uri.path())?;
    let body = Limited::new(incoming, MAX_BODY).collect().await;
    let bytes = body
        .map_err(|error| match error.is::<LengthLimitError>() {
            true => Problem::too_large(MAX_BODY),
            false => Problem::new("invalid_json", "The body broke off.").error("body", "broke off"),
        })?
        .to_bytes();
    let body = match bytes.is_empty() {
        true => Value::Object(Map::new()),
        false => {
            serde_json::from_slice(&bytes).map_err(|error| Problem::no_json(&bytes, &error))?
        }
    };
    let order = Order {
        app: app.clone(),
        request_id: request_id.to_owned(),
        operation,
        id,
        query: query(parts.uri.query())
            .into_iter()
            .filter(|(name, _)| name != guard::TOKEN[2])
            .collect(),
        body,
    };
    check(&order)?;
    let reply = actions::perform(order).await?;
    // Whoever opened the live page with the token need not put it into every address.
    Ok(match guard::given(parts.uri.query()) {
        Some(token) if app.config.control_token.is_some() => reply.header(
            "set-cookie",
            format!(
                "{}={token}; Path=/; HttpOnly; SameSite=Strict",
                guard::TOKEN[1]
            ),
        ),
        _ => reply,
    })
}

fn route(method: &str, path: &str) -> Result<(&'static Operation, String), Problem> {
    let within = path.strip_prefix(PREFIX).unwrap_or_default();
    let mut allowed = Vec::new();
    for operation in OPERATIONS {
        let Some(id) = fits(operation.path, within) else {
            continue;
        };
        if operation.method == method {
            return Ok((operation, id));
        }
        allowed.push(operation.method);
    }
    if allowed.is_empty() {
        let paths = OPERATIONS.iter().map(|operation| operation.path);
        let near = crate::contract::nearest(paths, within, str::to_owned);
        let near = near.map(|near| format!("{PREFIX}{near}"));
        return Err(Problem::not_found(
            "route_not_found",
            "route",
            path,
            near.as_deref(),
        ));
    }
    let allowed = allowed.join(", ");
    let detail = format!("`{path}` does not take {method}, but {allowed}.");
    Err(Problem::new("method_not_allowed", detail).header("allow", allowed))
}

/// What stands in the place of the one parameter that a path may have.
fn fits(pattern: &str, path: &str) -> Option<String> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut id = String::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(id),
            (Some(name), Some(part)) if name.starts_with('{') && !part.is_empty() => {
                id = percent_decode_str(part).decode_utf8_lossy().into_owned();
            }
            (Some(wanted), Some(part)) if wanted == part => {}
            _ => return None,
        }
    }
}

/// Holds an order against the table.
fn check(order: &Order) -> Result<(), Problem> {
    let known = |fields: &[Field], name: &str| fields.iter().any(|field| field.0 == name);
    let operation = order.operation;
    if let Some((name, _)) = order
        .query
        .iter()
        .find(|(name, _)| !known(operation.query, name))
    {
        let detail = format!("`{}` has no query parameter `{name}`.", operation.id);
        return Err(Problem::new("unknown_parameter", detail).error(name, "is not known here"));
    }
    let Some(body) = order.body.as_object() else {
        return Err(Problem::field("body", "has to be an object"));
    };
    let fields = operation.body.unwrap_or_default();
    for (name, value) in body {
        let field = fields.iter().find(|field| field.0 == name);
        let Some(field) = field.or_else(|| fields.iter().find(|field| field.0 == "*")) else {
            let detail = format!("`{}` has no field `{name}`.", operation.id);
            return Err(Problem::new("unknown_field", detail).error(name, "is not known here"));
        };
        if !is(field.1, value) {
            return Err(Problem::field(name, format!("has to be: {}", field.1)));
        }
    }
    Ok(())
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
