// The same with the engine of browsers.
process.env.LANGFLOW_ENGINE = 'wasm';
await import('./large.test.mjs');
