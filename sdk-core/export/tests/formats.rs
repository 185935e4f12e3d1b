//! Every flow format that can be met is read the same way.

use langflow_export::{Flow, FlowError};
use serde_json::{Value, json};

fn real(name: &str) -> Flow {
    let path = format!("{}/tests/flows/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a flow file");
    Flow::parse(&serde_json::from_str(&text).expect("JSON")).expect("a flow")
}

fn node(id: &str, kind: &str) -> Value {
    json!({"id": id, "type": "genericNode", "data": {"id": id, "type": kind, "node": {"template": {}}}})
}

fn pair(edge: Value) -> Value {
    json!({"name": "pair", "data": {"nodes": [node("A-1", "ChatInput"), node("B-2", "ChatOutput")], "edges": [edge]}})
}

#[test]
fn files_of_1_13() {
    let flow = real("llm");
    assert_eq!(flow.name, "wire llm");
    let model = flow.node("OpenAIModel-ccccc").unwrap();
    assert_eq!(model.kind, "ext:openai:OpenAIModelComponent@official");
    assert_eq!(model.class, "OpenAIModelComponent");
    assert_eq!(model.display_name, "OpenAI");
    assert!(model.setting("temperature").is_some());
    assert!(!model.settings().contains_key("code"));
    assert!(
        !model.settings().contains_key("api_key"),
        "secrets are not shown"
    );
    let order: Vec<_> = flow
        .order()
        .unwrap()
        .iter()
        .map(|node| node.id.clone())
        .collect();
    assert_eq!(
        order,
        ["ChatInput-aaaaa", "OpenAIModel-ccccc", "ChatOutput-bbbbb"]
    );
    let edge = flow.edges_into("OpenAIModel-ccccc").next().unwrap();
    assert_eq!(edge.field.as_deref(), Some("input_value"));
    assert_eq!(edge.output.as_deref(), Some("message"));
    assert_eq!(real("text").nodes.len(), 2);
    assert_eq!(real("two_outputs").edges.len(), 2);
    assert_eq!(real("agent").nodes.len(), 4);
}

#[test]
fn handles_of_every_age() {
    let spellings = [
        json!({"source": "A-1", "target": "B-2",
               "sourceHandle": "{œdataTypeœ:œChatInputœ,œidœ:œA-1œ,œnameœ:œmessageœ}",
               "targetHandle": "{œfieldNameœ: œinput_valueœ, œidœ: œB-2œ}"}),
        json!({"sourceHandle": {"id": "A-1", "name": "message"},
               "targetHandle": {"fieldName": "input_value", "id": "B-2"}}),
        json!({"source": "A-1", "target": "B-2", "sourceHandle": "ChatInput|A-1", "targetHandle": "x|y|B-2",
               "data": {"sourceHandle": {"name": "message"}, "targetHandle": {"fieldName": "input_value"}}}),
    ];
    for edge in spellings {
        let flow = Flow::parse(&pair(edge)).unwrap();
        assert_eq!(flow.edges[0].source, "A-1");
        assert_eq!(flow.edges[0].target, "B-2");
        assert_eq!(flow.edges[0].field.as_deref(), Some("input_value"));
        assert_eq!(flow.edges[0].output.as_deref(), Some("message"));
    }
    let alpha = json!({"source": "A-1", "target": "B-2", "sourceHandle": "{œidœ:œA-1œ}",
                       "targetHandle": "{œfieldNameœ:œinput_valueœ}"});
    assert_eq!(Flow::parse(&pair(alpha)).unwrap().edges[0].output, None);
    let pipes = json!({"source": "A-1", "target": "B-2", "sourceHandle": "ChatOpenAI|A-1|Base",
                       "targetHandle": "Base|llm|B-2"});
    let error = Flow::parse(&pair(pipes)).unwrap_err();
    assert!(matches!(&error, FlowError::Handle { .. }));
    assert_eq!(error.field(), "data.edges[0].sourceHandle");
}

#[test]
fn notes_are_dropped_with_their_edges() {
    let mut note = node("note-1", "note");
    note["type"] = json!("noteNode");
    let file = json!({"nodes": [node("A-1", "ChatInput"), note], "edges": [{"source": "note-1", "target": "A-1"}]});
    let flow = Flow::parse(&file).unwrap();
    assert_eq!((flow.nodes.len(), flow.edges.len()), (1, 0));
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        (json!([]), "flow"),
        (json!({"data": 3}), "data"),
        (json!({"data": {"edges": []}}), "data.nodes"),
        (json!({"data": {"nodes": []}}), "data.edges"),
        (
            json!({"data": {"nodes": [{}], "edges": []}}),
            "data.nodes[0].id",
        ),
        (
            json!({"data": {"nodes": [{"id": "A"}], "edges": []}}),
            "data.nodes[0].data.type",
        ),
        (
            json!({"nodes": [node("A", "X"), node("A", "X")], "edges": []}),
            "nodes[1].id",
        ),
        (
            json!({"nodes": [node("A", "X")], "edges": [{"source": "A", "target": "B"}]}),
            "edges[0].target",
        ),
        (
            json!({"nodes": [node("A", "X")], "edges": [{"source": "A"}]}),
            "edges[0].target",
        ),
    ];
    for (file, field) in cases {
        assert_eq!(Flow::parse(&file).unwrap_err().field(), field, "{file}");
    }
}

#[test]
fn a_circle_is_named_not_followed() {
    let file = json!({"nodes": [node("A", "X"), node("B", "X")],
                      "edges": [{"source": "A", "target": "B"}, {"source": "B", "target": "A"}]});
    let flow = Flow::parse(&file).unwrap();
    assert_eq!(flow.order().unwrap_err().len(), 2);
}
