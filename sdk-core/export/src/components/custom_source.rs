//! The code of a component, cut into what it imports and what it says.

use std::collections::BTreeSet;

/// Names of Langflow that the shim stands in for, besides the inputs.
const SHIM: &[&str] = &["Component", "Message", "Data"];

/// The code of a component, ready to become part of a program.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// Imports of anything but Langflow.
    pub(crate) imports: Vec<String>,
    /// The rest.
    pub(crate) code: String,
    /// Declarations of inputs and outputs that it uses.
    pub(crate) settings: BTreeSet<String>,
    /// What it defines at its top.
    pub(crate) defines: Vec<String>,
    /// The class that is the component.
    pub(crate) class: String,
}

/// Reads the code; the error names what stands in the way.
pub(crate) fn read(code: &str) -> Result<Source, String> {
    let code = code.replace("\r\n", "\n");
    if code
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t')
    {
        return Err("its code holds control characters".to_owned());
    }
    let tops = top_lines(&code);
    let mut source = Source::default();
    let mut rest = Vec::new();
    let lines: Vec<&str> = code.lines().collect();
    let mut index = 0;
    while index < lines.len() {
        let line = lines[index];
        let mut end = index + 1;
        if tops.contains(&index) && is_import(line) {
            while end < lines.len() && !tops.contains(&end) {
                end += 1;
            }
            let statement = lines[index..end].join("\n");
            import(&mut source, &statement)?;
        } else {
            if is_import(line.trim_start()) && of_langflow(line.trim_start()) {
                return Err(format!("its code imports Langflow: `{}`", line.trim()));
            }
            if tops.contains(&index) {
                define(&mut source, line);
            }
            rest.push(line);
        }
        index = end;
    }
    source.code = rest.join("\n").trim().to_owned();
    if source.class.is_empty() {
        return Err("its code has no class of a component".to_owned());
    }
    Ok(source)
}

fn is_import(line: &str) -> bool {
    line.starts_with("import ") || line.starts_with("from ")
}

fn of_langflow(line: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|word| word == "lfx" || word == "langflow")
}

fn import(source: &mut Source, statement: &str) -> Result<(), String> {
    if statement.contains([';', '#', '\\']) {
        return Err("its code has imports in a form that is not read".to_owned());
    }
    if !of_langflow(statement) {
        if statement.contains('*') {
            return Err("its code imports everything of a module".to_owned());
        }
        source.imports.push(statement.to_owned());
        return Ok(());
    }
    let flat = statement.replace(['(', ')', '\n'], " ");
    let names = flat
        .trim()
        .strip_prefix("from ")
        .and_then(|rest| rest.split_once(" import "));
    let Some((module, names)) = names else {
        return Err(format!("its code imports Langflow: `{statement}`"));
    };
    for name in names.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        let setting = name == "Output" || name.ends_with("Input");
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric());
        if plain && setting {
            source.settings.insert(name.to_owned());
        } else if !SHIM.contains(&name) {
            return Err(format!(
                "its code imports `{name}` from `{}` of Langflow",
                module.trim()
            ));
        }
    }
    Ok(())
}

fn define(source: &mut Source, line: &str) {
    let name_of = |rest: &str| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        rest[..end.unwrap_or(rest.len())].to_owned()
    };
    if let Some(rest) = line.strip_prefix("class ") {
        let name = name_of(rest);
        let bases = rest.split_once('(').map_or("", |(_, bases)| bases);
        if bases.contains("Component") {
            source.class.clone_from(&name);
        }
        source.defines.push(name);
    } else if let Some(rest) = line
        .strip_prefix("def ")
        .or_else(|| line.strip_prefix("async def "))
    {
        source.defines.push(name_of(rest));
    } else if let Some((name, _)) = line.split_once('=') {
        let name = name.split(':').next().unwrap_or_default().trim();
        if name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            source.defines.push(name.to_owned());
        }
    }
}

/// The lines at which a statement at the top of the file may begin: outside of texts and
/// brackets, without an indentation.
fn top_lines(code: &str) -> BTreeSet<usize> {
    let mut tops = BTreeSet::new();
    let mut quote: Option<String> = None;
    let mut depth = 0usize;
    for (index, line) in code.lines().enumerate() {
        if quote.is_none() && depth == 0 && !line.starts_with([' ', '\t']) {
            tops.insert(index);
        }
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let step = match &quote {
                Some(_) if c == '\\' => rest.chars().take(2).map(char::len_utf8).sum(),
                Some(end) if rest.starts_with(end.as_str()) => {
                    let step = end.len();
                    quote = None;
                    step
                }
                Some(_) => c.len_utf8(),
                None => match c {
                    '#' => rest.len(),
                    '"' | '\'' => {
                        let triple = c.to_string().repeat(3);
                        let end = if rest.starts_with(&triple) {
                            triple
                        } else {
                            c.to_string()
                        };
                        let step = end.len();
                        quote = Some(end);
                        step
                    }
                    '(' | '[' | '{' => {
                        depth += 1;
                        1
                    }
                    ')' | ']' | '}' => {
                        depth = depth.saturating_sub(1);
                        1
                    }
                    _ => c.len_utf8(),
                },
            };
            rest = &rest[step..];
        }
        // A text in single quotes ends with its line.
        if quote.as_ref().is_some_and(|end| end.len() == 1) {
            quote = None;
        }
    }
    tops
}
