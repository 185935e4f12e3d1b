//! Usage and metrics over HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::Mock;

#[test]
fn usage_is_summed_by_flow_key_and_day() {
    let mock = Mock::start();
    let clock = mock.server.clock();
    clock.freeze(Some("2026-01-01T12:00:00Z".parse().unwrap()));
    let none = mock.get("/usage").json();
    let empty = json!({"p50": null, "p90": null, "p99": null, "max": null});
    assert_eq!(
        (&none["total"]["latency"], &none["rows"]),
        (&empty, &json!([]))
    );
    let body = json!({"input_value": "one two three"});
    let tokens = mock.run("hello-flow", &body)["metadata"]["tokens_used"]
        .as_u64()
        .unwrap();
    mock.call_as(&mock.key("execute"), "POST", "/flows/echo/run", &body);
    clock.advance(Duration::from_secs(20 * 3600));
    assert_eq!(
        mock.call("POST", "/flows/failing-flow/run", &body).status,
        500
    );
    let usage = |query: &str| mock.get(&format!("/usage{query}")).json();
    let total = usage("")["total"].clone();
    assert_eq!((&total["runs"], &total["errors"]), (&json!(3), &json!(1)));
    assert_eq!(total["tokens_used"], tokens);
    assert_eq!(total["latency"]["max"], 0.0);
    let groups = |by: &str| -> Vec<(Value, Value)> {
        let rows = usage(&format!("?group_by={by}"))["rows"].clone();
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| (row["group"].clone(), row["counts"]["runs"].clone()))
            .collect()
    };
    let rows = |all: [(&str, i32); 2]| all.map(|(name, runs)| (json!(name), json!(runs))).to_vec();
    assert_eq!(
        groups("flow")[1..],
        rows([("failing-flow", 1), ("hello-flow", 1)])
    );
    assert_eq!(groups("key"), rows([("key_admin", 2), ("key_execute", 1)]));
    assert_eq!(groups("day"), rows([("2026-01-01", 2), ("2026-01-02", 1)]));
    for (query, runs) in [
        ("?flow_id=echo", 1),
        ("?key_id=key_admin&flow_id=echo", 0),
        ("?since=2026-01-02T00:00:00Z", 1),
        ("?until=2026-01-01T12:00:00Z", 0),
        ("?until=2026-01-01T12:00:01Z", 2),
    ] {
        assert_eq!(usage(query)["total"]["runs"], runs, "{query}");
    }
    clock.advance(Duration::from_secs(5 * 3600));
    assert_eq!(usage("")["total"]["runs"], 1, "the last 24 hours");
    assert_eq!(
        mock.get("/usage?group_by=moon").problem(),
        "invalid_parameter"
    );
}

#[test]
fn metrics_are_what_prometheus_reads() {
    let mock = Mock::start();
    mock.run("echo", &json!({"input_value": "x"}));
    mock.call(
        "POST",
        "/flows/failing-flow/run",
        &json!({"input_value": "x"}),
    );
    mock.get("/flows/none");
    let answer = mock.get("/metrics");
    let media = answer.header("content-type").unwrap().to_owned();
    assert_eq!(media, "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "# TYPE langflow_runs_total counter",
        "langflow_runs_total{status=\"completed\"} 1",
        "langflow_runs_total{status=\"failed\"} 1",
        "langflow_runs_total{status=\"cancelled\"} 0",
        "langflow_requests_total{operation=\"runFlow\",status=\"200\"} 1",
        "langflow_requests_total{operation=\"runFlow\",status=\"500\"} 1",
        "langflow_requests_total{operation=\"getFlow\",status=\"404\"} 1",
        "langflow_run_duration_seconds_bucket{le=\"+Inf\"} 2",
        "langflow_run_duration_seconds_count 2",
        "langflow_flows 6",
        "langflow_sessions 2",
        "langflow_webhook_deliveries{status=\"failed\"} 0",
    ] {
        assert!(
            answer.body.lines().any(|it| it == line),
            "{line} in {}",
            answer.body
        );
    }
    let mut typed = Vec::new();
    for line in answer.body.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            typed.push(rest.split(' ').next().unwrap().to_owned());
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(typed.iter().any(|it| name.starts_with(it)), "{line}");
        }
    }
}
