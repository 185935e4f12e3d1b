// Calls and streams that their reader leaves, in Node: nothing is left behind.
// `LANGFLOW_MOCK_BIN=langflow-mock SOAK_NODE_MODULE=.../index.mjs node --expose-gc soak.mjs [CALLS] [STREAMS]`.
// The mock is a process of its own: what it remembers is not the client's.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const { LangflowClient, LangflowError } = await import(process.env.SOAK_NODE_MODULE ?? 'langflow-client');
const [calls, streams] = [Number(process.argv[2] ?? 2_000), Number(process.argv[3] ?? 600)];

/** Sockets, threads, pending work and memory (kB) of this process. */
function held() {
  const links = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
  const status = readFileSync('/proc/self/status', 'utf8');
  const number = (name) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))[1]);
  return {
    sockets: links.filter((link) => link.startsWith('socket:')).length,
    threads: number('Threads'),
    pending: process.getActiveResourcesInfo().filter((kind) => kind !== 'Timeout').length,
    memory: number('VmRSS'),
  };
}

/** Sixteen at a time. */
async function each(count, work) {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

async function soak(client, share) {
  await each(calls * share, async (number) => {
    if (number % 4 === 0) {
      await client.flows.get({ flowId: 'no-such-flow' }).catch((error) => assert(error instanceof LangflowError));
    } else {
      await client.runFlow({ flowId: 'echo', inputValue: 'Hi' });
    }
  });
  await each(streams * share, async (number) => {
    let seen = 0;
    for await (const event of client.streamFlow({ flowId: 'hello-flow', inputValue: 'Hello!' })) {
      assert(event.type);
      if (seen++ >= number % 4) break;
    }
  });
}

async function settle() {
  // Connections that nobody uses for 1.5 s are closed when the pool looks the next time.
  await sleep(4_000);
  for (let turn = 0; turn < 3; turn += 1) {
    globalThis.gc();
    await sleep(50);
  }
}

const mock = spawn(process.env.LANGFLOW_MOCK_BIN, ['serve', '--port', '0', '--ready-json'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const lines = createInterface({ input: mock.stdout });
  const ready = JSON.parse((await lines[Symbol.asyncIterator]().next()).value);
  const client = new LangflowClient({ baseUrl: ready.url, apiKey: ready.api_key });
  // What is made once is there afterwards, and V8's heap has found its size.
  await soak(client, 0.5);
  await settle();
  const before = held();
  await soak(client, 1);
  await settle();
  const after = held();
  console.log(`${calls} calls, ${streams} streams\nbefore`, before, '\nafter ', after);
  assert(after.sockets <= before.sockets + 2, 'sockets');
  assert(after.threads <= before.threads, 'threads');
  assert(after.pending <= before.pending, 'pending work');
  assert(after.memory <= before.memory + 12 * 1024, 'memory');
  console.log('1 passed in soak');
} finally {
  mock.kill();
}
