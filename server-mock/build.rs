//! Turns the contract, which people write as YAML and TOML, into what the server serves and reads.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    // Links to the documents under `openapi/`: a source package has the files in their place.
    let contract = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("contract");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let document: serde_json::Value = serde_norway::from_str(&read(&contract, "workspace.yaml")?)?;
    // Packed: it is most of what the server adds to a package, and mostly words.
    let packed = miniz_oxide::deflate::compress_to_vec(document.to_string().as_bytes(), 10);
    fs::write(out.join("workspace.json.deflate"), packed)?;
    let open_source = serde_norway::from_str(&read(&contract, "langflow.yaml")?)?;
    fs::write(out.join("open_source.rs"), routes(&open_source)?)?;
    let page = page(&PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("ui"))?;
    let packed = miniz_oxide::deflate::compress_to_vec(page.as_bytes(), 10);
    fs::write(out.join("ui.html.deflate"), packed)?;
    let probes = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("probes");
    let packed = miniz_oxide::deflate::compress_to_vec(&drift(&probes)?, 10);
    fs::write(out.join("probes.json.deflate"), packed)?;
    let errors: toml::Table = read(&contract, "errors.toml")?.parse()?;
    fs::write(out.join("codes.rs"), codes(&errors)?)?;
    Ok(())
}

fn read(folder: &Path, name: &str) -> Result<String, Box<dyn Error>> {
    let path = folder.join(name);
    println!("cargo:rerun-if-changed={}", path.display());
    Ok(fs::read_to_string(path)?)
}

/// The operations of open-source servers: method, path and name.
fn routes(document: &serde_json::Value) -> Result<String, Box<dyn Error>> {
    let mut rows = String::new();
    let paths = document["paths"].as_object().ok_or("no paths")?;
    for (path, item) in paths {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if let Some(name) = operation["operationId"].as_str() {
                let method = method.to_uppercase();
                rows.push_str(&format!("    ({method:?}, {path:?}, {name:?}),\n"));
            }
        }
    }
    Ok(format!("&[\n{rows}]"))
}

/// The probes of `langflow-mock drift`, and the flows that they run.
fn drift(folder: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut flows = serde_json::Map::new();
    for name in ["echo", "text", "two_outputs", "boom", "sender", "hitl"] {
        let file = serde_json::from_str(&read(folder, &format!("{name}.json"))?)?;
        flows.insert(name.to_owned(), file);
    }
    // The same again: what the server keeps of the runs of a flow is that of these probes alone.
    flows.insert("recorded".to_owned(), flows["echo"].clone());
    let probes: serde_json::Value = serde_json::from_str(&read(folder, "probes.json")?)?;
    Ok(serde_json::to_vec(
        &serde_json::json!({"flows": flows, "probes": probes}),
    )?)
}

/// The live page in one file: a line `/* NAME */` stands for the file of this name. What only
/// people need is left out, and nothing else is changed.
fn page(folder: &Path) -> Result<String, Box<dyn Error>> {
    let mut page = String::new();
    for line in read(folder, "page.html")?.lines() {
        let name = line
            .strip_prefix("/* ")
            .and_then(|it| it.strip_suffix(" */"));
        match name {
            Some(name) if name.ends_with(".css") => page.push_str(&style(&read(folder, name)?)),
            Some(name) => page.push_str(&script(&read(folder, name)?)),
            None => page.push_str(line.trim_start()),
        }
        page.push('\n');
    }
    Ok(page)
}

/// A style sheet without its layout.
fn style(text: &str) -> String {
    let mut style: String = text.lines().map(str::trim_start).collect();
    for mark in ["{", "}", ":", ",", ";", ">"] {
        style = style.replace(&format!("{mark} "), mark);
        // A space before a colon belongs to a selector.
        if mark != ":" {
            style = style.replace(&format!(" {mark}"), mark);
        }
    }
    for (long, short) in [(";}", "}"), (" 0.", " ."), (":0.", ":.")] {
        style = style.replace(long, short);
    }
    style
}

/// Operators that need no spaces.
const SIGNS: [&str; 10] = ["=>", "=", "===", "!==", "??", "&&", "||", "?", ":", "+"];

/// A script without indentation, without comments that have a line of their own, without commas before a
/// bracket that closes, without spaces around operators and some brackets, and without line ends where another sign ends the
/// line as well. No text of it may go over lines, or have an operator between spaces or
/// such a bracket.
fn script(text: &str) -> String {
    let mut script = String::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with("//") || line.starts_with("/**") {
            continue;
        }
        if line.starts_with([')', ']', '}']) && script.ends_with(',') {
            script.pop();
        }
        let goes_on = ["? ", ": ", ".", "&& ", "|| "];
        if goes_on.iter().any(|sign| line.starts_with(sign)) && script.ends_with('\n') {
            script.pop();
        }
        // A text with line ends in it is a program that the page shows.
        match line.contains("\\n") {
            true => script.push_str(line),
            false => {
                let line = SIGNS.iter().fold(line.to_owned(), |line, sign| {
                    line.replace(&format!(" {sign} "), sign)
                });
                let line = line.replace(") {", "){").replace("({ ", "({");
                script.push_str(&lists(&line.replace(" })", "})").replace(", {", ",{")));
            }
        }
        if !line.ends_with([',', ';', '(', '{', '[']) {
            script.push('\n');
        }
    }
    script
}

/// A line without spaces after commas and colons, those of its texts excepted: only where it has no other
/// texts than those between double quotes.
fn lists(line: &str) -> String {
    if line.contains(['`', '\'', '\\']) {
        return line.to_owned();
    }
    let parts = line.split('"').enumerate().map(|(at, part)| match at % 2 {
        0 => part.replace(", ", ",").replace(": ", ":"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("\"")
}

/// The codes that an answer may carry, each with its status and title.
fn codes(errors: &toml::Table) -> Result<String, Box<dyn Error>> {
    let list = errors.get("server_code").and_then(toml::Value::as_array);
    let list = list.ok_or("errors.toml has no [[server_code]]")?;
    let mut rows = String::new();
    for entry in list {
        let text = |key: &str| {
            entry
                .get(key)
                .and_then(toml::Value::as_str)
                .ok_or("not a text")
        };
        let status = entry
            .get("status")
            .and_then(toml::Value::as_integer)
            .ok_or("no status")?;
        rows.push_str(&format!(
            "    ({:?}, {status}, {:?}),\n",
            text("code")?,
            text("title")?
        ));
    }
    Ok(format!("&[\n{rows}]"))
}
