//! The program as a whole: what stands where.

use std::collections::BTreeSet;

use super::imports::Imports;
use super::literal;
use crate::helpers;

/// A piece of the program at its top.
#[derive(Debug)]
struct Block {
    code: String,
    tall: bool,
}

/// A program while it is written.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub(crate) imports: Imports,
    helpers: BTreeSet<&'static str>,
    constants: Vec<Block>,
    definitions: Vec<Block>,
    /// Code of other people is in it, which keeps to no style.
    pub(crate) foreign: bool,
}

impl Module {
    /// Makes a helper part of the program.
    pub(crate) fn helper(&mut self, name: &'static str) {
        self.helpers.insert(name);
    }

    /// Adds a constant, above all functions.
    pub(crate) fn constant(&mut self, code: String) {
        let tall = false;
        self.constants.push(Block { code, tall });
    }

    /// Adds a statement below the helpers.
    pub(crate) fn define(&mut self, code: String) {
        let tall = false;
        self.definitions.push(Block { code, tall });
    }

    /// Adds a function or a class below the helpers.
    pub(crate) fn define_block(&mut self, code: String) {
        let tall = true;
        self.definitions.push(Block { code, tall });
    }

    /// The program. `head` goes above the imports, given what has to be installed. The error
    /// holds names that two imports bind to different things.
    pub(crate) fn render(
        mut self,
        head: impl FnOnce(&[String], &[String]) -> String,
    ) -> Result<String, Vec<String>> {
        // A program that only streams asks in no other way.
        let asks = |it: &Block| it.code.contains(" ask(") || it.code.contains("(ask(");
        if !self.definitions.iter().any(asks) {
            self.helpers.remove("ask");
        }
        let mut blocks = self.constants;
        let constants = blocks.len();
        for helper in helpers::all().filter(|it| self.helpers.contains(it.name)) {
            let (imports, rest) = helper.parts();
            for statement in imports {
                self.imports.statement(&statement);
            }
            for package in helper.packages {
                self.imports.package(package);
            }
            blocks.push(Block {
                code: rest.to_owned(),
                tall: true,
            });
        }
        blocks.extend(self.definitions);
        let twice = self.imports.bound_twice();
        if !twice.is_empty() {
            return Err(twice);
        }
        let (known, unknown) = self.imports.requirements();
        let mut out = head(&known, &unknown);
        out.push('\n');
        out.push_str(&self.imports.render());
        let mut last_tall = false;
        for (index, block) in blocks.iter().enumerate() {
            let readable = index < constants && block.code.contains('\n');
            let gap = match index {
                0 => 1 + usize::from(opens_with_code(&block.code)),
                _ if block.tall || last_tall => 2,
                _ if index == constants || readable => 1,
                _ => usize::from(index <= constants && blocks[index - 1].code.contains('\n')),
            };
            out.push_str(&"\n".repeat(gap));
            out.push_str(&block.code);
            out.push('\n');
            last_tall = block.tall;
        }
        Ok(out)
    }
}

/// Whether a block begins with a function or a class, which the imports stand further away from.
fn opens_with_code(code: &str) -> bool {
    ["def ", "class ", "@", "async "]
        .iter()
        .any(|start| code.starts_with(start))
}

/// The lines of a docstring, each of them safe; empty lines stay.
pub(crate) fn docstring(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| literal::remark(line)).collect();
    if let [only] = lines.as_slice()
        && only.chars().count() + 6 <= super::expr::WIDTH
    {
        return format!("\"\"\"{only}\"\"\"\n");
    }
    format!("\"\"\"{}\n\"\"\"\n", lines.join("\n"))
}
