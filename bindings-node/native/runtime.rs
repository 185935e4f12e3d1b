//! The runtime under the addon.

use napi_derive::module_init;

/// The core waits much and computes little: one thread carries it, where the default would start one
/// for every processor in every Node process that loads the addon. With two, each wakes the other.
#[module_init]
fn init() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("langflow")
        .enable_all()
        .build();
    // Without one of its own, napi builds its default when it is first used.
    if let Ok(runtime) = runtime {
        napi::bindgen_prelude::create_custom_tokio_runtime(runtime);
    }
}
