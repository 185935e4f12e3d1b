//! Tweaks change a copy, and what they do not change they report.

use langflow_export::{Flow, PromptTemplate, UnknownTweakKind};
use serde_json::{Value, json};

fn flow() -> Flow {
    let model = |id: &str, name: &str| {
        json!({"id": id, "data": {"type": "OpenAI", "node": {"display_name": name, "template": {
            "temperature": {"value": 0.1, "load_from_db": true}, "model_name": {"value": "gpt-4o-mini"},
            "code": {"value": "class X"}, "api_key": {"value": "s", "password": true}, "plain": 1}}}})
    };
    let modern = json!({"id": "LM-1", "data": {"type": "LanguageModelComponent", "node": {"template": {
        "model": {"value": [{"name": "old", "provider": "OpenAI"}]}}}}});
    let nodes = [
        model("OpenAI-xxxxx", "Writer"),
        model("OpenAI-yyyyy", "Reader"),
        modern,
    ];
    Flow::parse(&json!({"nodes": nodes, "edges": []})).expect("a flow")
}

fn tweaked(tweaks: Value) -> (Flow, langflow_export::TweakReport) {
    let mut copy = flow();
    let report = copy.apply_tweaks(tweaks.as_object().expect("an object"));
    (copy, report)
}

#[test]
fn by_id_and_by_display_name() {
    for name in ["OpenAI-xxxxx", "Writer"] {
        let (copy, report) = tweaked(json!({name: {"temperature": 0.5, "plain": 2}}));
        let node = copy.node("OpenAI-xxxxx").unwrap();
        assert_eq!(node.setting("temperature"), Some(&json!(0.5)));
        assert_eq!(node.setting("plain"), Some(&json!(2)));
        assert_eq!(report.applied.len(), 2);
        assert!(report.unknown.is_empty());
        assert_eq!(
            copy.node("OpenAI-yyyyy"),
            flow().node("OpenAI-yyyyy"),
            "only one is meant"
        );
    }
}

#[test]
fn what_finds_no_place_is_reported() {
    let (copy, report) =
        tweaked(json!({"Nobody-1": {"k": 5}, "OpenAI-xxxxx": {"k": 5, "code": "import os"}}));
    assert_eq!(copy, flow(), "nothing changed");
    let kinds: Vec<_> = report.unknown.iter().map(|unknown| unknown.kind).collect();
    assert_eq!(
        kinds,
        [
            UnknownTweakKind::Component,
            UnknownTweakKind::Setting,
            UnknownTweakKind::Protected
        ]
    );
    assert!(report.unknown[0].message().contains("Nobody-1"));
    assert!(report.unknown[1].message().contains("`k`"));
}

#[test]
fn the_name_of_a_model_keeps_its_old_tweak() {
    let (copy, _) = tweaked(json!({"LM-1": {"model_name": "gpt-4o"}}));
    let model = copy.node("LM-1").unwrap().setting("model").unwrap();
    assert_eq!(model, &json!([{"name": "gpt-4o", "provider": "OpenAI"}]));
}

#[test]
fn prompts_in_both_spellings() {
    let fill = |name: &str| format!("<{name}>").into();
    let single = PromptTemplate::single("a {x} {{y}} { z } {1} }} {");
    assert_eq!(single.render(fill), "a <x> {y} <z> {1} } {");
    assert_eq!(single.variables(), ["x", "z"]);
    let double = PromptTemplate::double("a {x} {{y}} {{ z }} {{1}}");
    assert_eq!(double.render(fill), "a {x} <y> <z> {{1}}");
    let once = PromptTemplate::single("{a}").render(|_| "{b}".into());
    assert_eq!(once, "{b}", "a value is not a template");
}

/// The example is what the exporter writes, and is compiled with the client.
#[test]
fn a_call_in_rust_is_the_example() {
    let hello = include_str!("../../../server-mock/seeds/hello-flow.json");
    let flow = Flow::parse(&serde_json::from_str(hello).expect("JSON")).expect("a flow");
    let about = langflow_export::Snippet {
        flow_id: Some("hello-flow".to_owned()),
        ..Default::default()
    };
    let written = langflow_export::snippet(&flow, langflow_export::SnippetLanguage::Rust, &about);
    assert_eq!(written, include_str!("../../../examples/rust/exported.rs"));
}
