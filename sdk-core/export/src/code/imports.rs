//! The imports of a program, in the order of its linter, and the packages behind them.

use std::collections::{BTreeMap, BTreeSet};

/// Modules of the standard library that helpers use; custom code may bring others of these.
const STANDARD: &[&str] = &[
    "__future__",
    "abc",
    "argparse",
    "ast",
    "asyncio",
    "base64",
    "calendar",
    "collections",
    "concurrent",
    "contextlib",
    "contextvars",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "glob",
    "hashlib",
    "hmac",
    "html",
    "http",
    "importlib",
    "inspect",
    "io",
    "itertools",
    "json",
    "logging",
    "math",
    "mimetypes",
    "operator",
    "os",
    "pathlib",
    "pickle",
    "platform",
    "queue",
    "random",
    "re",
    "secrets",
    "shlex",
    "shutil",
    "socket",
    "sqlite3",
    "ssl",
    "statistics",
    "string",
    "struct",
    "subprocess",
    "sys",
    "tempfile",
    "textwrap",
    "threading",
    "time",
    "traceback",
    "types",
    "typing",
    "unicodedata",
    "urllib",
    "uuid",
    "warnings",
    "xml",
    "zipfile",
    "zoneinfo",
];

/// Import name to package, with the versions that the programs were tried with.
const PACKAGES: &[(&str, &str)] = &[
    ("bs4", "beautifulsoup4>=4.12,<5"),
    ("httpx", "httpx>=0.27,<1"),
    ("langchain", "langchain>=1.4,<2"),
    ("langchain_anthropic", "langchain-anthropic>=1.4,<2"),
    ("langchain_core", "langchain-core>=1.7,<2"),
    ("langchain_google_genai", "langchain-google-genai>=4,<5"),
    ("langchain_groq", "langchain-groq>=1,<2"),
    ("langchain_ollama", "langchain-ollama>=1,<2"),
    ("langchain_openai", "langchain-openai>=1.7,<2"),
    (
        "langchain_text_splitters",
        "langchain-text-splitters>=1.1,<2",
    ),
    ("lxml", "lxml>=5,<7"),
    ("numpy", "numpy>=1.26,<3"),
    ("pandas", "pandas>=2,<4"),
    ("pydantic", "pydantic>=2,<3"),
    ("requests", "requests>=2,<3"),
    ("sqlalchemy", "sqlalchemy>=2,<3"),
    ("tabulate", "tabulate>=0.9,<1"),
    ("tzdata", "tzdata>=2024.1"),
    ("yaml", "pyyaml>=6,<7"),
];

/// The imports of one program.
#[derive(Debug, Default)]
pub(crate) struct Imports {
    modules: BTreeSet<String>,
    names: BTreeMap<String, BTreeSet<String>>,
    extra: BTreeSet<&'static str>,
}

impl Imports {
    /// `import module`, with `as` where it is part of the text.
    pub(crate) fn module(&mut self, module: &str) {
        self.modules.insert(module.to_owned());
    }

    /// `from module import name`.
    pub(crate) fn name(&mut self, module: &str, name: &str) {
        let names = self.names.entry(module.to_owned()).or_default();
        names.insert(name.to_owned());
    }

    /// A package that is needed without an import.
    pub(crate) fn package(&mut self, module: &'static str) {
        self.extra.insert(module);
    }

    /// Takes up import statements as they stand in a file.
    pub(crate) fn statement(&mut self, statement: &str) {
        let flat = statement.replace(['(', ')', '\n'], " ");
        if let Some((module, names)) = flat
            .trim()
            .strip_prefix("from ")
            .and_then(|rest| rest.split_once(" import "))
        {
            for name in names.split(',').map(str::trim).filter(|it| !it.is_empty()) {
                self.name(module.trim(), name);
            }
        } else if let Some(modules) = flat.trim().strip_prefix("import ") {
            for module in modules.split(',') {
                self.module(module.trim());
            }
        }
    }

    /// The names that two imports bind to different things.
    pub(crate) fn bound_twice(&self) -> Vec<String> {
        let last = |it: &str| it.rsplit(" as ").next().unwrap_or(it).to_owned();
        let mut bound: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for module in &self.modules {
            let whole = last(module);
            let name = whole.split('.').next().unwrap_or_default().to_owned();
            let meant = if module.contains(" as ") {
                module.as_str()
            } else {
                module.split('.').next().unwrap_or_default()
            };
            bound.entry(name).or_default().insert(meant);
        }
        for (module, names) in &self.names {
            for name in names {
                bound.entry(last(name)).or_default().insert(module);
            }
        }
        let twice = bound.into_iter().filter(|(_, meant)| meant.len() > 1);
        twice.map(|(name, _)| name).collect()
    }

    /// What has to be installed, as the requirements of a package say it; modules of which the
    /// package is not known are named as they are imported.
    pub(crate) fn requirements(&self) -> (Vec<String>, Vec<String>) {
        let tops = self.modules.iter().chain(self.names.keys());
        let tops = tops.filter_map(|module| module.split(['.', ' ']).next());
        let mut known = BTreeSet::new();
        let mut unknown = BTreeSet::new();
        for top in tops.chain(self.extra.iter().copied()) {
            if STANDARD.contains(&top) {
                continue;
            }
            match PACKAGES.iter().find(|(name, _)| *name == top) {
                Some((_, package)) => known.insert((*package).to_owned()),
                None => unknown.insert(top.to_owned()),
            };
        }
        (known.into_iter().collect(), unknown.into_iter().collect())
    }

    /// The statements.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        for section in 0..3 {
            let mut lines = Vec::new();
            for module in self.modules.iter().filter(|it| section_of(it) == section) {
                lines.push(format!("import {module}\n"));
            }
            for (module, names) in &self.names {
                if section_of(module) == section {
                    lines.push(from_line(module, names));
                }
            }
            if lines.is_empty() {
                continue;
            }
            if !out.is_empty() {
                out.push('\n');
            }
            out.extend(lines);
        }
        out
    }
}

fn section_of(module: &str) -> u8 {
    match module.split(['.', ' ']).next() {
        Some("__future__") => 0,
        Some(top) if STANDARD.contains(&top) => 1,
        _ => 2,
    }
}

fn from_line(module: &str, names: &BTreeSet<String>) -> String {
    // Constants, then classes, then functions, as the linter orders them.
    let rank = |name: &str| match name {
        it if it.len() > 1 && it.to_uppercase() == it => 0,
        it if it.starts_with(char::is_uppercase) => 1,
        _ => 2,
    };
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_by_key(|name| (rank(name), *name));
    let line = format!("from {module} import {}\n", names.join(", "));
    if line.chars().count() <= super::expr::WIDTH + 1 {
        return line;
    }
    let list: String = names.iter().map(|name| format!("    {name},\n")).collect();
    format!("from {module} import (\n{list})\n")
}
