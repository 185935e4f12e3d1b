//! The retriever: the documents that share the most words with the question.

use std::collections::BTreeSet;

use langflow_export::Node;
use serde_json::Value;

use crate::model::Document;

/// What a retriever without documents of its own searches.
const CORPUS: &str = include_str!("corpus.json");

/// The `k` best documents, best first, ties in the order in which they are stored.
pub(super) fn retrieve(node: &Node, query: &str, k: usize) -> Result<Vec<Document>, String> {
    let stored = match node.setting("documents") {
        None | Some(Value::Null) => {
            serde_json::from_str(CORPUS).map_err(|error| error.to_string())?
        }
        Some(documents) => documents.clone(),
    };
    let documents = stored.as_array().ok_or("documents have to be an array")?;
    let documents: Option<Vec<Document>> = documents.iter().map(document).collect();
    let documents = documents.ok_or("each document needs a `text`")?;
    let wanted = words(query);
    let mut ranked: Vec<(usize, Document)> = documents
        .into_iter()
        .map(|document| {
            let shared = |text: &str| wanted.intersection(&words(text)).count();
            // What a document is called says more than what it mentions.
            (
                2 * shared(&document.title) + shared(&document.text),
                document,
            )
        })
        .collect();
    ranked.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    Ok(ranked
        .into_iter()
        .take(k)
        .map(|(_, document)| document)
        .collect())
}

fn document(value: &Value) -> Option<Document> {
    let text = value
        .as_str()
        .or_else(|| value.get("text").and_then(Value::as_str))?;
    let title = value
        .get("title")
        .and_then(Value::as_str)
        .unwrap_or("Untitled");
    Some(Document {
        title: title.to_owned(),
        text: text.to_owned(),
    })
}

/// Words by their beginning, so that "flows" finds "flow", without those that every text has.
fn words(text: &str) -> BTreeSet<String> {
    const EVERYWHERE: &[&str] = &[
        "the", "and", "for", "what", "how", "can", "are", "its", "was",
    ];
    let split = text
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase);
    let kept =
        split.filter(|word| word.chars().count() > 2 && !EVERYWHERE.contains(&word.as_str()));
    kept.map(|word| word.trim_end_matches('s').chars().take(5).collect())
        .collect()
}
