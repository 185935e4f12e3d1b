// The engine of pages beside `fetch` and JSON, in turns. REPORT, where the figures go, is put before
// this by scale.py.
import { LangflowClient } from '/page/web/web.js';
// Short rounds, so that what else the machine does falls on both sides; calls of one kind in a row, so that what a
// call leaves to do falls on its own kind.
const url = location.origin, WARM = 50, CALLS = 10, ROUNDS = 30, out = { ratios: [], ours: [] };
let client;
const ours = async () => (await client.runFlow({ flowId: 'hello', inputValue: 'Hello!' })).output;
const body = JSON.stringify({ input_value: 'Hello!' });
const headers = { 'content-type': 'application/json' };
const target = `${url}/langflow/api/v1/flows/hello/run`;
const theirs = async () => {
  const answer = await fetch(target, { method: 'POST', headers, body });
  return (await answer.json()).result.output;
};
async function time(one, calls = CALLS) {
  const begun = performance.now();
  for (let call = 0; call < calls; call++) if (!(await one())) throw new Error('no text');
  return (performance.now() - begun) / calls;
}
try {
  client = new LangflowClient({ baseUrl: url });
  await time(ours, WARM);
  await time(theirs, WARM);
  for (let round = 0; round < ROUNDS; round++) {
    const took = {};
    for (const one of round % 2 ? [ours, theirs] : [theirs, ours]) took[one.name] = await time(one);
    out.ratios.push(took.ours / took.theirs);
    out.ours.push(took.ours);
  }
} catch (error) { out.error = String(error); }
await fetch(REPORT, { method: 'POST', mode: 'no-cors', body: JSON.stringify(out) });
