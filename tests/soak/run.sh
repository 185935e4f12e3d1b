#!/usr/bin/env bash
# The long soak: a million calls and ten thousand streams that are left, or as many as are said.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build -q --release -p langflow-mock
LANGFLOW_MOCK_BIN="$PWD/target/release/langflow-mock" SOAK_CALLS="${1:-1000000}" SOAK_STREAMS="${2:-10000}" \
  cargo test --release -p conformance --test soak -- --ignored --nocapture
