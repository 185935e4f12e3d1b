//! Errors on their way to JavaScript.

use std::cell::RefCell;

use js_sys::Function;
use langflow_client::boundary::{self, ErrorJson};
use wasm_bindgen::prelude::*;

/// A JavaScript error of this message.
pub fn error(message: &str) -> JsValue {
    js_sys::Error::new(message).into()
}

/// The error that JavaScript sees: all of it is the message.
pub fn throw(failure: ErrorJson) -> JsValue {
    error(&failure.0)
}

/// What a call ends with that was cancelled; the caller knows the rest.
pub fn cancelled() -> JsValue {
    error(r#"{"code":"cancelled","message":"The call was cancelled."}"#)
}

/// The JSON of an error about an argument that cannot cross, such as a function.
#[wasm_bindgen(js_name = invalidInput)]
pub fn invalid_input(field: &str, message: &str) -> String {
    boundary::invalid_input(field, message).0
}

thread_local! {
    static ON_PANIC: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Tells of a panic before it ends what runs. WebAssembly cannot unwind: without this, a call in
/// which one happens would never be over.
#[wasm_bindgen(js_name = onPanic)]
pub fn on_panic(tell: Function) {
    ON_PANIC.set(Some(tell));
    std::panic::set_hook(Box::new(|panic| {
        let tell = ON_PANIC.with_borrow(Clone::clone);
        if let Some(tell) = tell {
            let _ = tell.call1(&JsValue::NULL, &JsValue::from_str(&panic.to_string()));
        }
    }));
}
