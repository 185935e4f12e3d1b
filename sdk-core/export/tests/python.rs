//! Flows as Python: the whole text of some, what is refused, and what must never get in.

use std::path::PathBuf;

use langflow_export::{ExportError, Options, to_python};
use serde_json::{Value, json};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// A flow file of 1.13, stripped of its code.
fn flow(name: &str) -> Value {
    let text = std::fs::read_to_string(folder("flows").join(format!("{name}.json")));
    let mut file: Value = serde_json::from_str(&text.expect("a flow file")).expect("JSON");
    if file["last_tested_version"].is_null() {
        file["last_tested_version"] = json!("1.13.0");
    }
    file
}

fn setting<'a>(flow: &'a mut Value, class: &str, name: &str) -> &'a mut Value {
    let nodes = flow["data"]["nodes"].as_array_mut().expect("nodes");
    let node = nodes.iter_mut().find(|node| {
        node["data"]["type"]
            .as_str()
            .is_some_and(|it| it.starts_with(class))
    });
    &mut node.expect("a component")["data"]["node"]["template"][name]
}

fn export(flow: &Value) -> String {
    to_python(flow, &Options::default()).expect("a program")
}

/// `UPDATE_GOLDEN=1 cargo test -p langflow-export` writes what the exporter says now.
#[test]
fn golden_programs() {
    for name in ["basic_prompting", "agents", "loop", "structured"] {
        let program = export(&flow(name));
        let path = folder("golden").join(format!("{name}.py"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &program).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap();
        assert_eq!(program, golden, "{name} differs from its golden file");
    }
}

#[test]
fn a_simple_flow_is_a_short_program() {
    let program = export(&flow("basic_prompting"));
    assert!(program.lines().count() <= 30, "{program}");
    assert!(program.contains("chain = prompt | llm"));
}

#[test]
fn everything_in_the_way_is_named_at_once() {
    let error = to_python(&flow("refused"), &Options::default()).unwrap_err();
    let ids: Vec<_> = error
        .refusals()
        .iter()
        .map(|it| it.node_id.as_str())
        .collect();
    assert_eq!(ids, ["SplitText-hsri", "AstraDB-hsri", "AstraDB-AkDya"]);
    let text = error.to_string();
    assert!(text.contains("Astra DB (AstraDB-AkDya, AstraDBVectorStoreComponent): "));
}

#[test]
fn stubs_say_what_they_stand_for() {
    let stubs = Options {
        stubs: true,
        ..Options::default()
    };
    let program = to_python(&flow("refused"), &stubs).unwrap();
    assert!(program.contains("raise NotImplementedError("));
    assert!(program.contains("Not exported, to be written by hand: Astra DB (AstraDB-AkDya)"));
}

#[test]
fn secrets_are_never_written() {
    let mut file = flow("basic_prompting");
    *setting(&mut file, "LanguageModel", "api_key") =
        json!({"value": "sk-very-secret-1", "password": true});
    let program = export(&file);
    assert!(!program.contains("sk-very-secret-1"));
    assert!(program.contains("needs OPENAI_API_KEY"));

    *setting(&mut file, "LanguageModel", "api_key") =
        json!({"value": "TEAM_KEY", "password": true, "load_from_db": true});
    assert!(export(&file).contains("api_key=os.environ[\"TEAM_KEY\"]"));

    *setting(&mut file, "LanguageModel", "api_key") =
        json!({"value": "sk-very-secret-1", "password": true});
    setting(&mut file, "Prompt", "template")["value"] = json!("Use sk-very-secret-1.");
    let error = to_python(&file, &Options::default()).unwrap_err();
    assert!(
        error.to_string().contains("its secret `api_key`"),
        "{error}"
    );
}

#[test]
fn tweaks_come_first() {
    let tweaks =
        json!({"LanguageModelComponent-FLeYF": {"temperature": 0.7, "model_name": "gpt-4o"}});
    let options = Options {
        tweaks: tweaks.as_object().unwrap().clone(),
        ..Options::default()
    };
    let program = to_python(&flow("basic_prompting"), &options).unwrap();
    assert!(program.contains("ChatOpenAI(model=\"gpt-4o\", temperature=0.7)"));
    let options = Options {
        tweaks: json!({"Nobody": {}}).as_object().unwrap().clone(),
        ..Options::default()
    };
    let error = to_python(&flow("basic_prompting"), &options).unwrap_err();
    assert!(error.to_string().contains("Nobody"));
}

#[test]
fn templates_that_langflow_cannot_fill_in_are_refused() {
    let mut file = flow("basic_prompting");
    setting(&mut file, "Prompt", "template")["value"] = json!("an object {\"a\": 1}");
    let error = to_python(&file, &Options::default()).unwrap_err();
    assert!(error.to_string().contains("Prompt-t2oaK"), "{error}");
    setting(&mut file, "Prompt", "template")["value"] = json!("{\"a\": {{b}}}");
    setting(&mut file, "Prompt", "use_double_brackets")["value"] = json!(true);
    setting(&mut file, "Prompt", "b")["value"] = json!("{c}");
    let program = export(&file);
    assert!(program.contains(r#"'{{"a": {b}}}'"#), "{program}");
    assert!(program.contains(r#""b": "{c}""#), "{program}");
}

#[test]
fn variants_are_added_on_request() {
    let options = Options {
        stream: true,
        asynchronous: true,
        ..Options::default()
    };
    let program = to_python(&flow("basic_prompting"), &options).unwrap();
    assert!(program.contains("    yield from chain.stream({\"input_value\": input_value})"));
    assert!(program.contains("async def arun("));
    let program = to_python(&flow("agents"), &options).unwrap();
    assert!(program.contains("for part in ask_stream(agent_3, prompt_template_2, "));
}

#[test]
fn text_that_is_no_flow() {
    let error = to_python("{", &Options::default()).unwrap_err();
    assert!(matches!(error, ExportError::Json(_)));
    let error = to_python("{}", &Options::default()).unwrap_err();
    assert!(matches!(error, ExportError::Flow(_)));
    let empty = json!({"data": {"nodes": [], "edges": []}});
    let error = to_python(&empty, &Options::default()).unwrap_err();
    assert!(error.to_string().contains("no Chat Output"));
}

/// The codes of components that the exporter takes for known are those of flows that are judged.
/// `UPDATE_GOLDEN=1` writes them.
#[test]
fn known_codes_are_those_that_were_judged() {
    let kit = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/export/kit");
    let mut codes = std::collections::BTreeSet::new();
    for set in ["flows", "more", "older"] {
        for entry in std::fs::read_dir(kit.join(set)).unwrap() {
            let path = entry.unwrap().path();
            // Neither of these is equal.
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            if ["1.8 Simple Agent", "Hybrid Search RAG"].contains(&name.as_str()) {
                continue;
            }
            let file: Value =
                serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let flow = langflow_export::Flow::parse(&file).unwrap();
            codes.extend(flow.nodes.iter().filter_map(langflow_export::code_of));
        }
    }
    assert!(codes.len() > 40, "only {} codes", codes.len());
    let text: String = codes.iter().map(|code| format!("{code}\n")).collect();
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/judged.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn components_of_other_versions_are_announced() {
    let mut file = flow("basic_prompting");
    assert!(!export(&file).contains("other version"));
    setting(&mut file, "LanguageModel", "code")["value"] = json!("class Other: ...");
    let program = export(&file);
    assert!(
        program.contains("an other version of Langflow"),
        "{program}"
    );
    assert!(
        program.contains("(LanguageModelComponent-FLeYF)"),
        "{program}"
    );
}

#[test]
fn a_file_without_code_says_who_wrote_it() {
    let mut file = flow("basic_prompting");
    file["last_tested_version"] = Value::Null;
    assert!(export(&file).contains("Written as of Langflow 1.13, since"));
    file["last_tested_version"] = json!("1.13.0");
    let program = export(&file);
    assert!(!program.contains("other version") && !program.contains("Written as of"));
    file["last_tested_version"] = json!("1.1.4");
    assert!(export(&file).contains("an other version of Langflow"));
}

#[test]
fn frozen_components_are_announced() {
    let mut file = flow("basic_prompting");
    file["data"]["nodes"][0]["data"]["node"]["frozen"] = json!(true);
    assert!(export(&file).contains("Frozen in the editor"));
}

fn asynchronous(flow: &Value) -> String {
    let options = Options {
        asynchronous: true,
        ..Options::default()
    };
    to_python(flow, &options).expect("a program")
}

#[test]
fn texts_that_look_like_calls_stay_as_they_are_in_arun() {
    let mut file = flow("basic_prompting");
    setting(&mut file, "Prompt", "template")["value"] = json!("{word}");
    setting(&mut file, "Prompt", "word")["value"] = json!("asyncio.run(a).b");
    let program = asynchronous(&file);
    let (run, arun) = program.split_once("async def arun").expect("arun");
    for part in [run, arun] {
        assert!(part.contains("\"asyncio.run(a).b\""), "{program}");
    }
}

#[test]
fn custom_code_does_not_block_arun() {
    let kit = folder("../../../tests/export/kit/more/Edited Component.json");
    let mut text = std::fs::read_to_string(kit).expect("a flow file");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let program = asynchronous(&file);
    assert!(program.contains("= text_input.shout().text"), "{program}");
    assert!(
        program.contains("= (await asyncio.to_thread(text_input.shout)).text"),
        "{program}"
    );
    text = text.replace("def shout(", "async def shout(");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let program = asynchronous(&file);
    assert!(
        program.contains("= asyncio.run(text_input.shout()).text"),
        "{program}"
    );
    assert!(
        program.contains("= (await text_input.shout()).text"),
        "{program}"
    );
}

#[test]
fn headers_that_open_something_are_variables() {
    let kit = folder("../../../tests/export/kit/flows/Simple Agent.json");
    let mut file: Value =
        serde_json::from_str(&std::fs::read_to_string(kit).expect("a flow file")).expect("JSON");
    setting(&mut file, "URL", "headers")["value"] = json!([
        {"key": "X-Auth-Token", "value": "opens-1"},
        {"key": "Cookie", "value": "opens-2"},
        {"key": "Accept-Language", "value": "de"},
    ]);
    let program = export(&file);
    assert!(!program.contains("opens-"), "{program}");
    assert!(program.contains("\"Accept-Language\": \"de\""), "{program}");
    assert!(program.contains("os.environ["), "{program}");
}

/// What the server does with a group before it runs it: the program is that of the flow without it,
/// but for what was set at the group. In the second file one group holds another, and there the
/// server (`process_flow` of 1.13) loses what was set.
#[test]
fn groups_are_opened() {
    let plain = export(&flow("basic_prompting"));
    let wanted = plain.replace("temperature=0.1", "temperature=0.7");
    assert_ne!(plain, wanted);
    assert_eq!(export(&flow("grouped")), wanted);
    assert_eq!(export(&flow("nested")), plain);
    // A group that does not say what is in it is refused by name.
    let mut empty = flow("grouped");
    let nodes = empty["data"]["nodes"].as_array_mut().expect("nodes");
    nodes.last_mut().expect("the group")["data"]["node"]["flow"] = json!({});
    let refused = to_python(&empty, &Options::default()).expect_err("no program");
    assert!(
        refused.to_string().contains("does not say what is in it"),
        "{refused}"
    );
}
