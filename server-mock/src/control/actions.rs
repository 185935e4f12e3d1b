//! What each operation of the table does.

use serde_json::{Value, json};

use super::table::OPERATIONS;
use super::{
    Order, clock, deliveries, doctor, events, near, openapi, requests, snapshots, states, ui,
};
use crate::clock::timestamp;
use crate::double::faults::Faults;
use crate::http::Reply;
use crate::problem::Problem;
use crate::seed::SeedKey;

pub(super) async fn perform(order: Order) -> Result<Reply, Problem> {
    let double = &order.app.double;
    match order.operation.id {
        "getInfo" => Ok(info(&order)),
        "getHealth" => Ok(Reply::json(200, &json!({"status": "ok"}))),
        "getReady" => Ok(ready()),
        "getDocument" => Ok(Reply::json(200, &openapi::control_document())),
        "getClock" => Ok(Reply::json(200, &clock::show(&order.app))),
        "setClock" => clock::set(&order).await,
        "listRequests" => requests::list(&order),
        "clearRequests" => {
            double.journal.clear();
            Ok(Reply::empty(204))
        }
        "verify" => requests::verify(&order),
        "wait" => requests::wait(&order).await,
        "listNearMisses" => Ok(near::list(&order)),
        "getHar" => requests::archive(&order),
        "getVerdict" => requests::judge(&order),
        "listFaults" => Ok(Reply::json(200, &json!({"items": double.faults().list()}))),
        "armFault" => arm(&order),
        "disarmFaults" => {
            double.faults().disarm(None);
            Ok(Reply::empty(204))
        }
        "disarmFault" => removed(&order, double.faults().disarm(Some(&order.id))),
        "listScripts" => Ok(Reply::json(200, &json!({"items": double.scripts().list()}))),
        "addScript" => {
            let shown = double.scripts().add(&order.body)?;
            double.feed.tell("script", || shown.clone());
            Ok(Reply::json(200, &shown))
        }
        "removeScripts" => {
            double.scripts().remove(None);
            Ok(Reply::empty(204))
        }
        "removeScript" => removed(&order, double.scripts().remove(Some(&order.id))),
        "reset" => states::reset(&order).await,
        "seed" => states::sow(&order).await,
        "getState" => snapshots::show(&order),
        "putState" => snapshots::put(&order).await,
        "listSnapshots" => Ok(snapshots::list(&order)),
        "saveSnapshot" => snapshots::put_aside(&order),
        "restoreSnapshot" => snapshots::restore(&order).await,
        "deleteSnapshot" => snapshots::forget(&order),
        "listDeliveries" => Ok(deliveries::list(&order)),
        "replayDelivery" => deliveries::replay(&order),
        "handledDelivery" => deliveries::handled(&order),
        "trigger" => deliveries::trigger(&order),
        "listen" => deliveries::listen(&order),
        "followEvents" => Ok(events::follow(&order)),
        "examine" => Ok(Reply::json(200, &doctor::examine(&order.app))),
        "showPage" if !order.app.config.ui => Err(Problem::new(
            "route_not_found",
            "This server has no live page: it was started with --no-ui.",
        )),
        "showPage" => Ok(ui::show()),
        "listSeededKeys" => Ok(ui::keys(&order)),
        "makeKey" => make_key(&order).await,
        "listWebhookKeys" => Ok(deliveries::keys(&order)),
        "look" => ui::look(&order).await,
        id => Err(Problem::new(
            "not_implemented",
            format!("There is no `{id}`."),
        )),
    }
}

fn info(order: &Order) -> Reply {
    let app = &order.app;
    let state = app.state();
    let shown = json!({
        "server": "langflow-mock",
        "version": env!("CARGO_PKG_VERSION"),
        "seed": app.double.seed(),
        "epoch": app.double.journal.epoch(),
        "now": timestamp(app.clock.now()),
        "flows": state.flows.all().len(),
        "runs": state.runs.all().count(),
        "operations": OPERATIONS.len(),
    });
    drop(state);
    Reply::json(200, &shown)
}

/// A server that does not listen yet gives no answer; one that answers is ready.
fn ready() -> Reply {
    let shown = json!({
        "ready": true,
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
    });
    Reply::json(200, &shown)
}

/// Arms one fault, or several: all of them or none.
fn arm(order: &Order) -> Result<Reply, Problem> {
    let now = order.app.clock.now();
    let double = &order.app.double;
    let shown = match order.body.get("faults").and_then(Value::as_array) {
        None => double.faults().arm(&order.body, now)?,
        Some(list) => {
            let mut trial = Faults::default();
            for fault in list {
                trial.arm(fault, now)?;
            }
            let mut faults = double.faults();
            let armed = list.iter().map(|fault| faults.arm(fault, now));
            json!({"items": armed.collect::<Result<Vec<_>, _>>()?})
        }
    };
    double.feed.tell("fault", || shown.clone());
    Ok(Reply::json(200, &shown))
}

fn removed(order: &Order, count: usize) -> Result<Reply, Problem> {
    match count {
        0 => {
            let detail = format!("There is no `{}`.", order.id);
            Err(Problem::new("route_not_found", detail))
        }
        _ => Ok(Reply::empty(204)),
    }
}

async fn make_key(order: &Order) -> Result<Reply, Problem> {
    let key = SeedKey::read(&order.body);
    let key = key.map_err(|(field, message)| Problem::field(field, message))?;
    let app = &order.app;
    let shown = {
        let mut state = app.state();
        if let Some(secret) = &key.secret
            && state.keys.knows(secret)
        {
            return Err(Problem::field("secret", "belongs to another key"));
        }
        let (id, secret) = key.plant(&mut state, app.clock.now());
        json!({"id": id, "name": key.name, "key": secret})
    };
    app.saved().await?;
    Ok(Reply::json(200, &shown))
}
