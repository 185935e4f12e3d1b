//! Projects of an open-source server as folders of files, for version control: `project.json`, and a file
//! for each flow. The files are the same whenever the flows are: keys sorted, no secret, nothing that
//! only the server knows.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::boundary::{Args, Entry, Invoked};
use crate::client::Client;
use crate::error::{ErrorCode, LangflowError};
use crate::platform;

const PROJECT: &str = "project.json";

/// What the server makes of a flow by itself; another server makes its own.
const SERVER_MADE: [&str; 6] = [
    "folder_id",
    "name_key",
    "updated_at",
    "user_id",
    "version_token",
    "workspace_id",
];

/// What became of a folder or of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FolderReport {
    /// Id of the project.
    pub project_id: String,
    /// Name of the project.
    pub project_name: String,
    /// The flows, in the order of their file names.
    pub flows: Vec<FolderFlow>,
}

/// What became of a flow or of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FolderFlow {
    /// Name of the file in the folder; empty where there is none.
    pub file: String,
    /// Id of the flow.
    pub id: String,
    /// Name of the flow.
    pub name: String,
    /// `written`, `removed` or `unchanged` files; `created`, `updated` or `unchanged` flows, and those
    /// that are `only_on_server`.
    pub action: &'static str,
}

impl Client {
    /// Saves a project of an open-source server, by id or name, into a folder. Files of flows that are
    /// not in the project any more are removed, if an earlier pull wrote them.
    ///
    /// # Errors
    /// `not_found` where there is no such project; `invalid_input` where the folder cannot be written;
    /// `unsupported` on a workspace, which has no projects; else as every call.
    pub async fn pull_project(
        &self,
        project: &str,
        folder: &Path,
    ) -> Result<FolderReport, LangflowError> {
        named(folder)?;
        let found = self.find_project(&[project]).await?.ok_or_else(|| {
            LangflowError::new(
                ErrorCode::NotFound,
                format!("There is no project `{project}`."),
            )
        })?;
        let id = text(&found, "id");
        let project = self.of_project("getProject", &id).await?;
        let mut flows: Vec<Value> = project["flows"].as_array().cloned().unwrap_or_default();
        flows.sort_by_key(|flow| (text(flow, "name"), text(flow, "id")));
        fs::create_dir_all(folder).map_err(|error| unusable(folder, &error))?;
        let before = read(&folder.join(PROJECT)).ok().unwrap_or_default();
        let (mut report, mut files) = (Vec::new(), Map::new());
        let mut taken = BTreeSet::from([PROJECT.to_owned()]);
        for flow in flows {
            let (id, name) = (text(&flow, "id"), text(&flow, "name"));
            let file = file_name(&name, &id, &mut taken);
            let action = match write(&folder.join(&file), &portable(flow))? {
                true => "written",
                false => "unchanged",
            };
            files.insert(file.clone(), id.clone().into());
            report.push(FolderFlow {
                file,
                id,
                name,
                action,
            });
        }
        for (file, id) in before["files"].as_object().into_iter().flatten() {
            let ours = !file.contains(['/', '\\']) && !taken.contains(&file.to_lowercase());
            if ours && fs::remove_file(folder.join(file)).is_ok() {
                report.push(FolderFlow {
                    file: file.clone(),
                    id: id.as_str().unwrap_or_default().to_owned(),
                    name: String::new(),
                    action: "removed",
                });
            }
        }
        let mut about = project.clone();
        if let Some(map) = about.as_object_mut() {
            map.retain(|key, _| !matches!(key.as_str(), "flows" | "parent_id"));
            map.insert("files".to_owned(), files.into());
        }
        write(&folder.join(PROJECT), &about)?;
        report.sort_by(|left, right| left.file.cmp(&right.file));
        Ok(FolderReport {
            project_id: id,
            project_name: text(&project, "name"),
            flows: report,
        })
    }

    /// Brings a folder that [`Client::pull_project`] wrote to an open-source server: the project of its
    /// id or name, or a new one. Flows keep their ids; a secret that the file leaves out stays what it is
    /// on the server; flows that are only there are left alone.
    ///
    /// # Errors
    /// `invalid_input` where the folder is none that was pulled; `conflict` where another flow has the
    /// name; `unsupported` on a workspace; else as every call. Flows before the one that failed are
    /// there.
    pub async fn push_project(&self, folder: &Path) -> Result<FolderReport, LangflowError> {
        named(folder)?;
        let about = read(&folder.join(PROJECT))?;
        if text(&about, "name").is_empty() {
            let message = format!("{PROJECT} is no project: it has no `name`.");
            return Err(LangflowError::invalid_input("folder", message));
        }
        let mut files = Vec::new();
        let entries = fs::read_dir(folder).map_err(|error| unusable(folder, &error))?;
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".json") && name != PROJECT {
                files.push((name, read(&entry.path())?));
            }
        }
        files.sort_by(|left, right| left.0.cmp(&right.0));
        each_once(&files)?;
        let (id, name) = (text(&about, "id"), text(&about, "name"));
        let project = match self.find_project(&[&id, &name]).await? {
            Some(project) => project,
            None => {
                let body = json!({"name": name, "description": about["description"]});
                self.ask_second("createProject", Map::new(), body).await?
            }
        };
        let project_id = text(&project, "id");
        let there = self.of_project("getProject", &project_id).await?;
        let (mut report, mut pushed) = (Vec::new(), BTreeSet::new());
        for (file, flow) in files {
            let put = self.put_flow(&file, flow, Some(&project_id)).await;
            let (flow, action) = put.map_err(|error| after(error, &report))?;
            let (id, name) = (text(&flow, "id"), text(&flow, "name"));
            pushed.insert(id.clone());
            report.push(FolderFlow {
                file,
                id,
                name,
                action,
            });
        }
        for flow in there["flows"].as_array().into_iter().flatten() {
            let id = text(flow, "id");
            if !pushed.contains(&id) {
                report.push(FolderFlow {
                    file: String::new(),
                    name: text(flow, "name"),
                    id,
                    action: "only_on_server",
                });
            }
        }
        Ok(FolderReport {
            project_id,
            project_name: text(&project, "name"),
            flows: report,
        })
    }

    /// Makes the flow of a file, or changes the one of its id.
    pub(crate) async fn put_flow(
        &self,
        file: &str,
        flow: Value,
        project_id: Option<&str>,
    ) -> Result<(Value, &'static str), LangflowError> {
        if !flow["data"]["nodes"].is_array() || flow["name"].as_str().is_none_or(str::is_empty) {
            let message = format!("{file} is no flow file: it has no `name`, or no `data.nodes`.");
            return Err(LangflowError::invalid_input("folder", message));
        }
        let named = |mut error: LangflowError| {
            let info = error.info_mut();
            info.message = format!("{file}: {}", info.message);
            error
        };
        let mut body = flow.clone();
        if let Some(project_id) = project_id {
            body["folder_id"] = project_id.into();
        }
        let Some(id) = flow["id"].as_str() else {
            let made = self.ask_second("createFlow", Map::new(), body).await;
            return Ok((made.map_err(named)?, "created"));
        };
        let args = Map::from_iter([("flow_id".to_owned(), Value::from(id))]);
        let known = match self.ask_second("getFlow", args.clone(), Value::Null).await {
            Ok(known) => Some(known),
            Err(error) if error.is(ErrorCode::NotFound) => None,
            Err(error) => return Err(named(error)),
        };
        let action = match &known {
            Some(known)
                if project_id.is_none_or(|id| known["folder_id"] == id)
                    && portable(known.clone()) == flow =>
            {
                return Ok((known.clone(), "unchanged"));
            }
            Some(known) => {
                keep_secrets(&mut body["data"], &known["data"]);
                "updated"
            }
            None => "created",
        };
        let put = self.ask_second("upsertFlow", args, body).await;
        Ok((put.map_err(named)?, action))
    }

    /// The project of the first of these that is the id or the name of one.
    async fn find_project(&self, wanted: &[&str]) -> Result<Option<Value>, LangflowError> {
        let listed = self.ask_second("listProjects", Map::new(), Value::Null);
        let listed = listed.await?;
        let all = listed.as_array().cloned().unwrap_or_default();
        let is = |key: &str, name: &str| all.iter().find(|one| one[key] == name).cloned();
        let mut found = wanted.iter().filter(|name| !name.is_empty());
        Ok(found.find_map(|name| is("id", name).or_else(|| is("name", name))))
    }

    async fn of_project(&self, operation: &str, id: &str) -> Result<Value, LangflowError> {
        let args = Map::from_iter([("project_id".to_owned(), id.into())]);
        self.ask_second(operation, args, Value::Null).await
    }
}

fn named(folder: &Path) -> Result<(), LangflowError> {
    match folder.as_os_str().is_empty() {
        true => {
            let message = "`folder` is empty; the folder that one is in is `.`.";
            Err(LangflowError::invalid_input("folder", message))
        }
        false => Ok(()),
    }
}

/// Two files of one id would take turns on the server. A copy is a flow of its own without its `id`.
fn each_once(files: &[(String, Value)]) -> Result<(), LangflowError> {
    let mut seen = std::collections::BTreeMap::new();
    for (file, flow) in files {
        let Some(id) = flow["id"].as_str() else {
            continue;
        };
        if let Some(other) = seen.insert(id, file) {
            let message = format!(
                "{other} and {file} have the same `id`, {id}: take it out of the one that shall be a \
                 flow of its own."
            );
            return Err(LangflowError::invalid_input("folder", message));
        }
    }
    Ok(())
}

/// The error of a file, with what had become of those before it.
fn after(mut error: LangflowError, report: &[FolderFlow]) -> LangflowError {
    let done = |one: &FolderFlow| format!("{} {}", one.file, one.action);
    let changed = report.iter().filter(|one| one.action != "unchanged");
    let changed: Vec<_> = changed.map(done).collect();
    if !changed.is_empty() {
        let info = error.info_mut();
        info.message = format!("{} Before it: {}.", info.message, changed.join(", "));
    }
    error
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// What a file says of a flow.
pub(crate) fn portable(mut flow: Value) -> Value {
    if let Some(map) = flow.as_object_mut() {
        map.retain(|key, _| !SERVER_MADE.contains(&key.as_str()));
        if let Some(data) = map.get_mut("data") {
            each_secret(data, &mut |_, _, field| field["value"] = "".into());
        }
    }
    flow
}

/// Puts the server's secrets where the file has none.
fn keep_secrets(data: &mut Value, known: &Value) {
    let mut secrets = Map::new();
    let mut known = known.clone();
    each_secret(&mut known, &mut |id, name, field| {
        if field["value"].is_string() {
            secrets.insert(format!("{id}\n{name}"), field["value"].clone());
        }
    });
    each_secret(data, &mut |id, name, field| {
        if let (true, Some(secret)) = (
            field["value"] == "" || field["value"].is_null(),
            secrets.get(&format!("{id}\n{name}")),
        ) {
            field["value"] = secret.clone();
        }
    });
}

/// Visits the secret fields of all components, those of groups too, that hold a text of their own and
/// not the name of a global variable.
fn each_secret(data: &mut Value, visit: &mut impl FnMut(&str, &str, &mut Value)) {
    for node in data["nodes"].as_array_mut().into_iter().flatten() {
        let id = text(node, "id");
        let inner = &mut node["data"]["node"];
        if let Some(template) = inner["template"].as_object_mut() {
            for (name, field) in template {
                let own = field["load_from_db"] != true
                    && (field["value"].is_string() || field["value"].is_null());
                if field["password"] == true && own {
                    visit(&id, name, field);
                }
            }
        }
        if inner["flow"]["data"].is_object() {
            each_secret(&mut inner["flow"]["data"], visit);
        }
    }
}

/// A name that every file system takes and that cannot lead out of the folder. Letters of all scripts
/// stay; what differs only in case gets a number.
fn file_name(name: &str, id: &str, taken: &mut BTreeSet<String>) -> String {
    let safe =
        |letter: char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_' | '(' | ')');
    let mut stem: String = name
        .chars()
        .map(|c| if safe(c) { c } else { '-' })
        .take(80)
        .collect();
    stem = stem.trim().trim_matches('-').to_owned();
    let upper = stem.to_uppercase();
    let device = matches!(upper.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "PROJECT")
        || (upper.len() == 4 && (upper.starts_with("COM") || upper.starts_with("LPT")));
    if stem.is_empty() || device {
        stem = format!("flow {stem} {}", &id.get(..8).unwrap_or(id)).replace("  ", " ");
    }
    let mut file = format!("{stem}.json");
    let mut number = 2;
    while !taken.insert(file.to_lowercase()) {
        file = format!("{stem} {number}.json");
        number += 1;
    }
    file
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let pairs = keys.into_iter().map(|key| (key.clone(), sorted(&map[key])));
            Value::Object(pairs.collect())
        }
        other => other.clone(),
    }
}

/// Writes the file, whole or not at all, if it says something else; whether it did.
fn write(path: &Path, value: &Value) -> Result<bool, LangflowError> {
    let text = format!("{:#}\n", sorted(value));
    if fs::read_to_string(path).is_ok_and(|known| known == text) {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.persist(path).map_err(|error| error.error)
    });
    written
        .map(|_| true)
        .map_err(|error| unusable(path, &error))
}

fn read(path: &Path) -> Result<Value, LangflowError> {
    let bytes = platform::file_bytes(path).map_err(|error| unusable(path, &error))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let message = format!("{} is not JSON: {error}.", path.display());
        LangflowError::invalid_input("folder", message)
    })
}

fn unusable(path: &Path, error: &std::io::Error) -> LangflowError {
    let message = format!("{} cannot be used: {error}.", path.display());
    LangflowError::invalid_input("folder", message)
}

/// `project.pull` takes `project` and `folder`, `project.push` takes `folder`; both answer with a
/// [`FolderReport`].
pub(crate) const INVOKE: &[Entry] = &[
    Entry {
        name: "project.pull",
        run: |client, mut args: Args| -> Invoked {
            platform::boxed(async move {
                let (project, folder) = (args.need_text("project")?, args.need_text("folder")?);
                args.done()?;
                let report = client.pull_project(&project, Path::new(&folder)).await?;
                Ok(json!(report))
            })
        },
    },
    Entry {
        name: "project.push",
        run: |client, mut args: Args| -> Invoked {
            platform::boxed(async move {
                let folder = args.need_text("folder")?;
                args.done()?;
                Ok(json!(client.push_project(Path::new(&folder)).await?))
            })
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_apart() {
        let mut taken = BTreeSet::from([PROJECT.to_owned()]);
        let mut name = |text: &str| file_name(text, "12345678-9", &mut taken);
        assert_eq!(name("My flow (1)"), "My flow (1).json");
        assert_eq!(name("my FLOW (1)"), "my FLOW (1) 2.json");
        assert_eq!(name("../../etc/passwd"), "etc-passwd.json");
        assert_eq!(name("a/b\\c:d"), "a-b-c-d.json");
        assert_eq!(name("grün 流"), "grün 流.json");
        assert_eq!(name("CON"), "flow CON 12345678.json");
        assert_eq!(name("project"), "flow project 12345678.json");
        assert_eq!(name("..."), "flow 12345678.json");
    }

    #[test]
    fn a_secret_is_not_written_and_not_lost() {
        let flow = |value: &str| {
            let inner = json!({"nodes": [{"id": "In-1", "data": {"node": {"template": {
                "token": {"password": true, "value": value}}}}}]});
            json!({"name": "n", "user_id": "u", "new_field": 1, "data": {"nodes": [
                {"id": "A-1", "data": {"node": {"template": {
                    "api_key": {"password": true, "value": value},
                    "other": {"password": true, "load_from_db": true, "value": "NAME"},
                    "model": {"value": "m"}}}}},
                {"id": "G-1", "data": {"node": {"template": {}, "flow": {"data": inner}}}},
            ]}})
        };
        let written = portable(flow("sk-1"));
        assert!(!written.to_string().contains("sk-1"));
        assert_eq!(written["new_field"], 1);
        assert_eq!(written["user_id"], Value::Null);
        let kept = &written["data"]["nodes"][0]["data"]["node"]["template"];
        assert_eq!(kept["other"]["value"], "NAME");
        let mut data = written["data"].clone();
        keep_secrets(&mut data, &flow("sk-1")["data"]);
        assert_eq!(data, flow("sk-1")["data"]);
    }
}
