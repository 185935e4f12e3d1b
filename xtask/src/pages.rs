//! The stages that look at pages: Playwright drives Debian's Chromium.

use anyhow::Result;

use crate::browser::chromium;
use crate::process::{Counts, command, test};
use crate::tools::{self, root};

/// The live page of the mock. Its screenshots are left in `target/xtask/screenshots`.
pub fn ui() -> Result<Counts> {
    let chromium = chromium()?;
    let folder = root().join("tests/ui");
    tools::npm_install(&folder)?;
    test(
        command(&folder, "npm", &["test", "-s"])
            .env("CHROMIUM", chromium)
            .env("LANGFLOW_MOCK_BIN", tools::mock()?),
    )
}
