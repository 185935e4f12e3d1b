//! Beginning anew, and going back.

use serde_json::{Value, json};

use super::Order;
use crate::app::App;
use crate::http::Reply;
use crate::problem::Problem;
use crate::seed::{self, Seeded};
use crate::state::{RunStatus, State};

/// What a reset can begin anew.
const SCOPES: [&str; 6] = [
    "state",
    "requests",
    "faults",
    "scripts",
    "snapshots",
    "clock",
];

pub(super) async fn reset(order: &Order) -> Result<Reply, Problem> {
    let (app, body) = (&order.app, &order.body);
    let scopes = names(body, "scopes")?.unwrap_or_else(|| SCOPES.to_vec());
    let keep = names(body, "keep")?.unwrap_or_default();
    let begun_anew = |scope: &str| scopes.contains(&scope) && !keep.contains(&scope);
    // The clock first: what is planted gets its time from it.
    if begun_anew("clock") {
        app.clock.reset();
    }
    if begun_anew("state") {
        plant(app, app.config.seed);
    }
    let epoch = app.double.journal.next_epoch();
    if begun_anew("requests") {
        app.double.journal.clear();
    }
    if begun_anew("faults") {
        app.double.faults().reset(app.double.seed());
    }
    if begun_anew("scripts") {
        app.double.scripts().remove(None);
    }
    if begun_anew("snapshots") {
        app.double.snapshots().clear();
    }
    let done: Vec<&str> = SCOPES.into_iter().filter(|it| begun_anew(it)).collect();
    let shown = json!({"epoch": epoch, "reset": done});
    app.double.feed.tell("state", || shown.clone());
    app.saved().await?;
    Ok(Reply::json(200, &shown))
}

pub(super) async fn sow(order: &Order) -> Result<Reply, Problem> {
    let app = &order.app;
    let seed = order.body["seed"].as_u64().unwrap_or(app.config.seed);
    let seeded = plant(app, seed);
    app.double.faults().reset(seed);
    let epoch = app.double.journal.next_epoch();
    let shown = json!({
        "seed": seed,
        "epoch": epoch,
        "api_key": seeded.admin(),
        "keys": seeded.keys,
        "flow_ids": seeded.flow_ids,
    });
    app.double
        .feed
        .tell("state", || json!({"epoch": epoch, "seed": seed}));
    app.saved().await?;
    Ok(Reply::json(200, &shown))
}

/// A fresh workspace. Runs that are under way belong to the old one and end.
fn plant(app: &App, seed: u64) -> Seeded {
    let now = app.clock.now();
    let (fresh, seeded) = seed::begin(seed, &app.config, &app.plants, now);
    let old = std::mem::replace(&mut *app.state(), fresh);
    end_runs(&old);
    app.double.sow(seed);
    seeded
}

pub(super) fn end_runs(state: &State) {
    let running = |run: &&std::sync::Arc<crate::state::Run>| run.status() == RunStatus::Running;
    for run in state.runs.all().filter(running) {
        run.cancel();
    }
}

fn names<'a>(body: &'a Value, field: &str) -> Result<Option<Vec<&'a str>>, Problem> {
    let Some(list) = body.get(field).and_then(Value::as_array) else {
        return Ok(None);
    };
    let names = list.iter().map(|name| {
        name.as_str()
            .filter(|name| SCOPES.contains(name))
            .ok_or_else(|| {
                let message = format!("has to be of {}; {name} is not", SCOPES.join(", "));
                Problem::field(field, message)
            })
    });
    names.collect::<Result<_, _>>().map(Some)
}
