//! The journal, from outside.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Order;
use super::fields::FILTER;
use crate::double::{Filter, har, unknown_operation, verdict};
use crate::http::Reply;
use crate::problem::Problem;

/// How many requests a list has unless it is asked for more.
const LISTED: usize = 100;

/// How long a wait may take, in seconds.
const LONGEST: f64 = 300.0;

pub(super) fn list(order: &Order) -> Result<Reply, Problem> {
    let filter = filter_of_query(order)?;
    let (entries, forgotten) = order.app.double.journal.find(&filter);
    let limit = match order.query("limit") {
        None => LISTED,
        Some(text) => text
            .parse()
            .map_err(|_| Problem::field("limit", "has to be a whole number"))?,
    };
    let whole = order.query("whole") == Some("true");
    let skip = entries.len().saturating_sub(limit);
    let items: Vec<Value> = entries.iter().skip(skip).map(|it| it.json(whole)).collect();
    let shown = json!({
        "items": items,
        "total": entries.len(),
        "forgotten": forgotten,
        "epoch": order.app.double.journal.epoch(),
    });
    Ok(Reply::json(200, &shown))
}

pub(super) fn verify(order: &Order) -> Result<Reply, Problem> {
    let journal = &order.app.double.journal;
    let body = &order.body;
    if let Some(order) = body["order"].as_array() {
        let filters: Vec<Filter> = order.iter().map(filter).collect::<Result<_, _>>()?;
        let (mut since, mut met) = (0, 0);
        for mut filter in filters.iter().cloned() {
            filter.since = Some(filter.since.unwrap_or(0).max(since));
            let Some(next) = journal.find(&filter).0.first().map(|entry| entry.id) else {
                break;
            };
            since = next;
            met += 1;
        }
        let message = match order.get(met) {
            None => format!("All {met} came in this order."),
            Some(missing) => format!(
                "After {met} of {} none came that fits {missing}.",
                order.len()
            ),
        };
        let shown = json!({"ok": met == order.len(), "found": met, "message": message});
        return Ok(Reply::json(200, &shown));
    }
    let filter = filter(&body["match"])?;
    let found = journal.count(&filter) as u64;
    let (min, max) = match body["count"].as_u64() {
        Some(count) => (count, Some(count)),
        None => {
            let max = body["max"].as_u64();
            (
                body["min"].as_u64().unwrap_or(u64::from(max.is_none())),
                max,
            )
        }
    };
    let ok = found >= min && max.is_none_or(|max| found <= max);
    let wanted = match max {
        Some(max) if max == min => format!("exactly {min}"),
        Some(max) => format!("{min} to {max}"),
        None => format!("at least {min}"),
    };
    let mut shown =
        json!({"ok": ok, "found": found, "message": format!("{found} came, {wanted} should.")});
    if found == 0 {
        // What came instead is what a failed test wants to know.
        shown["nearest"] = journal.nearest(&filter);
        let (others, _) = journal.find(&Filter::default());
        let last = others.iter().rev().take(5).map(|entry| entry.json(false));
        shown["instead"] = last.collect();
    }
    Ok(Reply::json(200, &shown))
}

pub(super) fn archive(order: &Order) -> Result<Reply, Problem> {
    let (entries, _) = order.app.double.journal.find(&filter_of_query(order)?);
    Ok(Reply::json(200, &har::archive(&entries)))
}

pub(super) async fn wait(order: &Order) -> Result<Reply, Problem> {
    let filter = filter(&order.body["match"])?;
    let count = order.body["count"].as_u64().unwrap_or(1);
    let seconds = order.body["timeout"].as_f64().unwrap_or(10.0);
    let limit = Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|_| seconds <= LONGEST)
        .ok_or_else(|| Problem::field("timeout", "has to be from 0 to 300 seconds"))?;
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    let found = order.app.double.journal.wait(&filter, wanted, limit).await;
    Ok(Reply::json(
        200,
        &json!({"ok": found >= wanted, "found": found}),
    ))
}

pub(super) fn judge(order: &Order) -> Result<Reply, Problem> {
    let mut filter = Filter::default();
    if let Some(epoch) = order.query("epoch") {
        filter.epoch = Some(number_or_text(epoch));
    }
    let patience = order.query("patience").map(|text| {
        let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0);
        let patience = seconds.and_then(|it| Duration::try_from_secs_f64(it).ok());
        patience.ok_or_else(|| Problem::field("patience", "has to be a number of seconds above 0"))
    });
    let strict = match order.query("strict") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::field("strict", "has to be true or false")),
    };
    let ignored = order.query("ignore").unwrap_or_default();
    let manner = verdict::Manner {
        ignored: ignored.split(',').collect(),
        strict,
        patience: patience.transpose()?.unwrap_or(verdict::PATIENCE),
    };
    Ok(Reply::json(200, &order.app.verdict(&filter, &manner)))
}

fn filter(value: &Value) -> Result<Filter, Problem> {
    let value = match value {
        Value::Null => json!({}),
        value => value.clone(),
    };
    let filter: Filter = serde_json::from_value(value)
        .map_err(|error| Problem::field("match", error.to_string()))?;
    known(filter, "match.operation")
}

/// A check of an operation that there is not would be right for ever, if none shall have come.
fn known(filter: Filter, field: &str) -> Result<Filter, Problem> {
    let Some(wanted) = &filter.operation else {
        return Ok(filter);
    };
    match unknown_operation(wanted) {
        None => Ok(filter),
        Some(complaint) => Err(Problem::field(field, complaint)),
    }
}

fn filter_of_query(order: &Order) -> Result<Filter, Problem> {
    let mut fields = Map::new();
    for (name, kind, _) in FILTER {
        if let Some(text) = order.query(name) {
            let value = match *kind {
                "string" => text.into(),
                _ => number_or_text(text),
            };
            fields.insert((*name).to_owned(), value);
        }
    }
    let filter: Filter = serde_json::from_value(Value::Object(fields))
        .map_err(|error| Problem::new("invalid_parameter", error.to_string()))?;
    known(filter, "operation")
}

fn number_or_text(text: &str) -> Value {
    match text.parse::<u64>() {
        Ok(number) => number.into(),
        Err(_) => text.into(),
    }
}
