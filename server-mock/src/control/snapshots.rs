//! States that are shown, put aside, and taken up again.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Order;
use super::states::end_runs;
use crate::app::App;
use crate::http::Reply;
use crate::problem::Problem;
use crate::state::State;
use crate::webhooks;

/// How many states are put aside at a time.
const KEPT: usize = 32;

/// The whole state, as it would be in a file.
pub(super) fn show(order: &Order) -> Result<Reply, Problem> {
    Ok(Reply::text(200, "application/json", save(&order.app)?))
}

/// Goes on with a state that was shown earlier.
pub(super) async fn put(order: &Order) -> Result<Reply, Problem> {
    take_over(&order.app, &order.body.to_string()).await
}

pub(super) fn list(order: &Order) -> Reply {
    let names: Vec<Value> = order
        .app
        .double
        .snapshots()
        .keys()
        .map(|name| name.as_str().into())
        .collect();
    Reply::json(200, &json!({"items": names}))
}

pub(super) fn put_aside(order: &Order) -> Result<Reply, Problem> {
    let name = &order.id;
    let plain = |it: char| it.is_ascii_alphanumeric() || "_-.".contains(it);
    if name.len() > 64 || !name.chars().all(plain) {
        let message = "has to be 64 letters, digits, `_`, `-` or `.` at most";
        return Err(Problem::field("name", message));
    }
    let text = save(&order.app)?;
    let size = text.len();
    let mut snapshots = order.app.double.snapshots();
    if snapshots.len() >= KEPT && !snapshots.contains_key(name) {
        return Err(Problem::field("name", "is one too many; delete some"));
    }
    snapshots.insert(name.clone(), text);
    Ok(Reply::json(200, &json!({"name": name, "size": size})))
}

pub(super) async fn restore(order: &Order) -> Result<Reply, Problem> {
    let found = order.app.double.snapshots().get(&order.id).cloned();
    let text = found.ok_or_else(|| nothing(order))?;
    take_over(&order.app, &text).await
}

pub(super) fn forget(order: &Order) -> Result<Reply, Problem> {
    let found = order.app.double.snapshots().remove(&order.id);
    found
        .map(|_| Reply::empty(204))
        .ok_or_else(|| nothing(order))
}

fn nothing(order: &Order) -> Problem {
    let snapshots = order.app.double.snapshots();
    let names: Vec<&str> = snapshots.keys().map(String::as_str).collect();
    let names = names.join(", ");
    let detail = format!("There is no snapshot `{}`, only: {names}.", order.id);
    Problem::new("route_not_found", detail)
}

fn save(app: &App) -> Result<String, Problem> {
    let text = app.state().save();
    text.map_err(|error| Problem::new("internal", error.to_string()))
}

/// Another epoch with another state; the clock goes on.
async fn take_over(app: &Arc<App>, text: &str) -> Result<Reply, Problem> {
    let state = State::load(text, app.clock.now())
        .map_err(|error| Problem::field("state", error.to_string()))?;
    let old = std::mem::replace(&mut *app.state(), state);
    end_runs(&old);
    webhooks::resume(app);
    let epoch = app.double.journal.next_epoch();
    let shown = json!({"epoch": epoch});
    app.double.feed.tell("state", || shown.clone());
    app.saved().await?;
    Ok(Reply::json(200, &shown))
}
