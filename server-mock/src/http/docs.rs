//! The document as a page for people: one file that asks nobody for anything.

use std::fmt::Write;
use std::sync::LazyLock;

use serde_json::Value;

use super::reply::Reply;
use crate::contract::{Operation, PREFIX, contract};

static PAGE: LazyLock<String> = LazyLock::new(page);

/// Nothing may be loaded; the style is in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Langflow workspace API</title>\
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 0 auto; padding: 1rem }
nav ul { columns: 18rem; padding-left: 1rem }
article { border-top: 1px solid #8886; padding: .5rem 0 }
h3 { margin: .5rem 0; overflow-wrap: anywhere }
code { font-family: ui-monospace, monospace }
.method { display: inline-block; min-width: 4.5rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse } th, td { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top }
p.text { white-space: pre-line }
</style></head><body>";

pub(super) fn reply() -> Reply {
    Reply::text(200, "text/html; charset=utf-8", PAGE.as_str())
        .header("content-security-policy", POLICY)
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    let info = contract().info();
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<h1>{}</h1><p class=text>{}</p><p>Version {} · all paths stand under <code>{PREFIX}</code> · \
         <a href=\"/langflow/openapi.json\">the document</a></p><nav><ul>",
        text(&info["title"]),
        text(&info["description"]),
        text(&info["version"]),
    );
    for operation in &contract().operations {
        let summary = text(&contract().detail(operation)["summary"]);
        let _ = write!(page, "<li><a href=\"#{}\">{summary}</a></li>", operation.id);
    }
    page.push_str("</ul></nav>");
    let mut tag = String::new();
    for operation in &contract().operations {
        let here = text(&contract().detail(operation)["tags"][0]);
        if here != tag {
            let _ = write!(page, "<h2>{}</h2>", here.replace('_', " "));
            tag = here;
        }
        article(&mut page, operation);
    }
    page.push_str("</body></html>\n");
    page
}

fn article(page: &mut String, operation: &Operation) {
    let detail = contract().detail(operation);
    let permission = operation.permission.map_or("no key", |it| it.name());
    let own = operation
        .own
        .map(|own| format!(" ({} for what the key itself started)", own.name()));
    let _ = write!(
        page,
        "<article id=\"{}\"><h3><code class=method>{}</code> <code>{}</code></h3>\
         <p><b>{}</b> · needs {permission}{}</p><p class=text>{}</p>",
        operation.id,
        operation.method,
        escape(&operation.path),
        text(&detail["summary"]),
        own.unwrap_or_default(),
        text(&detail["description"]),
    );
    let mut rows = Vec::new();
    for parameter in &operation.parameters {
        let required = if parameter.required { ", required" } else { "" };
        rows.push((
            parameter.name.clone(),
            format!("{}{required}", parameter.place),
            String::new(),
        ));
    }
    let body = operation
        .body
        .as_ref()
        .map(|schema| contract().resolve(schema));
    let required = body.and_then(|schema| schema["required"].as_array());
    let fields = body.and_then(|schema| schema["properties"].as_object());
    for (name, schema) in fields.into_iter().flatten() {
        let needed = required.is_some_and(|all| all.iter().any(|it| it == name));
        let kind = schema["type"].as_str().unwrap_or("any");
        let needed = if needed { ", required" } else { "" };
        let about = schema["description"].as_str().unwrap_or_default();
        rows.push((
            name.clone(),
            format!("body, {kind}{needed}"),
            about.to_owned(),
        ));
    }
    if !rows.is_empty() {
        page.push_str("<div class=scroll><table>");
        for (name, place, about) in rows {
            let _ = write!(
                page,
                "<tr><td><code>{}</code></td><td>{place}</td><td>{}</td></tr>",
                escape(&name),
                escape(&about)
            );
        }
        page.push_str("</table></div>");
    }
    let answers = detail["responses"].as_object();
    let answers = answers.into_iter().flatten().map(|(status, answer)| {
        let about = text(&contract().resolve(answer)["description"]);
        format!("<tr><td><code>{status}</code></td><td>{about}</td></tr>")
    });
    let _ = write!(
        page,
        "<details><summary>Answers</summary><div class=scroll><table>{}</table></div></details></article>",
        answers.collect::<String>()
    );
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default().trim())
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}
