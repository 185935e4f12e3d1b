//! Flows: written, read, exported, imported.

use serde_json::{Value, json};

use super::support::Mock;

fn graph() -> Value {
    json!({
        "nodes": [
            {"id": "ChatInput-1", "data": {"type": "ChatInput", "node": {"template": {}}}},
            {"id": "ChatOutput-1", "data": {"type": "ChatOutput", "node": {"template": {
                "api_key": {"value": "sk-secret", "password": true},
                "other_key": {"value": "VARIABLE", "password": true, "load_from_db": true},
            }}}},
        ],
        "edges": [{"source": "ChatInput-1", "target": "ChatOutput-1"}],
    })
}

#[test]
fn a_flow_lives() {
    let mock = Mock::start();
    let made = mock.call(
        "POST",
        "/flows",
        &json!({"name": "Mine", "data": graph(), "tags": ["a"]}),
    );
    assert_eq!(made.status, 201);
    let flow = made.json();
    let id = flow["id"].as_str().unwrap();
    assert_eq!(
        made.header("location"),
        Some(format!("/langflow/api/v1/flows/{id}").as_str())
    );
    assert_eq!(
        mock.run(id, &json!({"input_value": "hi"}))["result"]["output"],
        "hi"
    );
    let path = format!("/flows/{id}");
    let patched = mock.call("PATCH", &path, &json!({"description": "d"}));
    assert_eq!(
        (&patched.json()["description"], &patched.json()["name"]),
        (&json!("d"), &json!("Mine"))
    );
    assert_ne!(patched.header("etag"), made.header("etag"));
    let cleared = mock
        .call("PATCH", &path, &json!({"description": null}))
        .json();
    assert_eq!(cleared["description"], Value::Null);
    let replaced = mock.call("PUT", &path, &json!({"name": "Bare"})).json();
    assert_eq!(
        (&replaced["tags"], &replaced["data"]["nodes"]),
        (&json!([]), &json!([]))
    );
    let empty = mock.call(
        "POST",
        &format!("{path}/run"),
        &json!({"input_value": "hi"}),
    );
    assert_eq!(empty.problem(), "invalid_flow");
    let copy = mock
        .call("POST", "/flows/echo/duplicate", &Value::Null)
        .json();
    assert_eq!(copy["name"], "Echo (copy)");
    let named = mock
        .call("POST", "/flows/echo/duplicate", &json!({"name": "E2"}))
        .json();
    assert_eq!(named["name"], "E2");
    assert_eq!(mock.call("DELETE", &path, &Value::Null).status, 204);
    assert_eq!(mock.get(&path).problem(), "flow_not_found");
}

#[test]
fn two_editors_notice_each_other() {
    let mock = Mock::start();
    let admin = mock.key("admin");
    let first = mock.get("/flows/echo").header("etag").unwrap().to_owned();
    let write = |etag: &str, method: &str, body: &Value| {
        mock.call_with(&admin, &[("if-match", etag)], method, "/flows/echo", body)
    };
    let second = write(&first, "PATCH", &json!({"name": "Echo!"}));
    assert_eq!(second.status, 200);
    for (method, body) in [
        ("PATCH", json!({"name": "lost"})),
        ("PUT", json!({"name": "lost"})),
        ("DELETE", Value::Null),
    ] {
        let refused = write(&first, method, &body);
        assert_eq!(
            (refused.status, refused.problem().as_str()),
            (412, "etag_mismatch")
        );
        assert_eq!(refused.header("etag"), second.header("etag"));
    }
    assert_eq!(mock.get("/flows/echo").json()["name"], "Echo!");
    assert_eq!(write("*", "PATCH", &json!({"name": "won"})).status, 200);
}

#[test]
fn flows_are_listed() {
    let mock = Mock::start();
    let names = |query: &str| -> Vec<String> {
        let page = mock.get(&format!("/flows?{query}")).json();
        let items = page["items"].as_array().expect("items").iter();
        items
            .map(|flow| flow["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(names("").len(), 6);
    assert_eq!(names("q=ECHO"), ["Echo"]);
    assert_eq!(names("sort=name&size=2"), ["Document QA", "Echo"]);
    assert_eq!(names("sort=-name&size=1&page=6"), ["Document QA"]);
    assert_eq!(names("sort=name&size=2&page=9"), Vec::<String>::new());
    assert_eq!(names("tag=none"), Vec::<String>::new());
    assert_eq!(names("tag=seeded&size=1").len(), 1);
    let page = mock.get("/flows?size=4").json();
    assert_eq!(
        (&page["total"], &page["pages"], &page["page"]),
        (&json!(6), &json!(2), &json!(1))
    );
    assert!(page["items"][0].get("data").is_none());
    for bad in ["size=0", "size=101", "page=0", "page=x", "sort=age"] {
        assert_eq!(
            mock.get(&format!("/flows?{bad}")).problem(),
            "invalid_parameter",
            "{bad}"
        );
    }
    let unknown = mock.get("/flows?serch=x");
    assert_eq!(
        (unknown.status, unknown.problem().as_str()),
        (400, "unknown_parameter")
    );
}

#[test]
fn an_export_imported_elsewhere_and_exported_again_is_the_same() {
    let (here, there) = (Mock::start(), Mock::with(&json!({"seed_flows": false})));
    let mut file = json!({"name": "F", "mystery": {"b": 1, "a": [2]}, "data": graph()});
    file["last_tested_version"] = "1.1.1".into();
    let id = here.call("POST", "/flows/import", &file).json()["flows"][0]["id"].clone();
    let id = id.as_str().unwrap();
    let first = here.get(&format!("/flows/{id}/export?format=json"));
    assert!(
        first
            .header("content-disposition")
            .unwrap()
            .contains("f.json")
    );
    assert!(!first.body.contains("sk-secret"), "secrets stay");
    assert!(first.body.contains("VARIABLE"), "names of variables do not");
    let imported = there.call("POST", "/flows/import", &first.json());
    assert_eq!(imported.status, 201);
    assert_eq!(
        imported.json()["flows"][0]["id"],
        id,
        "the id is free there"
    );
    let second = there.get(&format!("/flows/{id}/export"));
    assert_eq!(second.body, first.body);
}

#[test]
fn imports_and_ids_that_are_taken() {
    let mock = Mock::start();
    let file = mock.get("/flows/echo/export").json();
    let fail = mock.call("POST", "/flows/import?on_conflict=fail", &file);
    assert_eq!((fail.status, fail.problem().as_str()), (409, "flow_exists"));
    let new = mock
        .call("POST", "/flows/import", &json!({"flows": [file, file]}))
        .json();
    assert_eq!(new["flows"].as_array().unwrap().len(), 2);
    assert_ne!(new["flows"][0]["id"], "echo");
    let mut changed = file.clone();
    changed["name"] = "Replaced".into();
    mock.call("POST", "/flows/import?on_conflict=replace", &changed);
    assert_eq!(mock.get("/flows/echo").json()["name"], "Replaced");
    for id in ["../x", "a/b", "..", "import", ""] {
        let mut odd = file.clone();
        odd["id"] = id.into();
        let made = mock.call("POST", "/flows/import", &odd).json();
        assert!(
            made["flows"][0]["id"]
                .as_str()
                .unwrap()
                .starts_with("flow_"),
            "{id}"
        );
    }
    let before = mock.get("/flows").json()["total"].clone();
    let broken = json!({"flows": [file, {"name": "x", "data": {"nodes": [{}], "edges": []}}]});
    assert_eq!(
        mock.call("POST", "/flows/import", &broken).problem(),
        "invalid_flow"
    );
    assert_eq!(mock.get("/flows").json()["total"], before, "all or none");
    let agent = json!({"name": "A", "data": {"nodes": [{"id": "Crew-1", "data": {"type": "Crew"}}], "edges": []}});
    let warned = mock.call("POST", "/flows/import", &agent).json();
    assert!(
        warned["warnings"][0]
            .as_str()
            .unwrap()
            .contains("`Crew-1` of type `Crew`")
    );
    let id = warned["flows"][0]["id"].as_str().unwrap();
    let refused = mock.call(
        "POST",
        &format!("/flows/{id}/run"),
        &json!({"input_value": "x"}),
    );
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (422, "unsupported_component")
    );
    assert_eq!(refused.json()["component_id"], "Crew-1");
}

#[test]
fn a_strict_server_refuses_to_import_what_it_cannot_execute() {
    let mock = Mock::with(&json!({"strict_import": true}));
    let before = mock.get("/flows").json()["total"].clone();
    let agent = json!({"name": "A", "data": {"nodes": [{"id": "Crew-1", "data": {"type": "Crew"}}], "edges": []}});
    let refused = mock.call("POST", "/flows/import", &agent);
    assert_eq!(refused.problem(), "unsupported_component");
    assert_eq!(refused.json()["errors"][0]["field"], "Crew-1");
    assert_eq!(mock.get("/flows").json()["total"], before);
}

#[test]
fn settings_have_defaults_and_limits() {
    let mock = Mock::start();
    let path = "/flows/echo/settings";
    let usual = json!({"session_timeout": 1800, "run_timeout": 300, "webhook_url": null, "webhook_events": []});
    assert_eq!(mock.get(path).json(), usual);
    let set = mock
        .call(
            "PATCH",
            path,
            &json!({"webhook_url": "http://127.0.0.1:1/x"}),
        )
        .json();
    assert_eq!(set["webhook_events"].as_array().unwrap().len(), 4);
    for bad in [
        json!({"session_timeout": 0}),
        json!({"run_timeout": 1.5}),
        json!({"webhook_events": ["x"]}),
    ] {
        assert_eq!(mock.call("PATCH", path, &bad).problem(), "invalid_field");
    }
    assert_eq!(
        mock.call("PATCH", path, &json!({"webhook_url": null}))
            .json(),
        usual
    );
}
