// A route on the edge: the WebAssembly engine, compiled ahead.
import { LangflowClient } from 'langflow-client';

export const runtime = 'edge';
export const dynamic = 'force-dynamic';

export async function GET() {
  const client = new LangflowClient();
  const run = { flowId: 'hello-flow', inputValue: 'Hello, how are you?' };
  return new Response(client.streamFlow(run).toReadableStream());
}
