//! Whatever a flow file says is data: names, values and templates of the worst kind give programs
//! that Python reads, and that hold them as texts only.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use langflow_export::{
    Flow, Options, Snippet, SnippetLanguage, TypesLanguage, snippet, to_python, tweak_types,
};
use serde_json::{Value, json};

const PIECES: &[&str] = &[
    "Injected()",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "\\",
    "\n",
    "\r",
    "\t",
    "{",
    "}",
    "{{",
    "}}",
    "#",
    "\u{2028}",
    "\u{85}",
    "\u{202e}",
    "\0",
    "\u{c}",
    "%s",
    "%",
    ");",
    "\"+Injected()+\"",
    "f\"{",
    "\nInjected()\n",
    "\\\"",
    "\\n",
    " ",
    "x",
    "é",
    "𝒳",
    "\u{feff}",
    "\nimport Injected\n",
    "*/",
    "\\N{BULLET}",
    "$(id)",
    "None",
    "class",
    "lambda: Injected()",
    "]",
    "[",
    ",",
    ":",
    "=",
    "---",
    "{Injected()}",
    "{{word}}",
    "{0}",
    "{word!r}",
    "asyncio.run(Injected()).x",
    "await ask_async(",
    "\u{2029}",
    "`",
    "${Injected()}",
];

/// A generator of numbers that is the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn text(&mut self) -> String {
        let length = 1 + self.roll(9);
        (0..length)
            .map(|_| PIECES[self.roll(PIECES.len())])
            .collect()
    }

    /// One template in three has braces as they come, which is mostly refused; the others have
    /// them doubled, around variables and around what looks like code.
    fn template(&mut self) -> String {
        if self.roll(3) == 0 {
            return self.text();
        }
        let doubled = self.text().replace('{', "{{").replace('}', "}}");
        let middle = ["{word}", "{{Injected()}}", "{Injected}", "{{{word}}}", ""][self.roll(5)];
        format!("{doubled}{middle}{}", self.text().replace(['{', '}'], ""))
    }
}

/// Stands in every password; no output may have it.
const SECRET: &str = "sk-hostile-secret";

/// Replaces texts that people write in the editor, and leaves what makes a flow a flow.
fn poison(value: &mut Value, key: &str, dice: &mut Dice) {
    const KEPT: &[&str] = &[
        "type",
        "provider",
        "name",
        "id",
        "module",
        "method",
        "types",
        "mode",
        "source",
        "target",
        "sourceHandle",
        "targetHandle",
        "fieldName",
        "output_types",
        "tags",
        "file_path",
        "format",
        "search_mode",
        "template_text",
        "multiple",
        "schema_name",
        "storage_location",
        "sender",
        "local_format",
        "session_id",
        "context_id",
        "n_messages",
    ];
    if value["password"] == true {
        value["value"] = json!(SECRET);
        value["load_from_db"] = json!(false);
        return;
    }
    match value {
        Value::String(text) if !KEPT.contains(&key) && dice.roll(3) > 0 => *text = dice.text(),
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, key, dice)),
        Value::Object(map) => {
            for (name, item) in map.iter_mut() {
                let own = if name == "value" { key } else { name };
                if own == "template" && item.is_string() {
                    *item = json!(dice.template());
                } else if !KEPT.contains(&own) {
                    poison(item, own, dice);
                }
            }
        }
        _ => {}
    }
}

fn rename(file: &Value, dice: &mut Dice) -> Value {
    let mut text = file.to_string();
    let nodes = file["data"]["nodes"].as_array().expect("nodes");
    let ids: Vec<&str> = nodes
        .iter()
        .filter_map(|node| node["id"].as_str())
        .collect();
    for (index, id) in ids.iter().enumerate() {
        let hostile = json!(format!("{}{index}", dice.text())).to_string();
        text = text.replace(&format!("\"{id}\""), &hostile);
    }
    serde_json::from_str(&text).expect("JSON")
}

/// Reads every program and looks for what is not a text. What it prints is what is wrong.
const READER: &str = r#"
import ast, json, sys
for line in sys.stdin:
    program = json.loads(line)
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError) as error:
        print("does not compile:", error, repr(program[:3000])); continue
    compile(program, "flow.py", "exec")
    for node in ast.walk(tree):
        names = [v for k, v in ast.iter_fields(node) if k in ("id", "attr", "arg", "name") and isinstance(v, str)]
        if isinstance(node, ast.Constant):
            continue
        if "Injected" in names and not isinstance(node, ast.keyword):
            print("code got in:", ast.dump(node)[:300], repr(program[:3000]))
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            roots = [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            if any("Injected" in (root or "") for root in roots):
                print("an import got in:", ast.dump(node))
"#;

/// Runs a snippet where `curl` does nothing and no other command can be found: whatever it says is
/// a text of the flow that the shell took for a command.
fn only_calls_curl(snippet: &str) {
    let done = Command::new("/bin/sh")
        .args([
            "-c",
            &format!("curl() {{ :; }}\n{}", snippet.replace('\0', "")),
        ])
        .env_clear()
        .env("PATH", "/nowhere")
        .env("LANGFLOW_API_KEY", "key")
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success() && said.is_empty(),
        "{said}\n{snippet}"
    );
}

#[test]
fn hostile_flows_are_only_data() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows");
    let mut dice = Dice(0x5eed_1234_abcd);
    let (mut programs, mut shells) = (Vec::new(), Vec::new());
    let (mut written, mut planted) = (0, 0);
    for name in ["basic_prompting", "agents", "loop", "structured", "refused"] {
        let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        for _ in 0..30 {
            let mut copy = rename(&file, &mut dice);
            poison(&mut copy, "", &mut dice);
            planted += copy.to_string().matches(SECRET).count();
            let flow = Flow::parse(&copy).expect("a flow");
            let about = Snippet::default();
            programs.push(snippet(&flow, SnippetLanguage::Python, &about));
            programs.push(tweak_types(&flow, TypesLanguage::Python));
            shells.push(snippet(&flow, SnippetLanguage::Curl, &about));
            for other in [
                snippet(&flow, SnippetLanguage::TypeScript, &about),
                snippet(&flow, SnippetLanguage::Rust, &about),
                tweak_types(&flow, TypesLanguage::TypeScript),
            ] {
                assert!(!other.contains(SECRET), "{other}");
            }
            let options = Options {
                stubs: true,
                stream: dice.roll(2) == 0,
                asynchronous: dice.roll(2) == 0,
                ..Options::default()
            };
            // Some are refused for good reasons; what is written has to be sound.
            if let Ok(program) = to_python(&copy, &options) {
                written += 1;
                programs.push(program);
            }
        }
    }
    assert!(written > 50, "only {written} programs");
    assert!(planted > 50, "only {planted} secrets");
    let leaks = |all: &[String]| all.iter().find(|it| it.contains(SECRET)).cloned();
    assert_eq!(leaks(&programs), None);
    assert_eq!(leaks(&shells), None);
    for shell in shells {
        only_calls_curl(&shell);
    }
    let mut python = Command::new("python3")
        .args(["-W", "error", "-c", READER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 reads the programs");
    let lines: String = programs
        .iter()
        .map(|it| format!("{}\n", json!(it)))
        .collect();
    let mut input = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let wrong = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && wrong.is_empty(), "{wrong}");
}
