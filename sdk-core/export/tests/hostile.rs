//! Whatever a flow file says is data: names, values and templates of the worst kind give programs
//! that Python reads, and that hold them as texts only.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use langflow_export::{Options, to_python};
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
}

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
    match value {
        Value::String(text) if !KEPT.contains(&key) && dice.roll(3) > 0 => *text = dice.text(),
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, key, dice)),
        Value::Object(map) => {
            for (name, item) in map.iter_mut() {
                let own = if name == "value" { key } else { name };
                if own == "template" && item.is_string() {
                    let safe = dice.text().replace(['{', '}'], "");
                    *item = json!(safe);
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

#[test]
fn hostile_flows_are_only_data() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows");
    let mut dice = Dice(0x5eed_1234_abcd);
    let mut programs = Vec::new();
    for name in ["basic_prompting", "agents", "loop", "structured", "refused"] {
        let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        for _ in 0..30 {
            let mut copy = rename(&file, &mut dice);
            poison(&mut copy, "", &mut dice);
            let options = Options {
                stubs: true,
                stream: dice.roll(2) == 0,
                asynchronous: dice.roll(2) == 0,
                ..Options::default()
            };
            // Some are refused for good reasons; what is written has to be sound.
            if let Ok(program) = to_python(&copy, &options) {
                programs.push(program);
            }
        }
    }
    assert!(programs.len() > 75, "only {} programs", programs.len());
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
