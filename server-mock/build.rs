//! Turns the contract, which people write as YAML and TOML, into what the server serves and reads.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let contract = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../openapi");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let document: serde_json::Value = serde_norway::from_str(&read(&contract, "workspace.yaml")?)?;
    // Packed: it is most of what the server adds to a package, and mostly words.
    let packed = miniz_oxide::deflate::compress_to_vec(document.to_string().as_bytes(), 10);
    fs::write(out.join("workspace.json.deflate"), packed)?;
    let errors: toml::Table = read(&contract, "errors.toml")?.parse()?;
    fs::write(out.join("codes.rs"), codes(&errors)?)?;
    Ok(())
}

fn read(folder: &Path, name: &str) -> Result<String, Box<dyn Error>> {
    let path = folder.join(name);
    println!("cargo:rerun-if-changed={}", path.display());
    Ok(fs::read_to_string(path)?)
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
