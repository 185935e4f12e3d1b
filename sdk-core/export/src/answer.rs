//! Asking for a text: at once, in pieces, and both without blocking an event loop.

use crate::code::Expr;
use crate::exporter::Exporter;

/// The ways of asking for one text.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The call that answers with the text.
    pub(crate) whole: Expr,
    /// The iterator of its pieces.
    pub(crate) pieces: Expr,
    /// The call that can be awaited.
    pub(crate) awaited: Expr,
    /// The asynchronous iterator of its pieces.
    pub(crate) awaited_pieces: Expr,
}

impl Asked {
    /// Asks an agent: itself, the text, what was said before.
    pub(crate) fn agent(arguments: Vec<Expr>) -> Self {
        let call = |head: &str| Expr::call(head, arguments.clone());
        Self {
            whole: call("ask"),
            pieces: call("ask_stream"),
            awaited: call("ask_async"),
            awaited_pieces: call("ask_stream_async"),
        }
    }

    /// Asks something that LangChain can run.
    pub(crate) fn runnable(name: &str, input: Expr) -> Self {
        let call = |method: &str| Expr::call(&format!("{name}.{method}"), vec![input.clone()]);
        Self {
            whole: call("invoke"),
            pieces: call("stream"),
            awaited: call("ainvoke"),
            awaited_pieces: call("astream"),
        }
    }
}

impl Exporter<'_> {
    /// Adds `name = ask`, and remembers how the same is had in other ways.
    pub(crate) fn answer(&mut self, name: &str, asked: &Asked) {
        self.assign(name, &asked.whole);
        let prefix = format!("{name} = await ");
        let awaited = asked.awaited.statement(&prefix, self.indent);
        self.awaited(awaited);
        if self.indent == 4 {
            self.streamed = Some((self.body.len() - 1, asked.clone(), name.to_owned()));
        }
    }

    /// Adds `name = call` for a call that takes its time and has no asynchronous twin.
    pub(crate) fn assign_slow(&mut self, name: &str, call: &Expr) {
        self.assign(name, call);
        let arguments = match call {
            // These only count.
            Expr::Call(head, _) if ["calculate", "current_date"].contains(&head.as_str()) => return,
            Expr::Call(head, list) if list.iter().all(is_at_hand) => {
                let mut all = vec![Expr::raw(head)];
                all.extend(list.iter().cloned());
                all
            }
            other => vec![Expr::Raw(format!("lambda: {}", other.flat()))],
        };
        let thread = Expr::call("asyncio.to_thread", arguments);
        let code = thread.statement(&format!("{name} = await "), self.indent);
        self.awaited(code);
    }

    /// What stands in `arun()` in place of the last statement.
    pub(crate) fn awaited(&mut self, code: String) {
        if let Some(last) = self.body.last() {
            self.asynchronous.insert(last.clone(), code);
        }
    }
}

/// Whether an argument costs nothing to work out.
fn is_at_hand(argument: &Expr) -> bool {
    match argument {
        Expr::Call(..) | Expr::Each(_) => false,
        Expr::Raw(code) => !code.contains('('),
        Expr::Named(_, value) => is_at_hand(value),
        Expr::Text(_) | Expr::List(_) | Expr::Tuple(_) | Expr::Dict(_) => true,
    }
}
