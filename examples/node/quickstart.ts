// The documented five lines, typed: an error says what is wrong and what to do about it.
//
// Needs LANGFLOW_URL and LANGFLOW_API_KEY in the environment, and the id of a flow:
//     npx tsc && node dist/quickstart.js FLOW_ID
import { LangflowClient, LangflowError, type RunResult } from "langflow-client";

const client = new LangflowClient({
  baseUrl: process.env["LANGFLOW_URL"],
  apiKey: process.env["LANGFLOW_API_KEY"],
});

async function ask(flowId: string, question: string): Promise<RunResult> {
  try {
    return await client.runFlow({ flowId, inputValue: question });
  } catch (error) {
    if (error instanceof LangflowError)
      console.error(`${error.code}: ${error.hint}`);
    throw error;
  }
}

const result = await ask(process.argv[2] ?? "", "Hello!");
console.log(result.output);
