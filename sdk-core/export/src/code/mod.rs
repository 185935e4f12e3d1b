//! Writing Python: text literals, expressions, names and the file as a whole.

pub(crate) mod expr;
pub(crate) mod imports;
pub(crate) mod literal;
pub(crate) mod module;
pub(crate) mod names;

pub(crate) use expr::Expr;
pub(crate) use module::Module;
