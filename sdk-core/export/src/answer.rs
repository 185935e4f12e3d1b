//! Asking for a text, at once or in pieces.

use crate::code::Expr;
use crate::exporter::Exporter;

impl Exporter<'_> {
    /// Adds `name = ask`, and remembers how the same is had in pieces.
    pub(crate) fn answer(&mut self, name: &str, ask: &Expr, pieces: &Expr) {
        self.assign(name, ask);
        if self.indent == 4 {
            self.streamed = Some((self.body.len() - 1, pieces.clone(), name.to_owned()));
        }
    }
}
