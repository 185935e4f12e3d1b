'use client';
import { LangflowClient } from 'langflow-client';
import { useFlow } from 'langflow-client/react';
import { useEffect } from 'react';
import { run } from './run.js';

const client = () => new LangflowClient({ baseUrl: '/api/langflow' });

export default function Page() {
  const flow = useFlow({ client, flowId: 'hello-flow' });
  useEffect(() => {
    globalThis.answer = run();
    void flow.run('Hello, how are you?');
  }, [flow.run]);
  return <main>{`${flow.status}: ${flow.text}`}</main>;
}
