//! Every operation of the document with every seeded key, cell by cell.

use serde_json::Value;

use super::support::Mock;
use crate::contract::{Operation, Permission, contract};

/// The operation with ids that exist nowhere, so that nothing happens where a key is let in.
fn path(operation: &Operation) -> String {
    let segments = operation.path.split('/');
    let filled = segments.map(|segment| {
        if segment.starts_with('{') {
            "nothing"
        } else {
            segment
        }
    });
    filled.collect::<Vec<_>>().join("/")
}

#[test]
fn the_table_of_the_document_is_what_is_enforced() {
    let mock = Mock::start();
    let mut cells = 0;
    for operation in &contract().operations {
        for held in Permission::ALL {
            let key = mock.key(held.name());
            let answer = mock.call_as(&key, &operation.method, &path(operation), &Value::Null);
            let allowed = held == Permission::Admin
                || operation.permission.is_none_or(|needed| needed == held)
                || operation.own == Some(held);
            let cell = format!("{} with {}: {answer:?}", operation.id, held.name());
            assert_eq!(answer.status != 403, allowed, "{cell}");
            assert_ne!(answer.status, 401, "{cell}");
            if !allowed {
                assert_eq!(answer.problem(), "permission_missing", "{cell}");
                let needed = operation.permission.map(Permission::name);
                assert_eq!(answer.json()["permission"].as_str(), needed, "{cell}");
            }
            cells += 1;
        }
    }
    assert_eq!(cells, contract().operations.len() * 4);
}

#[test]
fn without_a_good_key_nothing_is_open_that_should_not_be() {
    let mock = Mock::start();
    for operation in &contract().operations {
        let target = format!("{}{}", crate::contract::PREFIX, path(operation));
        let bare = mock.raw(&operation.method, &target, &[], b"");
        if operation.permission.is_none() {
            assert_eq!(bare.status, 200, "{}", operation.id);
            continue;
        }
        assert_eq!(
            (bare.status, bare.problem().as_str()),
            (401, "missing_key"),
            "{}",
            operation.id
        );
        let needed = operation.permission.map_or("", Permission::name);
        assert_eq!(bare.json()["permission"], needed, "{}", operation.id);
        assert!(
            bare.header("www-authenticate")
                .is_some_and(|it| it.starts_with("Bearer"))
        );
        let keys = [
            (mock.key("expired"), "key_expired"),
            (mock.key("revoked"), "key_revoked"),
            ("lf_wrong".to_owned(), "invalid_key"),
        ];
        for (key, code) in keys {
            let answer = mock.call_as(&key, &operation.method, &path(operation), &Value::Null);
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (401, code),
                "{}",
                operation.id
            );
            assert_eq!(answer.json()["permission"], needed, "{}", operation.id);
            let detail = answer.json()["detail"].to_string();
            assert!(
                detail.contains(&format!("permission `{needed}`")),
                "{detail}"
            );
        }
    }
    let basic = [("authorization", "Basic eDp5")];
    assert_eq!(
        mock.raw("GET", "/langflow/api/v1/flows", &basic, b"")
            .problem(),
        "missing_key"
    );
}

#[test]
fn every_operation_does_something() {
    let mock = Mock::start();
    for operation in &contract().operations {
        let answer = mock.call(&operation.method, &path(operation), &Value::Null);
        assert!(![500, 501].contains(&answer.status), "{answer:?}");
    }
}

#[test]
fn the_table_in_the_readme_is_the_one_that_is_enforced() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    let table = crate::permission_table();
    assert_eq!(table.lines().count(), contract().operations.len() + 2);
    assert!(
        readme.contains(&format!("\n{table}\n")),
        "put this into README.md:\n{table}"
    );
}

#[test]
fn keys_can_be_left_out_where_nobody_asks_for_them() {
    let mock = Mock::with(&serde_json::json!({"auth": false}));
    assert_eq!(
        mock.raw("GET", "/langflow/api/v1/flows", &[], b"").status,
        200
    );
}
