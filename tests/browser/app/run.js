// What a page does with the package, as its author writes it: no key, no initialisation, the proxy
// of its own server.
import { LangflowClient, NotFound } from 'langflow-client';

export async function run() {
  const client = new LangflowClient({ baseUrl: '/api/langflow' });
  const stream = client.streamFlow({ flowId: 'hello-flow', inputValue: 'Hello, how are you?' });
  const times = [];
  let text = '';
  for await (const event of stream) {
    if (event.type !== 'token') continue;
    times.push(performance.now());
    text += event.text;
  }
  const { output } = await stream.finalResult();
  const error = await client.runFlow({ flowId: 'no-such-flow', inputValue: 'x' }).catch((e) => e);
  const known = error instanceof NotFound && error.code === 'not_found';
  return { text, output, tokens: times.length, spread: times.at(-1) - times[0], known };
}
