// One JavaScript contender in a process of its own: `worker.mjs WHO URL`; see bench.py for the lines.
import { createInterface } from 'node:readline';

const [who, url] = process.argv.slice(2);
const target = (flow) => `${url}/langflow/api/v1/flows/${flow}/run`;
const init = {
  method: 'POST',
  headers: { 'content-type': 'application/json', authorization: 'Bearer sk-bench' },
  body: JSON.stringify({ input_value: 'Hello!' }),
};

function check(answer) {
  if (!answer.result.output) throw new Error('no text in the answer');
  return 1;
}

const contenders = {
  'langflow-client': async () => {
    const { LangflowClient } = await import('langflow-client');
    const client = new LangflowClient({ baseUrl: url, apiKey: 'sk-bench' });
    return async (job) => {
      const call = { flowId: job.flow, inputValue: 'Hello!' };
      if (job.case !== 'stream') return (await client.runFlow(call)).output ? 1 : 0;
      let done = 0;
      for await (const event of client.streamFlow(call)) done += event.type === 'token' ? 1 : 0;
      return done;
    };
  },
  fetch: async () => async (job) => check(await (await fetch(target(job.flow), init)).json()),
  undici: async () => {
    const { request } = await import('undici');
    return async (job) => check(await (await request(target(job.flow), init)).body.json());
  },
  datastax: async () => {
    const { LangflowClient } = await import('@datastax/langflow-client');
    const client = new LangflowClient({ baseUrl: url, apiKey: 'sk-bench' });
    return async (job) => {
      if (job.case !== 'stream') {
        const answer = await client.flow(job.flow).run('Hello!');
        if (!answer.chatOutputText()) throw new Error('no text in the answer');
        return 1;
      }
      let done = 0;
      for await (const event of await client.flow(job.flow).stream('Hello!')) done += event.event === 'token' ? 1 : 0;
      return done;
    };
  },
};

const one = await contenders[who]();
for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  const [wall, cpu] = [process.hrtime.bigint(), process.cpuUsage()];
  let [left, units] = [job.calls, 0];
  const lane = async () => {
    while (left-- > 0) {
      // Not `units += await`: that reads `units` before it waits.
      const done = await one(job);
      units += done;
    }
  };
  await Promise.all(Array.from({ length: job.at_once }, lane));
  const used = process.cpuUsage(cpu);
  const took = { cpu: (used.user + used.system) / 1e6, wall: Number(process.hrtime.bigint() - wall) / 1e9, units };
  process.stdout.write(`${JSON.stringify(took)}\n`);
}
process.exit(0);
