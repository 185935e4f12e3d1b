//! Webhooks as they are kept: made, changed, removed, and named in the settings of a flow.

use serde_json::{Value, json};

use super::support::Mock;
use super::webhooks::{id, once, over, receiver};

#[test]
fn webhooks_are_made_changed_and_removed() {
    let mock = Mock::start();
    let path = "/flows/echo/webhooks";
    let key = [("idempotency-key", "one")];
    let body = json!({"url": "http://127.0.0.1:9/", "events": ["flow_error", "flow_error"]});
    let make = || mock.call_with(&mock.key("write"), &key, "POST", path, &body);
    let (made, again) = (make(), make());
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((made.status, &made.body), (201, &again.body));
    let made = made.json();
    assert_eq!(made["webhook"]["events"], json!(["flow_error"]));
    let one = format!("/webhooks/{}", id(&made));
    let change =
        json!({"url": "http://127.0.0.1:8/", "events": ["flow_started"], "description": "d"});
    let changed = mock.call("PATCH", &one, &change).json();
    assert_eq!(mock.get(&one).json(), changed);
    assert_eq!(
        (&changed["url"], &changed["description"]),
        (&change["url"], &json!("d"))
    );
    assert_eq!(
        mock.call("PATCH", &one, &json!({"description": null}))
            .json()["description"],
        Value::Null
    );
    for bad in [
        json!({"url": "nowhere", "events": ["flow_error"]}),
        json!({"url": "ftp://127.0.0.1/", "events": ["flow_error"]}),
        json!({"url": "http://me:secret@127.0.0.1/", "events": ["flow_error"]}),
        json!({"url": "http://127.0.0.1/", "events": ["other"]}),
        json!({"url": "http://127.0.0.1/", "events": []}),
        json!({"url": "http://127.0.0.1/", "events": ["flow_error"], "secret": "whsec_short"}),
    ] {
        assert_eq!(
            mock.call("POST", path, &bad).problem(),
            "invalid_field",
            "{bad}"
        );
    }
    assert_eq!(mock.get(path).json()["total"], 1);
    assert_eq!(mock.get("/flows/none/webhooks").problem(), "flow_not_found");
    assert_eq!(mock.call("DELETE", &one, &Value::Null).status, 204);
    assert_eq!(mock.get(&one).problem(), "webhook_not_found");
    assert_eq!(
        mock.call("DELETE", &one, &Value::Null).problem(),
        "webhook_not_found"
    );
}

#[test]
fn the_url_in_the_settings_is_a_webhook_like_others() {
    let mock = Mock::start();
    let receiver = receiver(json!([{"status": 200}]));
    let settings = "/flows/echo/settings";
    let set = json!({"webhook_url": receiver.url(), "webhook_events": ["flow_completed"]});
    mock.call("PATCH", settings, &set);
    let list = mock.get("/flows/echo/webhooks").json();
    let webhook = &list["items"][0];
    assert_eq!(
        (&webhook["is_default"], &webhook["url"]),
        (&json!(true), &json!(receiver.url()))
    );
    let id = webhook["id"].as_str().unwrap().to_owned();
    mock.run("echo", &json!({"input_value": "x"}));
    assert_eq!(once(&mock, &id, over)[0]["status"], "delivered");
    let events = json!({"events": ["flow_error"]});
    mock.call("PATCH", &format!("/webhooks/{id}"), &events);
    assert_eq!(
        mock.get(settings).json()["webhook_events"],
        json!(["flow_error"])
    );
    mock.call("PATCH", settings, &json!({"run_timeout": 9}));
    assert_eq!(
        mock.get(settings).json()["webhook_events"],
        json!(["flow_error"])
    );
    let copy = mock
        .call("POST", "/flows/echo/duplicate", &Value::Null)
        .json();
    let copied = format!("/flows/{}/settings", copy["id"].as_str().unwrap());
    assert_eq!(mock.get(&copied).json()["webhook_url"], Value::Null);
    assert_eq!(mock.get(&copied).json()["run_timeout"], 9);
    mock.call("PATCH", settings, &json!({"webhook_url": null}));
    assert_eq!(mock.get("/flows/echo/webhooks").json()["total"], 0);
    mock.call("PATCH", settings, &set);
    mock.call("DELETE", "/flows/echo", &Value::Null);
    assert_eq!(
        mock.get(&format!("/webhooks/{id}")).problem(),
        "webhook_not_found"
    );
    let bad = json!({"webhook_url": "nowhere"});
    assert_eq!(
        mock.call("PATCH", "/flows/hello-flow/settings", &bad)
            .problem(),
        "invalid_field"
    );
}
