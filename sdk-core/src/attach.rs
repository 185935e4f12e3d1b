//! Files of a run on an open-source server: each is uploaded by the API that the component reads from,
//! and a tweak tells the component of it.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::ask::row;
use crate::call::Call;
use crate::client::Client;
use crate::error::{ErrorCode, LangflowError};
use crate::options::{CallOptions, refuse};
use crate::platform::Far;
use crate::request::{self, Parts};
use crate::transfer::{Transferring, Upload};

/// Endings that go to a chat input where there is one.
const IMAGES: [&str; 6] = ["png", "jpg", "jpeg", "gif", "webp", "bmp"];

/// A field of a component that takes files.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    component: String,
    field: String,
    /// Whether it reads the files of the flow (v1), not those of the user (v2).
    of_flow: bool,
}

impl Client {
    /// Uploads the files and adds the tweaks. Everything is checked before anything is sent.
    pub(crate) async fn attach(
        &self,
        flow_id: &str,
        body: &mut Map<String, Value>,
        files: &Value,
        options: &CallOptions,
    ) -> Result<Kept, LangflowError> {
        let uploads = uploads(files)?;
        let flow_id = &self.flow_uuid(flow_id).await?;
        let named = Map::from_iter([("flow_id".to_owned(), Value::from(flow_id.as_str()))]);
        let flow = self.ask("langflow.getFlow", named).await?;
        let places = places(&flow);
        let mut chosen = Vec::new();
        for (path, upload) in uploads {
            chosen.push((choose(&places, &path)?, upload));
        }
        let tweaks = body.entry("tweaks").or_insert_with(|| json!({}));
        for (place, _) in &chosen {
            if !tweaks[&place.component][&place.field].is_null() {
                let (component, field) = (&place.component, &place.field);
                let message =
                    format!("`tweaks` set `{field}` of {component}, which `files` set too.");
                return Err(LangflowError::invalid_input("files", message));
            }
        }
        let mut all = Kept::default();
        for (place, upload) in chosen {
            let (path, kept) = self.keep(flow_id, &place, upload, options).await?;
            all.0.extend(kept);
            let known = &mut tweaks[&place.component][&place.field];
            match known.as_array_mut() {
                Some(paths) => paths.push(path),
                None => *known = json!([path]),
            }
        }
        Ok(all)
    }

    /// Deletes what a run uploaded, once it has ended. It may go on where its answer was lost: then
    /// its files stay. That one cannot be deleted is no failure of the run.
    pub(crate) async fn forget_after(&self, kept: &Kept, error: Option<&LangflowError>) {
        if error
            .is_some_and(|error| error.info().may_have_executed && error.info().status.is_none())
        {
            tracing::warn!("the run was lost and may go on, so its uploads are not deleted");
            return;
        }
        for Deletion { operation, args } in &kept.0 {
            if let Err(error) = self.ask_whole(operation, args.clone()).await {
                let code = error.code().as_str();
                tracing::warn!(code, "an upload of a run could not be deleted");
            }
        }
    }

    /// Uploads a file; the answer is what the component takes for it, and how it is deleted.
    async fn keep(
        &self,
        flow_id: &str,
        place: &Place,
        upload: Upload,
        options: &CallOptions,
    ) -> Result<(Value, Option<Deletion>), LangflowError> {
        let (id, said) = match place.of_flow {
            true => ("langflow.uploadFlowFile", "file_path"),
            false => ("langflow.uploadFile", "path"),
        };
        let operation = row(id)?;
        let mut args = Map::new();
        if place.of_flow {
            args.insert("flow_id".to_owned(), flow_id.into());
        }
        let options = CallOptions {
            idempotency_key: None,
            ..options.clone()
        };
        let mut call = Call::new(self, operation, options);
        let parts = Parts {
            args,
            // Opened anew for each attempt; until then one byte stands for it.
            body: Bytes::from_static(b" "),
            content_type: Some(upload.media_type(operation)?),
            ..Parts::default()
        };
        let mut request = request::build(&self.place(operation)?, operation, parts)?;
        *request.body_mut() = None;
        upload.label(&mut request)?;
        let progress = watch::channel(Far::default()).0;
        call.carry(Transferring::Up(Arc::new(upload), progress));
        let answer = self.exchange(request, &call).await?;
        let mut kept = self.understand(&answer, &call).await?;
        match kept[said].take() {
            Value::String(path) => {
                let kept = kept_as(flow_id, place, &path, kept["id"].take());
                Ok((path.into(), kept))
            }
            _ => {
                let message = format!("The answer to an upload has no `{said}`.");
                Err(LangflowError::new(ErrorCode::InvalidResponse, message))
            }
        }
    }
}

/// What was uploaded for a run and is deleted after it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(Vec<Deletion>);

impl Kept {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The operation that deletes an upload.
#[derive(Debug, Clone)]
struct Deletion {
    operation: &'static str,
    args: Map<String, Value>,
}

/// Files of a flow are deleted by their name, those of the user by their id.
fn kept_as(flow_id: &str, place: &Place, path: &str, id: Value) -> Option<Deletion> {
    let text = |name: &str, value: Value| (name.to_owned(), value);
    if place.of_flow {
        let name = path.strip_prefix(flow_id)?.strip_prefix('/')?;
        let args = [
            text("flow_id", flow_id.into()),
            text("file_name", name.into()),
        ];
        return Some(Deletion {
            operation: "langflow.deleteFlowFile",
            args: Map::from_iter(args),
        });
    }
    id.is_string().then(|| Deletion {
        operation: "langflow.deleteFile",
        args: Map::from_iter([text("file_id", id)]),
    })
}

/// The files, each with its path, as they are read.
fn uploads(files: &Value) -> Result<Vec<(String, Upload)>, LangflowError> {
    let Some(list) = files.as_array() else {
        return Err(refuse("files", "a list of paths", files));
    };
    let mut found = Vec::new();
    for entry in list {
        let Some(path) = entry.as_str() else {
            return Err(refuse("files", "a list of paths", entry));
        };
        let upload = Upload::from_json(&json!({"path": path}).to_string(), Bytes::new());
        let upload = upload.map_err(|mut error| {
            error.info_mut().field = Some("files".to_owned());
            error
        })?;
        found.push((path.to_owned(), upload));
    }
    Ok(found)
}

/// The fields of the flow's components that take files: what is temporary is of the flow.
fn places(flow: &Value) -> Vec<Place> {
    let nodes = flow["data"]["nodes"].as_array().into_iter().flatten();
    let mut found = Vec::new();
    for node in nodes {
        let template = node["data"]["node"]["template"].as_object();
        for (field, input) in template.into_iter().flatten() {
            let takes_files = input["type"] == "file" || input["_input_type"] == "FileInput";
            if let (true, Some(id)) = (takes_files, node["id"].as_str()) {
                found.push(Place {
                    component: id.to_owned(),
                    field: field.clone(),
                    of_flow: input["temp_file"] == true,
                });
            }
        }
    }
    found
}

/// Images go to a chat input, all else to the component that reads files; either to the other where
/// there is only that.
fn choose(places: &[Place], path: &str) -> Result<Place, LangflowError> {
    let ending = path.rsplit('.').next().unwrap_or_default();
    let image = IMAGES.contains(&ending.to_ascii_lowercase().as_str());
    let (chat, readers): (Vec<_>, Vec<_>) = places.iter().partition(|place| place.of_flow);
    let [first, second] = match image {
        true => [chat, readers],
        false => [readers, chat],
    };
    let wanted = if first.is_empty() { second } else { first };
    match wanted.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err(LangflowError::invalid_input(
            "files",
            "The flow has no component that takes files: no Chat Input, no File.",
        )),
        several => {
            let ids: Vec<&str> = several.iter().map(|place| &*place.component).collect();
            let message = format!(
                "{path} could go to each of {}: upload it with `client.langflow` and name it in \
                 `tweaks`.",
                ids.join(", ")
            );
            Err(LangflowError::invalid_input("files", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, field: &str, temporary: bool) -> Value {
        let input = json!({"type": "file", "temp_file": temporary});
        json!({"id": id, "data": {"node": {"template": {field: input, "code": {"type": "code"}}}}})
    }

    fn chosen(nodes: &[Value], path: &str) -> Result<String, LangflowError> {
        let flow = json!({"data": {"nodes": nodes}});
        choose(&places(&flow), path).map(|place| format!("{}.{}", place.component, place.field))
    }

    #[test]
    fn a_file_goes_where_it_is_read() {
        let chat = node("ChatInput-a", "files", true);
        let file = node("File-b", "path", false);
        let both = [chat.clone(), file.clone()];
        assert_eq!(chosen(&both, "a.pdf").unwrap(), "File-b.path");
        assert_eq!(chosen(&both, "dir.x/a.PNG").unwrap(), "ChatInput-a.files");
        assert_eq!(chosen(&[chat], "a.pdf").unwrap(), "ChatInput-a.files");
        assert_eq!(
            chosen(std::slice::from_ref(&file), "a.png").unwrap(),
            "File-b.path"
        );
        let two = [file, node("File-c", "path", false)];
        let error = chosen(&two, "a.pdf").unwrap_err();
        assert!(error.info().message.contains("File-b, File-c"), "{error}");
        assert!(chosen(&[], "a.pdf").is_err());
    }
}
