// Components that show the tests what the hooks give, in strict mode.
import { LangflowClient, LangflowError } from 'langflow-client';
import { useChat, useFlow } from 'langflow-client/react';
import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

const client = () => new LangflowClient({ baseUrl: '/api/langflow', maxRetries: 0 });
const flowId = 'hello-flow';
globalThis.seen = {};
globalThis.hooks = {};
globalThis.texts = [];

function told(error) {
  if (error === undefined) return undefined;
  const { code, mayHaveExecuted } = error;
  return { known: error instanceof LangflowError, code, mayHaveExecuted };
}

function Flow({ name, begin }) {
  const flow = useFlow({ client, flowId });
  const { status, text, error, run } = flow;
  globalThis.seen[name] = { status, text, error: told(error) };
  globalThis.hooks[name] ??= flow;
  globalThis.texts.push(text);
  if (globalThis.hooks[name].run !== run) throw new Error('another function than before');
  useEffect(() => {
    if (begin) void run('Hello, how are you?');
  }, [begin, run]);
  return <p>{text}</p>;
}

function Chat() {
  const chat = useChat({ client, flowId });
  const { messages, status, error, sessionId } = chat;
  globalThis.seen.chat = {
    status,
    error: told(error),
    sessionId,
    roles: messages.map(({ role }) => role),
    states: messages.map(({ status }) => status),
    sessions: messages.flatMap(({ result }) => result?.sessionStatus ?? []),
    texts: messages.map(({ text }) => text),
  };
  globalThis.hooks.chat = chat;
  return messages.map(({ id, text }) => <p key={id}>{text}</p>);
}

function All() {
  const [shown, show] = useState(true);
  globalThis.show = show;
  if (!shown) return null;
  if (location.hash === '#begin') return <Flow name="begun" begin />;
  return (
    <>
      <Flow name="flow" />
      <Chat />
    </>
  );
}

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <All />
  </StrictMode>,
);
