//! The Python binding: carries JSON and bytes between Python and the core, and decides nothing.
//!
//! What is its own: waiting without the GIL, Ctrl-C, asyncio, and processes that fork.

mod engine;
mod errors;
mod feed;
mod future;
#[cfg(unix)]
mod home;
mod hooks;
mod mailbox;
#[cfg(feature = "mock")]
mod mock;
mod result;
mod runtime;
mod stream;

use pyo3::prelude::*;

/// The extension module `langflow_api._native`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<feed::Feed>()?;
    module.add_class::<result::Held>()?;
    module.add_class::<stream::EventStream>()?;
    module.add_function(wrap_pyfunction!(errors::invalid_input, module)?)?;
    module.add_function(wrap_pyfunction!(engine::compute, module)?)?;
    #[cfg(feature = "mock")]
    module.add_class::<mock::MockServer>()?;
    Ok(())
}
