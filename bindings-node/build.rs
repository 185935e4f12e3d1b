//! Tells the linker that Node provides the symbols of its own API.

fn main() {
    napi_build::setup();
}
