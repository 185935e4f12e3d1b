//! How much was run, for people and for Prometheus.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::call::Call;
use super::reply::Reply;
use crate::clock::timestamp;
use crate::problem::Problem;
use crate::state::{BUCKETS, DeliveryStatus, Line, State, Sums};

pub(super) fn usage(call: &Call) -> Result<Reply, Problem> {
    let moment = |name| {
        let given = call.query(name)?.parse::<DateTime<Utc>>();
        given.ok()
    };
    // The end is not in the period, but what has just ended shall be.
    let until = moment("until").unwrap_or(call.now + TimeDelta::milliseconds(1));
    let since = moment("since").unwrap_or_else(|| {
        until
            .checked_sub_signed(TimeDelta::hours(24))
            .unwrap_or(DateTime::<Utc>::MIN_UTC)
    });
    let group_by = call.query("group_by");
    let is = |name, value: &str| call.query(name).is_none_or(|wanted| wanted == value);
    let wanted = |line: &Line| {
        since <= line.at
            && line.at < until
            && is("flow_id", &line.flow_id)
            && is("key_id", &line.key_id)
    };
    let group = |line: &Line| match group_by? {
        "flow" => Some(line.flow_id.clone()),
        "key" => Some(line.key_id.clone()),
        _ => Some(line.at.format("%Y-%m-%d").to_string()),
    };
    let (total, groups) = call.app.state().usage.sums(wanted, group);
    let rows = groups.iter();
    let rows: Vec<Value> = rows
        .map(|(group, sums)| json!({"group": group, "counts": counts(sums)}))
        .collect();
    let shown = json!({
        "since": timestamp(since),
        "until": timestamp(until),
        "group_by": group_by,
        "total": counts(&total),
        "rows": rows,
    });
    Ok(Reply::json(200, &shown))
}

fn counts(sums: &Sums) -> Value {
    json!({
        "runs": sums.runs,
        "errors": sums.errors,
        "tokens_used": sums.tokens,
        "latency": {
            "p50": sums.percentile(0.5),
            "p90": sums.percentile(0.9),
            "p99": sums.percentile(0.99),
            "max": sums.percentile(1.0),
        },
    })
}

pub(super) fn metrics(call: &Call) -> Result<Reply, Problem> {
    let state = call.app.state();
    let mut page = Page::default();
    runs(&mut page, &state);
    page.family(
        "langflow_requests_total",
        "counter",
        "Answers by operation and status.",
    );
    for ((operation, status), count) in &state.answers {
        let labels = format!("{{operation=\"{operation}\",status=\"{status}\"}}");
        page.sample("langflow_requests_total", &labels, count);
    }
    page.family(
        "langflow_webhook_deliveries",
        "gauge",
        "Deliveries in the log by state.",
    );
    let all = [
        DeliveryStatus::Pending,
        DeliveryStatus::Delivered,
        DeliveryStatus::Failed,
    ];
    for status in all {
        let labels = format!("{{status=\"{}\"}}", status.name());
        page.sample(
            "langflow_webhook_deliveries",
            &labels,
            state.deliveries.count(status),
        );
    }
    page.family("langflow_flows", "gauge", "Flows.");
    page.sample("langflow_flows", "", state.flows.all().len());
    page.family("langflow_sessions", "gauge", "Sessions that live.");
    page.sample("langflow_sessions", "", state.sessions.count(call.now));
    page.family(
        "langflow_uptime_seconds",
        "gauge",
        "Seconds since the server started.",
    );
    let uptime = (call.now - state.started_at).to_std().unwrap_or_default();
    page.sample("langflow_uptime_seconds", "", uptime.as_secs_f64());
    Ok(Reply::text(
        200,
        "text/plain; version=0.0.4; charset=utf-8",
        page.0,
    ))
}

fn runs(page: &mut Page, state: &State) {
    let counters = &state.usage.counters;
    page.family("langflow_runs_total", "counter", "Runs by state.");
    for status in ["completed", "failed", "cancelled"] {
        let count = counters.runs.get(status).copied().unwrap_or_default();
        page.sample(
            "langflow_runs_total",
            &format!("{{status=\"{status}\"}}"),
            count,
        );
    }
    page.family(
        "langflow_tokens_total",
        "counter",
        "Tokens of all model calls.",
    );
    page.sample("langflow_tokens_total", "", counters.tokens);
    let name = "langflow_run_duration_seconds";
    page.family(name, "histogram", "How long runs took.");
    let total: u64 = counters.runs.values().sum();
    for (end, count) in BUCKETS.iter().zip(counters.within) {
        page.sample(
            &format!("{name}_bucket"),
            &format!("{{le=\"{end}\"}}"),
            count,
        );
    }
    page.sample(&format!("{name}_bucket"), "{le=\"+Inf\"}", total);
    page.sample(&format!("{name}_sum"), "", counters.seconds);
    page.sample(&format!("{name}_count"), "", total);
}

/// A page in the text format 0.0.4 of Prometheus.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}
