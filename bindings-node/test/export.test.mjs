import assert from 'node:assert/strict';
import { test } from 'node:test';

import { InvalidInput, LangflowClient } from 'langflow-client';
import { snippet, toPython, tweakTypes } from 'langflow-client/export';
import { MockServer } from 'langflow-client/testing';

test('a flow of a server is exported, by the server or here', async () => {
  const server = await MockServer.start();
  try {
    const client = new LangflowClient({ baseUrl: server.url, apiKey: server.apiKey });
    const program = await client.exportFlow('hello-flow', { format: 'python' });
    assert.match(program, /def run\(input_value/);
    const own = await client.exportFlow('hello-flow', { format: 'python', asynchronous: true });
    assert.match(own, /async def arun\(/);
    const file = JSON.parse(await client.exportFlow('hello-flow'));
    assert.equal(toPython(file), program);
    assert.match(snippet(file, { language: 'curl', flowId: 'a b' }), /flows\/a%20b\/run/);
    assert.match(tweakTypes(file, 'typescript'), /temperature\?: number;/);
  } finally {
    await server.stop();
  }
});

test('options that nobody knows, or that would do nothing, are refused by name', async () => {
  const client = new LangflowClient({ baseUrl: 'http://localhost:1', apiKey: 'k' });
  const flow = { data: { nodes: [], edges: [] } };
  const calls = {
    bogus: [
      () => toPython(flow, { bogus: 1 }),
      () => snippet(flow, { language: 'curl', bogus: 1 }),
      () => client.exportFlow('echo', { format: 'python', bogus: 1 }),
    ],
    format: [() => client.exportFlow('echo', { tweaks: { A: { b: 1 } } })],
    options: [() => toPython(flow, null), () => snippet(flow, null), () => snippet(flow)],
  };
  for (const [field, tried] of Object.entries(calls)) {
    for (const call of tried) {
      await assert.rejects(async () => call(), { code: 'invalid_input', field }, String(call));
    }
  }
});

test('what cannot be exported is named', () => {
  assert.throws(() => toPython('{'), InvalidInput);
  assert.throws(() => toPython({ data: 3 }), InvalidInput);
});
