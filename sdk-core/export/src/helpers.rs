//! The Python functions that exported programs may need; a program gets only those that it uses.

macro_rules! helpers {
    ($($name:literal: [$($package:literal),*]),* $(,)?) => {
        const HELPERS: &[Helper] = &[$(Helper {
            name: $name,
            source: include_str!(concat!("python/", $name, ".py")),
            packages: &[$($package),*],
        }),*];
    };
}

/// One function with what it needs.
#[derive(Debug)]
pub(crate) struct Helper {
    /// The name of the file and of the function.
    pub(crate) name: &'static str,
    /// The file.
    pub(crate) source: &'static str,
    /// Packages that it needs without importing them by name.
    pub(crate) packages: &'static [&'static str],
}

// In the order in which they stand in a program.
helpers! {
    "component_shim": [],
    "blank_missing": [],
    "recent": [],
    "history_text": [],
    "ask": ["langchain"],
    "ask_team": ["langchain"],
    "ask_stream": ["langchain"],
    "ask_async": ["langchain"],
    "ask_stream_async": ["langchain"],
    "fill_prompt": [],
    "matches": [],
    "records_model": [],
    "structured_answer": [],
    "extract_records": [],
    "unwrap_records": [],
    "schema_prompt": [],
    "parse_records": [],
    "calculate": [],
    "current_date": ["tzdata"],
    "table_text": [],
    "table_markdown": ["tabulate"],
    "data_markdown": [],
    "fetch_pages": ["lxml"],
    "search_web": ["lxml"],
    "query_database": [],
    "search_knowledge": [],
    "search_memory": [],
    "search_arxiv": [],
    "answer_rows": [],
}

/// All helpers, in the order in which they stand in a program.
pub(crate) fn all() -> impl Iterator<Item = &'static Helper> {
    HELPERS.iter()
}

impl Helper {
    /// The statements that import, and the rest of the file.
    pub(crate) fn parts(&self) -> (Vec<String>, &'static str) {
        let mut imports = Vec::new();
        let mut rest = self.source;
        loop {
            let line = rest.lines().next().unwrap_or_default();
            let statement = if line.starts_with("import ") || line.starts_with("from ") {
                let end = if line.ends_with('(') {
                    rest.find(")\n").map_or(rest.len(), |at| at + 2)
                } else {
                    rest.find('\n').map_or(rest.len(), |at| at + 1)
                };
                Some(end)
            } else if line.is_empty() && !rest.is_empty() {
                rest = &rest[1..];
                continue;
            } else {
                None
            };
            let Some(end) = statement else { break };
            imports.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
        (imports, rest.trim_end())
    }

    /// The names that the file defines at its top.
    pub(crate) fn defines(&self) -> impl Iterator<Item = &'static str> {
        let (_, rest) = self.parts();
        rest.lines().filter_map(|line| {
            let word = line
                .strip_prefix("def ")
                .or_else(|| line.strip_prefix("async def "))
                .or_else(|| line.strip_prefix("class "))
                .or_else(|| {
                    line.starts_with(|c: char| c.is_ascii_uppercase())
                        .then_some(line)
                })?;
            let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
            Some(&word[..end])
        })
    }
}
