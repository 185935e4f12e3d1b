//! The decoder under libFuzzer: whatever bytes come, cut anywhere. Two ways of cutting have to say
//! the same, what is put together from frames has to be read back, and nothing may panic.
//!
//! `cargo fuzz run decode` where cargo-fuzz is installed; `cargo xtask test fuzz` does without.

#![no_main]

#[allow(dead_code, reason = "the module as the crate has it, tests and all")]
#[path = "../../src/decode.rs"]
mod decode;

use decode::{Decoder, Fault, Frame};
use libfuzzer_sys::fuzz_target;

/// Small, so that the bound is reached too.
const LIMIT: usize = 512;

fn run<'a>(parts: impl Iterator<Item = &'a [u8]>) -> (Vec<Frame>, Option<Fault>) {
    let mut decoder = Decoder::new(LIMIT);
    let mut fault = None;
    for part in parts {
        fault = decoder.push(part).err();
        if fault.is_some() {
            break;
        }
    }
    let fault = fault.or_else(|| decoder.finish().err());
    (std::iter::from_fn(|| decoder.next_frame()).collect(), fault)
}

fuzz_target!(|data: &[u8]| {
    // The first byte says how the rest is cut.
    let Some((cut, bytes)) = data.split_first() else {
        return;
    };
    let whole = run(std::iter::once(bytes));
    let cut = run(bytes.chunks(usize::from(*cut).max(1)));
    let single = run(bytes.chunks(1));
    // A fault is found in the same place, though a text that it shows may be shorter when it was cut.
    for other in [&cut, &single] {
        assert_eq!(whole.0, other.0, "frames depend on the cut");
        assert_eq!(
            whole.1.as_ref().map(std::mem::discriminant),
            other.1.as_ref().map(std::mem::discriminant),
            "faults depend on the cut"
        );
    }
    for frame in &whole.0 {
        assert!(frame.data.len() <= LIMIT, "larger than the limit");
    }
    // Written as real SSE again, the frames are the same.
    let mut again = String::new();
    for frame in &whole.0 {
        let plain = |text: &str| !text.contains(['\r', '\n']);
        if !frame.id.as_deref().is_none_or(plain) || !frame.event.as_deref().is_none_or(plain) {
            return;
        }
        if frame.data.contains('\r') {
            return;
        }
        if let Some(id) = &frame.id {
            again.push_str(&format!("id: {id}\n"));
        }
        if let Some(event) = &frame.event {
            again.push_str(&format!("event: {event}\n"));
        }
        for line in frame.data.split('\n') {
            again.push_str(&format!("data: {line}\n"));
        }
        again.push('\n');
    }
    if whole.1.is_none() {
        let mut decoder = Decoder::new(usize::MAX);
        decoder.push(again.as_bytes()).expect("what was written is no event");
        let read: Vec<Frame> = std::iter::from_fn(|| decoder.next_frame()).collect();
        assert_eq!(read, whole.0, "not the same when written again");
    }
});
