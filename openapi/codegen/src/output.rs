//! Writes generated files, or finds those that differ from what would be written.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Path relative to the repository, and content.
#[derive(Default)]
pub struct Files(BTreeMap<PathBuf, String>);

/// Folders that hold generated files and nothing else: what is there and not written is stale.
const OWNED: [&str; 4] = [
    "sdk-core/src/generated",
    "bindings-python/python/langflow_api/_generated",
    "bindings-node/src/generated",
    "tests/src/generated",
];

impl Files {
    /// Adds a file as it is.
    pub fn add(&mut self, path: impl Into<PathBuf>, content: String) {
        let mut content = content;
        if !content.ends_with('\n') {
            content.push('\n');
        }
        self.0.insert(path.into(), content);
    }

    /// Adds a Rust file, formatted by rustfmt.
    pub fn add_rust(&mut self, path: impl Into<PathBuf>, content: &str) -> Result<()> {
        let path = path.into();
        let formatted = rustfmt(content).with_context(|| format!("format {}", path.display()))?;
        self.add(path, formatted);
        Ok(())
    }

    /// Writes every file whose content differs and removes stale ones.
    pub fn write(&self, root: &Path) -> Result<usize> {
        let different = self.different(root)?;
        for path in &different {
            let target = root.join(path);
            match self.0.get(path) {
                None => std::fs::remove_file(&target)?,
                Some(content) => {
                    if let Some(folder) = target.parent() {
                        std::fs::create_dir_all(folder)?;
                    }
                    std::fs::write(&target, content)
                        .with_context(|| format!("write {}", target.display()))?;
                }
            }
        }
        Ok(different.len())
    }

    /// The files that `write` would change.
    pub fn different(&self, root: &Path) -> Result<Vec<PathBuf>> {
        let mut found: Vec<PathBuf> = self
            .0
            .iter()
            .filter(|(path, content)| {
                std::fs::read_to_string(root.join(path)).ok().as_ref() != Some(content)
            })
            .map(|(path, _)| path.clone())
            .collect();
        for folder in OWNED {
            for entry in std::fs::read_dir(root.join(folder)).into_iter().flatten() {
                let entry = entry?;
                let path = Path::new(folder).join(entry.file_name());
                if entry.file_type()?.is_file() && !self.0.contains_key(&path) {
                    found.push(path);
                }
            }
        }
        Ok(found)
    }
}

fn rustfmt(content: &str) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args([
            "--edition",
            "2024",
            "--emit",
            "stdout",
            "--config",
            "max_width=100",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("start rustfmt")?;
    // rustfmt reads all of its input before it writes, so one thread is enough.
    child
        .stdin
        .take()
        .context("no stdin")?
        .write_all(content.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("rustfmt refused the code");
    }
    Ok(String::from_utf8(output.stdout)?)
}
