//! No host's loop: on Windows, libuv watches sockets alone.

use std::rc::Rc;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::Function;

use crate::mailbox::Slot;

/// Never there.
pub enum Watch {}

/// Never there.
pub enum HostTask {}

impl HostTask {
    pub fn abort(&self) {
        match *self {}
    }
}

impl Watch {
    #[expect(clippy::unnecessary_wraps, reason = "as where there is one")]
    pub fn start(
        _: &Env,
        _: &Function<'_, (), ()>,
        _: Arc<Slot>,
    ) -> napi::Result<Option<Rc<Watch>>> {
        Ok(None)
    }

    pub fn spawn(&self, _: impl Future<Output = ()> + Send + 'static) -> HostTask {
        match *self {}
    }

    pub fn turn(&self) {
        match *self {}
    }

    pub fn hold(&self, _: bool) {
        match *self {}
    }
}
