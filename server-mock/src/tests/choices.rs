//! What can be chosen about a server: what it thinks of requests, how fast it speaks, whom it lets in,
//! how it signs.

use std::time::Instant;

use serde_json::{Value, json};

use super::support::Mock;
use super::webhooks::{id, once, over, receiver, webhook};
use crate::contract::contract;

fn violations(answer: &super::support::Answer) -> Value {
    let header = answer.header("x-mock-violations").unwrap_or("[]");
    assert!(header.is_ascii(), "{header}");
    serde_json::from_str(header).expect("JSON")
}

#[test]
fn what_is_wrong_is_refused_or_told_or_passed_over() {
    let bad = json!({"input_value": "Hi", "ünknown": 1, "stream": "yes"});
    let strict = Mock::start();
    let refused = strict.call("POST", "/flows/echo/run", &bad);
    assert_eq!(refused.status, 422);
    assert_eq!(violations(&refused), json!([]));
    let warn = Mock::with(&json!({"validate": "warn"}));
    let told = warn.call("POST", "/flows/echo/run", &bad);
    assert_eq!(told.json()["result"]["output"], "Hi");
    let fields: Vec<Value> = violations(&told).as_array().expect("a list").clone();
    let fields: Vec<&str> = fields
        .iter()
        .filter_map(|it| it["field"].as_str())
        .collect();
    assert_eq!(fields, ["ünknown", "stream"]);
    let told = warn.get("/flows?size=many&colour=red");
    assert_eq!(told.status, 200);
    assert_eq!(violations(&told)[0]["field"], "size", "{told:?}");
    assert_eq!(violations(&told)[1]["field"], "colour", "{told:?}");
    // What cannot be done at all is refused as ever, and says the same besides.
    let lost = warn.call("POST", "/flows/nothing/run", &bad);
    assert_eq!(lost.problem(), "flow_not_found");
    assert_eq!(violations(&lost)[0]["field"], "ünknown");
    assert_eq!(violations(&warn.get("/flows")), json!([]));
    let off = Mock::with(&json!({"validate": "off"}));
    let passed = off.call("POST", "/flows/echo/run", &bad);
    assert_eq!((passed.status, violations(&passed)), (200, json!([])));
}

/// Bodies that a strict server refuses reach what it never sees.
#[test]
fn without_validation_nothing_breaks() {
    let mock = Mock::with(&json!({"validate": "off"}));
    let bearer = format!("Bearer {}", mock.key("admin"));
    let media = ("content-type", "application/json");
    let headers = [("authorization", bearer.as_str()), media];
    let mut names = vec!["flows".to_owned(), "data".to_owned()];
    for operation in &contract().operations {
        let schema = operation.body.as_ref().map(|it| contract().resolve(it));
        let fields = schema.and_then(|it| it["properties"].as_object());
        names.extend(fields.into_iter().flat_map(|it| it.keys().cloned()));
    }
    names.dedup();
    for operation in &contract().operations {
        if operation.method == "GET" || operation.accepts.is_empty() {
            continue;
        }
        for value in [
            json!(null),
            json!(-1),
            json!([[]]),
            json!({"a": {}}),
            json!("\u{0}"),
        ] {
            let all = names.iter().map(|name| (name.clone(), value.clone()));
            for body in [value.clone(), Value::Object(all.collect())] {
                let path = operation.path.replace("{flow_id}", "echo");
                let target = format!("{}{path}", crate::contract::PREFIX);
                let answer = mock.send(
                    &operation.method,
                    &target,
                    &headers,
                    body.to_string().as_bytes(),
                );
                let line = String::from_utf8_lossy(&answer);
                let line = line.lines().next().unwrap_or_default().to_owned();
                assert!(
                    line.starts_with("HTTP/1.1 "),
                    "{} {body}: {line}",
                    operation.id
                );
                assert!(!line.contains(" 500 "), "{} {body}: {line}", operation.id);
            }
        }
    }
    assert_eq!(mock.get("/health").status, 200);
}

#[test]
fn a_model_speaks_at_the_pace_that_it_is_given() {
    let mock = Mock::with(&json!({"pace": "200,100,0.2"}));
    let begun = Instant::now();
    let answer = mock.run("hello-flow", &json!({"input_value": "Hello"}));
    let words = answer["result"]["output"].as_str().expect("text");
    let gaps = words.split(' ').count() - 1;
    let least = 0.16 + 0.008 * gaps as f64;
    assert!(
        begun.elapsed().as_secs_f64() >= least,
        "{:?}",
        begun.elapsed()
    );
    assert!(serde_json::from_value::<crate::Config>(json!({"pace": "soon"})).is_err());
}

#[test]
fn a_token_guards_the_control_api_and_one_is_made_where_others_can_come() {
    let mock = Mock::with(&json!({"control_token": "mt_of_the_test"}));
    let path = "/__mock/info";
    let refused = mock.raw("GET", path, &[], b"");
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (401, "invalid_key")
    );
    let token = [("x-mock-token", "mt_of_the_test")];
    assert_eq!(mock.raw("GET", path, &token, b"").status, 200);
    assert_eq!(mock.raw("GET", "/__mock/ready", &[], b"").status, 200);
    let page = mock.raw("GET", "/__mock/ui?token=mt_of_the_test", &[], b"");
    let cookie = page.header("set-cookie").expect("a cookie");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    assert_eq!(
        mock.raw("GET", path, &[("cookie", &cookie)], b"").status,
        200
    );
    assert!(
        !mock.get("/flows").body.is_empty(),
        "the product is not guarded by it"
    );

    let open = Mock::with(&json!({"host": "0.0.0.0"}));
    let ready: Value = serde_json::from_str(&open.server.ready_json()).expect("JSON");
    let made = ready["control_token"].as_str().expect("a token");
    assert!(made.starts_with("mt_") && made.len() == 51, "{made}");
    let other = Mock::with(&json!({"host": "0.0.0.0"}));
    assert!(
        !other.server.ready_json().contains(made),
        "nobody can guess it"
    );
    assert!(open.server.url().starts_with("http://127.0.0.1:"));
    assert_eq!(open.raw("GET", path, &[], b"").status, 401);
    assert_eq!(
        open.raw("GET", path, &[("x-mock-token", made)], b"").status,
        200
    );
    let closed = Mock::start();
    let ready: Value = serde_json::from_str(&closed.server.ready_json()).expect("JSON");
    assert_eq!(ready["control_token"], Value::Null);
}

#[test]
fn deliveries_are_signed_in_every_way_that_is_asked_for() {
    let mock = Mock::with(&json!({"webhook_signatures": ["v1", "v1a", "stripe"]}));
    let receiver = receiver(json!([{"status": 204}]));
    let made = webhook(&mock, "echo", &receiver.url(), json!(["flow_completed"]));
    mock.run("echo", &json!({"input_value": "Hi"}));
    once(&mock, id(&made), over);
    let request = &receiver.requests()[0];
    let secret = made["secret"].as_str().expect("a secret");
    let timestamp = request.header("webhook-timestamp").expect("a time");
    let timestamp: i64 = timestamp.parse().expect("seconds");
    let stripe = crate::sign_stripe(secret, timestamp, request.body.as_bytes());
    assert_eq!(request.header("stripe-signature"), Some(stripe.as_str()));
    let header = request.header("webhook-signature").expect("a signature");
    let entries: Vec<&str> = header.split(' ').collect();
    let signed = super::webhooks::signature(request, &[secret]);
    assert_eq!(entries[0], signed);
    #[cfg(feature = "program")]
    {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        let keys = mock.control("GET", "/webhook-keys", &Value::Null).json();
        assert_eq!(keys["items"][0]["webhook_id"], made["webhook"]["id"]);
        let key = keys["items"][0]["public_key"].as_str().expect("a key");
        let key = STANDARD.decode(key.strip_prefix("whpk_").expect("a prefix"));
        let key = ring::signature::UnparsedPublicKey::new(
            &ring::signature::ED25519,
            key.expect("base64"),
        );
        let id = request.header("webhook-id").expect("an id");
        let message = format!("{id}.{timestamp}.{}", request.body);
        let entry = entries[1].strip_prefix("v1a,").expect("an entry");
        let signature = STANDARD.decode(entry).expect("base64");
        assert!(key.verify(message.as_bytes(), &signature).is_ok());
    }
}

#[test]
fn a_setting_that_makes_no_sense_is_refused_by_name() {
    for (config, told) in [
        (r#"{"token_delay": -1}"#, "token_delay has to be seconds"),
        (r#"{"token_delay": 1e30}"#, "token_delay has to be seconds"),
        (r#"{"keepalive": -0.5}"#, "keepalive has to be seconds"),
        (
            r#"{"webhook_timeout": 0}"#,
            "webhook_timeout has to be more",
        ),
        (r#"{"max_body": 0}"#, "max_body has to be"),
        (r#"{"api": []}"#, "api has to name"),
    ] {
        let refused = crate::start_blocking(config).expect_err(config).to_string();
        assert!(refused.starts_with(told), "{config}: {refused}");
    }
}
