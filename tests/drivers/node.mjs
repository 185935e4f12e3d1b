// Driver of LangflowClient in Node; LANGFLOW_ENGINE says which of its engines.
import { createInterface } from 'node:readline';
import { inspect } from 'node:util';
import { driver } from './perform.mjs';

const perform = driver(
  await import(process.env.CONFORMANCE_NODE_MODULE ?? 'langflow-client'),
  inspect,
);

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  process.stdout.write(`${JSON.stringify({ id: job.id, ...(await perform(job)) })}\n`);
}
