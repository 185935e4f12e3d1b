use std::time::Duration;

use serde_json::json;

use super::*;
use kind::Latency;

fn start() -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse().expect("a date")
}

fn seen(path: &str) -> Seen<'_> {
    Seen {
        method: "POST",
        path,
        operation: Some("runFlow"),
        flow_id: Some("hello-flow"),
        header: None,
        delivery: false,
    }
}

fn strike(faults: &mut Faults, at: i64) -> Option<Chosen> {
    let now = start() + chrono::TimeDelta::seconds(at);
    faults.choose(&seen("/x"), now).expect("a choice")
}

#[test]
fn the_nearest_scope_wins() {
    let mut faults = Faults::new(42);
    for (status, scope) in [(501, "default"), (502, "rule"), (503, "armed")] {
        let fault = json!({"kind": "status", "status": status, "scope": scope});
        faults.arm(&fault, start()).unwrap();
    }
    let header = Seen {
        header: Some(r#"{"kind":"status","status":504}"#),
        ..seen("/x")
    };
    let scope = |chosen: Option<Chosen>| chosen.expect("a fault").scope;
    assert_eq!(
        scope(faults.choose(&header, start()).unwrap()),
        Scope::Header
    );
    assert_eq!(scope(strike(&mut faults, 0)), Scope::Armed);
    assert_eq!(scope(strike(&mut faults, 0)), Scope::Rule);
    faults.disarm(Some("flt_2"));
    let last = strike(&mut faults, 0).expect("a fault");
    assert_eq!(last.label(), "status; scope=default; id=flt_1");
    assert_eq!(faults.disarm(None), 1);
    assert!(strike(&mut faults, 0).is_none());
}

#[test]
fn only_what_fits_is_hit_and_only_so_often() {
    let mut faults = Faults::new(42);
    let fault =
        json!({"kind": "reset", "times": 2, "match": {"path": "/a*", "operation": "runFlow"}});
    faults.arm(&fault, start()).unwrap();
    assert!(strike(&mut faults, 0).is_none());
    let other = Seen {
        operation: None,
        ..seen("/ab")
    };
    assert!(faults.choose(&other, start()).unwrap().is_none());
    for expected in [true, true, false] {
        let hit = faults.choose(&seen("/ab"), start()).unwrap();
        assert_eq!(hit.is_some(), expected);
    }
    assert!(faults.list().is_empty());
}

#[test]
fn chance_is_decided_by_the_seed() {
    let hits = |seed| {
        let mut faults = Faults::new(seed);
        let fault = json!({"kind": "reset", "scope": "rule", "probability": 0.3});
        faults.arm(&fault, start()).unwrap();
        (0..200)
            .map(|_| strike(&mut faults, 0).is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(hits(1), hits(1));
    assert_ne!(hits(1), hits(2));
    let count = hits(1).iter().filter(|hit| **hit).count();
    assert!((35..=85).contains(&count), "{count}");
}

#[test]
fn quotas_and_outages_live_by_the_clock() {
    let mut faults = Faults::new(42);
    faults
        .arm(&json!({"kind": "quota", "limit": 2, "window": 60}), start())
        .unwrap();
    assert!(strike(&mut faults, 0).is_none() && strike(&mut faults, 1).is_none());
    let kind = strike(&mut faults, 15).expect("a fault").kind;
    assert_eq!(kind, Kind::RateLimited { retry_after: 45 });
    assert!(strike(&mut faults, 60).is_none());
    faults.disarm(None);
    let outage = json!({"kind": "outage", "after": 10, "duration": 30});
    faults.arm(&outage, start()).unwrap();
    assert!(strike(&mut faults, 9).is_none());
    let kind = strike(&mut faults, 12).expect("a fault").kind;
    assert!(
        matches!(
            kind,
            Kind::Status {
                status: 503,
                retry_after: Some(28),
                ..
            }
        ),
        "{kind:?}"
    );
    assert!(strike(&mut faults, 40).is_none());
}

#[test]
fn latencies_follow_their_distribution() {
    let draw = |latency: Value, first, second| {
        let latency: Latency = serde_json::from_value(latency).expect("a latency");
        latency.draw(first, second)
    };
    let ms = Duration::from_millis;
    assert_eq!(draw(json!({"ms": 5}), 0.9, 0.9), ms(5));
    let uniform = json!({"distribution": "uniform", "ms": 10, "max_ms": 20});
    assert_eq!(draw(uniform.clone(), 0.0, 0.0), ms(10));
    assert_eq!(draw(uniform, 0.5, 0.0), ms(15));
    let normal = json!({"distribution": "normal", "ms": 100, "spread": 10});
    assert_eq!(draw(normal.clone(), 0.0, 0.0), ms(100));
    assert!(draw(normal.clone(), 0.9, 0.0) > ms(110));
    assert!(draw(normal, 0.9, 0.5) < ms(90));
    let lognormal = json!({"distribution": "lognormal", "ms": 100, "spread": 1, "max_ms": 150});
    assert_eq!(draw(lognormal.clone(), 0.0, 0.0), ms(100));
    assert_eq!(draw(lognormal, 0.99, 0.0), ms(150));
    let pareto = json!({"distribution": "pareto", "ms": 10, "spread": 1});
    assert_eq!(draw(pareto.clone(), 0.0, 0.0), ms(10));
    assert_eq!(draw(pareto, 0.75, 0.0), ms(40));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut faults = Faults::new(42);
    for (fault, field) in [
        (json!([]), "fault"),
        (json!({"kind": "earthquake"}), "kind"),
        (json!({"kind": "reset", "when": 1}), "kind"),
        (json!({"kind": "status", "status": 99}), "status"),
        (
            json!({"kind": "status", "status": 500, "times": 0}),
            "times",
        ),
        (
            json!({"kind": "status", "status": 500, "times": "x"}),
            "times",
        ),
        (json!({"kind": "reset", "scope": "header"}), "scope"),
        (json!({"kind": "reset", "scope": "galaxy"}), "scope"),
        (json!({"kind": "reset", "match": {"moon": 1}}), "match"),
        (json!({"kind": "reset", "probability": 2}), "probability"),
        (
            json!({"kind": "reset", "match": {"operation": "runFlw"}}),
            "match.operation",
        ),
        (
            json!({"kind": "delivery_late", "seconds": 1, "match": {"operation": "runFlow"}}),
            "match.operation",
        ),
        (json!({"kind": "drip", "bytes_per_second": 0}), "drip"),
        (json!({"kind": "quota", "limit": 1, "window": 0}), "quota"),
        (json!({"kind": "latency", "ms": -1}), "latency"),
        (json!({"kind": "latency", "ms": 1e30}), "latency"),
        (json!({"kind": "latency", "ms": 5, "max_ms": 4}), "latency"),
        (json!({"kind": "latency", "ms": 5, "spread": 4}), "latency"),
        (json!({"kind": "stall", "seconds": 1e300}), "stall"),
        (json!({"kind": "stall", "bytes": 3}), "stall"),
        (json!({"kind": "reset", "seconds": 3}), "reset"),
        (
            json!({"kind": "close", "at": "after_headers", "events": 3}),
            "close",
        ),
        (json!({"kind": "outage", "duration": 0}), "outage"),
        (
            json!({"kind": "content_length", "missing": 0}),
            "content_length",
        ),
        (
            json!({"kind": "content_length", "missing": 1_000_000_000_000_u64}),
            "content_length",
        ),
        (
            json!({"kind": "status", "status": 200, "body": "", "content_type": "text/html\r\nx: y"}),
            "status",
        ),
        (
            json!({"kind": "status", "status": 200, "body": "", "content_type": "html"}),
            "status",
        ),
        (
            json!({"kind": "status", "status": 200, "content_type": "text/html"}),
            "status",
        ),
        (
            json!({"kind": "status", "status": 204, "body": "x"}),
            "status",
        ),
        (
            json!({"kind": "split", "at": "everywhere", "pause_ms": 70_000}),
            "split",
        ),
        (
            json!({"kind": "delivery_late", "seconds": 0}),
            "delivery_late",
        ),
        (
            json!({"kind": "corrupt_event", "event": 0}),
            "corrupt_event",
        ),
    ] {
        let problem = faults.arm(&fault, start()).expect_err("a problem");
        assert_eq!(problem.errors[0].0, field, "{fault}");
    }
    for header in ["{", "{\"kind\":\"reset\",\"times\":1}", "{\"kind\":\"x\"}"] {
        let request = Seen {
            header: Some(header),
            ..seen("/x")
        };
        let problem = faults.choose(&request, start()).expect_err("a problem");
        assert_eq!(problem.code, "invalid_parameter");
    }
    assert!(faults.list().is_empty());
}
