// The same types for a program in CommonJS.
import { LangflowClient, type RunResult } from 'langflow-client';

export async function ask(client: LangflowClient): Promise<RunResult> {
  return client.runFlow({ flowId: 'f', inputValue: 'x' });
}
