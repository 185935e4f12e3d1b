//! No host's loop: on Windows, libuv watches sockets alone.

use std::rc::Rc;

use napi::Env;
use napi::bindgen_prelude::Function;

use crate::mailbox::{Letter, Work};

/// Never there.
pub enum Watch {}

impl Watch {
    #[expect(clippy::unnecessary_wraps, reason = "as where there is one")]
    pub fn start(_: &Env, _: &Function<'_, (), ()>) -> napi::Result<Option<Rc<Watch>>> {
        Ok(None)
    }

    pub fn spawn(&self, _: u32, _: Work) -> bool {
        match *self {}
    }

    pub fn take(&self) -> Vec<Letter> {
        match *self {}
    }

    pub fn cancel(&self, _: u32) -> bool {
        match *self {}
    }

    pub fn end(&self) {
        match *self {}
    }
}
