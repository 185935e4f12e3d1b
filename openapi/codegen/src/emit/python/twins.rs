//! Classes that wait, written from their twins for coroutines: what is said and decided in both
//! stands once.
//!
//! Lines between `# only async` and `# both` are left out, and comments between `# only sync` and
//! `# both` become code.

use std::path::Path;

use anyhow::{Context, Result};

use super::FOLDER;
use crate::emit::HEADER;
use crate::output::Files;

const PACKAGE: &str = "bindings-python/python/langflow_api";

/// The modules that have a twin, by the name of the twin; theirs is `_async_` and that.
const TWINS: [&str; 4] = ["client", "job", "session", "tools"];

/// Adds the twins of the modules in the package below `root`, where it is there.
pub fn emit(files: &mut Files, root: &Path) -> Result<()> {
    for name in TWINS {
        let source = format!("_async_{name}.py");
        let path = root.join(PACKAGE).join(&source);
        if !path.exists() {
            // A copy that has the documents alone.
            continue;
        }
        let text = std::fs::read_to_string(&path).with_context(|| source.clone())?;
        let header = format!("# {HEADER}\n# Its twin is {source}: change that.\n");
        files.add(format!("{FOLDER}/{name}.py"), header + &twin(&text));
    }
    Ok(())
}

#[derive(PartialEq)]
enum Side {
    Both,
    Async,
    Sync,
}

fn twin(text: &str) -> String {
    let mut side = Side::Both;
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.trim() {
            "# both" => side = Side::Both,
            "# only async" => side = Side::Async,
            "# only sync" => side = Side::Sync,
            comment if side == Side::Sync => {
                let indent = &line[..line.len() - line.trim_start().len()];
                let code = comment.strip_prefix('#').unwrap_or(comment);
                let code = code.strip_prefix(' ').unwrap_or(code);
                lines.push(format!("{indent}{code}").trim_end().to_owned());
            }
            _ if side == Side::Async => {}
            _ => lines.push(words(&moved(line))),
        }
    }
    lines.join("\n")
}

/// The line in the words of code that waits.
fn words(line: &str) -> String {
    let mut made = String::new();
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        let length = rest
            .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .unwrap_or(rest.len());
        if length == 0 {
            made.push(letter);
            rest = &rest[letter.len_utf8()..];
            continue;
        }
        let (word, behind) = rest.split_at(length);
        rest = behind;
        match word {
            "async" | "await" if rest.starts_with(' ') => rest = &rest[1..],
            "StopAsyncIteration" => made.push_str("StopIteration"),
            _ if word.starts_with("_async_") => made.push_str(&word["_async".len()..]),
            _ if word.starts_with("__a") && word.ends_with("__") => {
                made.push_str("__");
                made.push_str(&word[3..]);
            }
            _ => {
                let word = word.strip_suffix("_async").unwrap_or(word);
                let class = word.strip_prefix("Async");
                let class =
                    class.filter(|name| name.starts_with(|first: char| first.is_uppercase()));
                made.push_str(class.unwrap_or(word));
            }
        }
    }
    made
}

/// Imports as they are from one folder below.
fn moved(line: &str) -> String {
    let indent = &line[..line.len() - line.trim_start().len()];
    let Some(import) = line.trim_start().strip_prefix("from .") else {
        return line.to_owned();
    };
    let of_twin = TWINS.iter().find_map(|name| {
        let rest = import.strip_prefix("_async_")?.strip_prefix(name)?;
        rest.starts_with(' ').then(|| format!("{name}{rest}"))
    });
    let import = match of_twin.as_deref().or(import.strip_prefix("_generated.")) {
        Some(neighbour) => neighbour.to_owned(),
        None => match import.strip_prefix("_generated ") {
            Some(names) => format!(" {names}"),
            None => format!(".{import}"),
        },
    };
    format!("{indent}from .{import}")
}

#[cfg(test)]
mod tests {
    use super::twin;

    #[test]
    fn what_is_awaited_is_waited_for() {
        let text = "\
from ._bridge import result
from ._generated import models
from ._generated.models import Session as Known
from ._async_job import AsyncJob
from ._async_client import AsyncClient
from ._job import Known
from . import _native

class AsyncThing:
    # only async
    \"\"\"For coroutines.\"\"\"
    # only sync
    # \"\"\"Waits.
    #
    # Indented:
    #     so.
    # \"\"\"
    # both

    async def __aenter__(self) -> AsyncThing:
        async for item in self.engine.run_async(asynchronous):
            yield await item
";
        let expected = "\
from .._bridge import result
from . import models
from .models import Session as Known
from .job import Job
from .client import Client
from .._job import Known
from .. import _native

class Thing:
    \"\"\"Waits.

    Indented:
        so.
    \"\"\"

    def __enter__(self) -> Thing:
        for item in self.engine.run(asynchronous):
            yield item";
        assert_eq!(twin(text), expected);
    }
}
