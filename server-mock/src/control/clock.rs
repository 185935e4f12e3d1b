//! The clock, from outside.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Order, parse_span};
use crate::app::App;
use crate::clock::timestamp;
use crate::double::due;
use crate::http::Reply;
use crate::problem::Problem;

pub(super) fn show(app: &App) -> Value {
    let (mode, scale) = app.clock.mode_name();
    json!({"now": timestamp(app.clock.now()), "mode": mode, "scale": scale})
}

pub(super) async fn set(order: &Order) -> Result<Reply, Problem> {
    let (app, body) = (&order.app, &order.body);
    let flag = |name: &str| body[name] == true;
    // All of it is read before anything is done.
    let reset = flag("reset");
    let set = body.get("set").map(|at| moment("set", at)).transpose()?;
    let freeze = match body.get("freeze") {
        None | Some(Value::Bool(false)) => None,
        Some(Value::Bool(true)) => Some(None),
        Some(at) => Some(Some(moment("freeze", at)?)),
    };
    let advance = body.get("advance").map(span).transpose()?;
    let scale = body.get("scale").and_then(Value::as_f64);
    if scale.is_some_and(|scale| !(scale > 0.0 && scale <= 1e9)) {
        return Err(Problem::field(
            "scale",
            "has to be more than 0, and 1e9 at most",
        ));
    }
    for (name, at) in [("set", set), ("freeze", freeze.flatten())] {
        if !reset && at.is_some_and(|at| at < app.clock.now()) {
            return Err(Problem::field(
                name,
                "is past; time goes back only together with `reset`",
            ));
        }
    }
    if reset {
        app.clock.reset();
    }
    let mut fired = Vec::new();
    for at in [set, freeze.flatten()].into_iter().flatten() {
        // Going on is an advance; going back runs nothing.
        match (at - app.clock.now()).to_std() {
            Ok(by) if !reset => fired.extend(due::advance(app, by).await),
            _ => app.clock.jump(at),
        }
    }
    if let Some(at) = freeze {
        app.clock.freeze(at);
    }
    if flag("resume") {
        app.clock.resume();
    }
    if let Some(scale) = scale {
        app.clock.scale(scale);
    }
    if let Some(by) = advance {
        fired.extend(due::advance(app, by).await);
    }
    let mut shown = show(app);
    shown["fired"] = fired.iter().map(due::Fired::json).collect();
    app.double.feed.tell("clock", || shown.clone());
    Ok(Reply::json(200, &shown))
}

fn moment(field: &str, value: &Value) -> Result<DateTime<Utc>, Problem> {
    let text = value.as_str().unwrap_or_default();
    text.parse()
        .map_err(|_| Problem::field(field, "has to be a moment such as 2026-01-01T00:00:00Z"))
}

fn span(value: &Value) -> Result<Duration, Problem> {
    let span = match value {
        Value::Number(seconds) => seconds
            .as_f64()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        Value::String(text) => parse_span(text),
        _ => None,
    };
    // The calendar ends some time.
    let longest = Duration::from_secs(1_000 * 366 * 86_400);
    span.filter(|span| *span <= longest).ok_or_else(|| {
        Problem::field(
            "advance",
            "has to be seconds from 0, or a text such as `31m`; a thousand years at most",
        )
    })
}
