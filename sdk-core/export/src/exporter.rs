//! Walks the plan and lets every component write its part.

use std::collections::{BTreeMap, BTreeSet};

use crate::answer::Asked;
use crate::code::expr::WIDTH;
use crate::code::names::Names;
use crate::code::{Expr, Module, literal};
use crate::components;
use crate::edge::Edge;
use crate::export_error::Refusal;
use crate::flow::Flow;
use crate::helpers;
use crate::kinds::Class;
use crate::node::Node;
use crate::options::Options;
use crate::plan::Plan;

/// What a value of the flow is in Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `str`.
    Text,
    /// `dict`.
    Data,
    /// `pandas.DataFrame`.
    Table,
    /// A chat model.
    Model,
    /// The result of a stub, which is never had.
    Any,
}

/// A value that a component yields.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub(crate) expr: Expr,
    pub(crate) kind: Kind,
}

impl Value {
    pub(crate) fn new(code: &str, kind: Kind) -> Self {
        let expr = Expr::raw(code);
        Self { expr, kind }
    }
}

/// A branch of an If-Else: the variable of its condition, and whether it has to hold.
pub(crate) type Guard = (String, bool);

/// The state of one export.
#[derive(Debug)]
pub(crate) struct Exporter<'f> {
    pub(crate) flow: &'f Flow,
    pub(crate) options: &'f Options,
    pub(crate) module: Module,
    pub(crate) names: Names,
    /// The statements of `run()`.
    pub(crate) body: Vec<String>,
    /// How far the statements are indented.
    pub(crate) indent: usize,
    /// Texts of the outputs: their names and expressions.
    pub(crate) outputs: Vec<(String, Expr)>,
    /// The session is kept because a component reads it.
    pub(crate) remembers: bool,
    /// The variable of the message that came in, where a component has to know it.
    pub(crate) needs_question: bool,
    /// Environment variables that have to be set, and what else people have to know.
    pub(crate) environment: BTreeSet<String>,
    pub(crate) remarks: Vec<String>,
    pub(crate) refusals: Vec<Refusal>,
    /// Tools by the id of their component, each written once.
    pub(crate) tools: BTreeMap<(String, String), String>,
    /// Models by how they are made, so that equal ones are shared.
    pub(crate) models: BTreeMap<String, String>,
    /// Branches that have to be taken for a component to run.
    pub(crate) guards: BTreeMap<String, Vec<Guard>>,
    /// The statement that asks for the final text and how to ask for it in pieces.
    pub(crate) streamed: Option<(usize, Asked, String)>,
    /// Statements of `run()`, with what stands for them in `arun()`.
    pub(crate) asynchronous: BTreeMap<String, String>,
    /// Tools read the session of the run that calls them.
    pub(crate) shares_history: bool,
    values: BTreeMap<String, Vec<(String, Value)>>,
    failed: BTreeSet<String>,
}

impl<'f> Exporter<'f> {
    pub(crate) fn new(flow: &'f Flow, options: &'f Options) -> Self {
        let mut names = Names::default();
        for name in helpers::all().flat_map(helpers::Helper::defines) {
            names.reserve(name);
        }
        for name in components::IMPORTED {
            names.reserve(name);
        }
        Self {
            flow,
            options,
            module: Module::default(),
            names,
            body: Vec::new(),
            indent: 4,
            outputs: Vec::new(),
            remembers: crate::session::is_needed(flow),
            needs_question: false,
            environment: BTreeSet::new(),
            remarks: Vec::new(),
            refusals: Vec::new(),
            tools: BTreeMap::new(),
            models: BTreeMap::new(),
            guards: BTreeMap::new(),
            streamed: None,
            asynchronous: BTreeMap::new(),
            shares_history: false,
            values: BTreeMap::new(),
            failed: BTreeSet::new(),
        }
    }

    /// Writes all components; what stands in the way is collected.
    pub(crate) fn walk(&mut self, plan: &Plan<'f>) {
        for node in &plan.circle {
            self.refuse(node, "it waits for its own result, and not inside a loop");
        }
        let mut open: Vec<Guard> = Vec::new();
        for node in &plan.order {
            let guards = self.guards_of(node);
            self.enter(&mut open, &guards);
            self.visit(node, plan);
        }
        self.indent = 4;
        if self.flow.nodes.iter().any(crate::judged::is_unknown) {
            self.remarks.push(
                "Written as of Langflow 1.13, since the file does not say of which version it is."
                    .to_owned(),
            );
        }
        let others: Vec<String> = self
            .flow
            .nodes
            .iter()
            .filter(|node| crate::judged::is_other(node))
            .map(|node| format!("{} ({})", node.display_name, node.id))
            .collect();
        if !others.is_empty() {
            self.remarks.push(format!(
                "Of an other version of Langflow than those that were compared, and written as \
                 these are; details may differ: {}.",
                others.join(", ")
            ));
        }
        for node in self.flow.nodes.iter().filter(|node| node.frozen) {
            self.remarks.push(format!(
                "Frozen in the editor, where Langflow may answer with an earlier result, while this \
                 program runs it every time: {} ({}).",
                node.display_name, node.id
            ));
        }
        for node in &plan.unused {
            self.remarks.push(format!(
                "Left out, because no output needs it: {} ({}).",
                node.display_name, node.id
            ));
        }
    }

    /// Writes one component.
    pub(crate) fn visit(&mut self, node: &'f Node, plan: &Plan<'f>) {
        if self
            .flow
            .edges_into(&node.id)
            .any(|edge| self.failed.contains(&edge.source))
        {
            // It may have reasons of its own, but what it is fed is not known.
            let unknown = Class::of(node) == Class::Other;
            self.failed.insert(node.id.clone());
            if !unknown {
                return;
            }
        }
        if let Err(reason) = components::emit(self, node, plan) {
            if self.options.stubs {
                components::stub(self, node, &reason);
            } else {
                self.refuse(node, &reason);
            }
        }
    }

    pub(crate) fn refuse(&mut self, node: &Node, reason: &str) {
        self.failed.insert(node.id.clone());
        if self.refusals.iter().any(|it| it.node_id == node.id) {
            return;
        }
        self.refusals.push(Refusal {
            display_name: node.display_name.clone(),
            node_id: node.id.clone(),
            component: node.class.clone(),
            reason: reason.to_owned(),
        });
    }

    /// Opens and closes the branches of If-Else components around the next statements.
    fn enter(&mut self, open: &mut Vec<Guard>, wanted: &[Guard]) {
        if open.as_slice() == wanted {
            return;
        }
        let same = open.iter().zip(wanted).take_while(|(a, b)| a == b).count();
        open.truncate(same);
        for (condition, holds) in &wanted[same..] {
            self.indent = 4 + 4 * open.len();
            let not = if *holds { "" } else { "not " };
            self.line(&format!("if {not}{condition}:"));
            open.push((condition.clone(), *holds));
        }
        self.indent = 4 + 4 * open.len();
    }

    /// The branches that have to be taken for all that feeds a component.
    fn guards_of(&mut self, node: &Node) -> Vec<Guard> {
        let mut guards: Vec<Guard> = Vec::new();
        for edge in self.flow.edges_into(&node.id) {
            let mut add = self.guards.get(&edge.source).cloned().unwrap_or_default();
            let branch = format!("{}/{}", edge.source, edge.output.as_deref().unwrap_or(""));
            add.extend(self.guards.get(&branch).cloned().unwrap_or_default());
            for guard in add {
                if !guards.contains(&guard) {
                    guards.push(guard);
                }
            }
        }
        if !guards.is_empty() {
            self.guards.insert(node.id.clone(), guards.clone());
        }
        guards
    }

    /// Adds a line to `run()`.
    pub(crate) fn line(&mut self, code: &str) {
        self.body.push(format!("{}{code}", " ".repeat(self.indent)));
    }

    /// Adds `name = expression` to `run()`.
    pub(crate) fn assign(&mut self, name: &str, value: &Expr) {
        let code = value.statement(&format!("{name} = "), self.indent);
        self.body.push(code);
    }

    /// Remembers what a component yields.
    pub(crate) fn yields(&mut self, node: &Node, output: &str, value: Value) {
        let values = self.values.entry(node.id.clone()).or_default();
        values.push((output.to_owned(), value));
    }

    /// The value that comes over an edge.
    pub(crate) fn value(&self, edge: &Edge) -> Result<Value, String> {
        let values = self.values.get(&edge.source);
        let values = values.map(Vec::as_slice).unwrap_or_default();
        let named = |name: &str| values.iter().find(|(output, _)| output == name);
        let found = match edge.output.as_deref() {
            Some(name) => named(name).or_else(|| values.iter().find(|(it, _)| it == "*")),
            None if values.len() == 1 => values.first(),
            None => None,
        };
        found.map(|(_, value)| value.clone()).ok_or_else(|| {
            let source = self.flow.node(&edge.source);
            format!(
                "it takes the output `{}` of {}, which is not translated",
                edge.output.as_deref().unwrap_or("?"),
                source.map_or("a component", |node| &node.display_name)
            )
        })
    }

    /// The edges into one setting of a component.
    pub(crate) fn edges(&self, node: &Node, field: &str) -> Vec<&'f Edge> {
        let flow = self.flow;
        flow.edges
            .iter()
            .filter(|edge| edge.target == node.id && edge.field.as_deref() == Some(field))
            .collect()
    }

    /// The only edge into a setting; several are a reason to refuse.
    pub(crate) fn edge(&self, node: &Node, field: &str) -> Result<Option<&'f Edge>, String> {
        match self.edges(node, field).as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            _ => Err(format!("several connections end in `{field}`")),
        }
    }

    /// A constant above all functions, or the text itself where it is short.
    pub(crate) fn text_constant(&mut self, wish: &str, value: &str, node: &Node) -> Expr {
        if value.chars().count() <= 50 && !value.contains('\n') {
            return Expr::text(value);
        }
        let name = self.names.constant(wish);
        let from = literal::remark(&node.id);
        let code = literal::block(value);
        let flat = format!("{name} = {code}  # {from}");
        // As the formatter has it: a comment may make a line too long for its text.
        let inside = flat.chars().count() - name.chars().count() - 3 + 4;
        let code = if !code.contains('\n') && flat.chars().count() > WIDTH && inside <= WIDTH {
            format!("{name} = (\n    {code}  # {from}\n)")
        } else {
            flat
        };
        self.module.constant(code);
        Expr::raw(&name)
    }
}
