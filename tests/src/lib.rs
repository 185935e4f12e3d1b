//! Conformance of every language with one set of vectors. See `README.md`.

pub mod driver;
pub mod faults;
mod generated {
    pub mod dispatch;
}
pub mod judge;
pub mod matching;
pub mod rust_driver;
pub mod typed_driver;
pub mod vector;
