//! Opens groups: a node that holds a flow of its own is replaced by what is in it, as the server
//! does before it runs the flow (`lfx.graph.utils.process_flow` of 1.13).

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::edge;

/// The `data` of a flow file without groups. A group that is not whole is left as it is; groups in
/// groups are opened as well.
pub(crate) fn opened(data: &Value) -> Cow<'_, Value> {
    let mut data = Cow::Borrowed(data);
    while let Some(flow) = group(&data).and_then(|at| open(&data, at)) {
        data = Cow::Owned(flow);
    }
    data
}

fn list<'a>(data: &'a Value, key: &str) -> &'a [Value] {
    data.get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn inner(node: &Value) -> Option<&Value> {
    let flow = node.pointer("/data/node/flow/data")?;
    let there = |key: &str| flow.get(key).is_some_and(Value::is_array);
    (there("nodes") && there("edges")).then_some(flow)
}

fn group(data: &Value) -> Option<usize> {
    list(data, "nodes")
        .iter()
        .position(|node| inner(node).is_some())
}

fn id(node: &Value) -> Option<&str> {
    node.get("id")
        .or_else(|| node.pointer("/data/id"))?
        .as_str()
}

/// The flow with the group at this place opened.
fn open(data: &Value, at: usize) -> Option<Value> {
    let group = list(data, "nodes").get(at)?;
    let flow = inner(group)?;
    let mut members = list(flow, "nodes").to_vec();
    let (own, others): (Vec<&Value>, Vec<&Value>) = list(data, "edges").iter().partition(|edge| {
        edge.get("source").map(Some) == Some(group.get("id"))
            || edge.get("target").map(Some) == Some(group.get("id"))
    });
    let mut edges: Vec<Value> = others.into_iter().cloned().collect();
    edges.extend(list(flow, "edges").iter().cloned());
    for edge in own {
        let mut edge = edge.clone();
        enter(&mut edge, group, &members);
        leave(&mut edge, group, &members, list(flow, "edges"));
        edges.push(edge);
    }
    settle(group, &mut members);
    let mut nodes: Vec<Value> = list(data, "nodes").to_vec();
    nodes.remove(at);
    nodes.extend(members);
    let mut opened = data.as_object()?.clone();
    opened.insert("nodes".to_owned(), nodes.into());
    opened.insert("edges".to_owned(), edges.into());
    Some(Value::Object(opened))
}

/// What was set at the group stands in the component that it was taken from. What was set at a group
/// for a group in it gets no further: the server loses it there too.
fn settle(group: &Value, members: &mut [Value]) {
    let frozen = group.pointer("/data/node/frozen") == Some(&Value::Bool(true));
    let template = group
        .pointer("/data/node/template")
        .and_then(Value::as_object);
    for setting in template.into_iter().flat_map(Map::values) {
        let proxy = |key: &str| setting.get("proxy")?.get(key)?.as_str();
        let (Some(owner), Some(field)) = (proxy("id"), proxy("field")) else {
            continue;
        };
        let Some(member) = members.iter_mut().find(|node| id(node) == Some(owner)) else {
            continue;
        };
        let Some(there) = member
            .pointer_mut("/data/node/template")
            .and_then(|all| all.get_mut(field))
        else {
            continue;
        };
        let mut settled = setting.clone();
        for key in ["show", "advanced", "display_name"] {
            settled[key] = there.get(key).cloned().unwrap_or_default();
        }
        *there = settled;
    }
    for member in members.iter_mut().filter(|_| frozen) {
        if let Some(Value::Object(node)) = member.pointer_mut("/data/node") {
            node.insert("frozen".to_owned(), true.into());
        }
    }
}

/// The handle of an edge, where it has one.
fn handle(edge: &Value, key: &str) -> Option<Value> {
    edge::handle(edge, key, "").ok().filter(Value::is_object)
}

fn connect(edge: &mut Value, end: &str, key: &str, to: &str, handle: Value) {
    edge[end] = to.into();
    if !edge["data"].is_object() {
        edge["data"] = Value::Object(Map::new());
    }
    edge["data"][key] = handle;
}

/// An edge into the group ends at the component whose setting it was.
fn enter(edge: &mut Value, group: &Value, members: &[Value]) {
    if edge.get("target") != group.get("id") {
        return;
    }
    let Some(mut found) = handle(edge, "targetHandle") else {
        return;
    };
    let own = found
        .get("fieldName")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let template = own.as_ref().and_then(|field| {
        group
            .pointer("/data/node/template")?
            .get(field)?
            .get("proxy")
    });
    let member = |owner: &str| members.iter().find(|member| id(member) == Some(owner));
    let said = found.get("proxy").or(template).and_then(|proxy| {
        let text = |key: &str| proxy.get(key)?.as_str().map(str::to_owned);
        Some((text("id")?, text("field")?)).filter(|(owner, _)| member(owner).is_some())
    });
    // The editor names the settings of a group so, whether or not it lists them.
    let by_suffix = || {
        members.iter().filter_map(id).find_map(|member| {
            let field = own.as_deref()?.strip_suffix(member)?.strip_suffix('_')?;
            Some((member.to_owned(), field.to_owned()))
        })
    };
    let Some((owner, field)) = said.or_else(by_suffix) else {
        return;
    };
    // Where that is a group again, it goes on to what that one holds.
    let deeper = member(&owner)
        .filter(|member| inner(member).is_some())
        .and_then(|member| {
            member
                .pointer("/data/node/template")?
                .get(&field)?
                .get("proxy")
        });
    match deeper {
        Some(deeper) => found["proxy"] = deeper.clone(),
        None => _ = found.as_object_mut().map(|all| all.remove("proxy")),
    }
    found["fieldName"] = field.into();
    found["id"] = owner.as_str().into();
    connect(edge, "target", "targetHandle", &owner, found);
}

/// An edge out of the group begins at the component whose output it was, or, in files that do not
/// say, at the last one.
fn leave(edge: &mut Value, group: &Value, members: &[Value], inside: &[Value]) {
    if edge.get("source") != group.get("id") {
        return;
    }
    let mut found = handle(edge, "sourceHandle").unwrap_or_else(|| Value::Object(Map::new()));
    let name = found
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let outputs = group
        .pointer("/data/node/outputs")
        .and_then(Value::as_array);
    let mut outputs = outputs.into_iter().flatten();
    let proxy = outputs
        .find(|output| output["name"] == name)
        .and_then(|output| output.get("proxy"));
    let said = proxy.and_then(|proxy| {
        let output = proxy.get("name").or_else(|| proxy.get("field"))?.as_str()?;
        Some((
            proxy.get("id")?.as_str()?.to_owned(),
            Some(output.to_owned()),
        ))
    });
    let by_prefix = || {
        members
            .iter()
            .filter_map(id)
            .filter_map(|member| {
                let output = name.strip_prefix(member)?.strip_prefix('_')?;
                Some((member.to_owned(), Some(output.to_owned())))
            })
            .max_by_key(|(member, _)| member.len())
    };
    let last = || {
        let ends = |node: &&Value| {
            !inside
                .iter()
                .any(|edge| edge.get("source") == node.get("id"))
        };
        members
            .iter()
            .find(ends)
            .and_then(id)
            .map(|member| (member.to_owned(), None))
    };
    let Some((owner, output)) = said.or_else(by_prefix).or_else(last) else {
        return;
    };
    found["id"] = owner.as_str().into();
    if let Some(output) = output {
        found["name"] = output.into();
    }
    connect(edge, "source", "sourceHandle", &owner, found);
}
