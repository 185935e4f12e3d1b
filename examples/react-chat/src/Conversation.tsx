import { LangflowClient } from 'langflow-client';
import { useChat } from 'langflow-client/react';
import { useEffect, useRef, useState } from 'react';
import { Composer } from './Composer';
import { Failure } from './Failure';
import { Message } from './Message';
import { NO_SETTINGS, Settings, tweaksOf } from './Settings';

// No key: the page's own server adds it. Made when something is first said.
const makeClient = () => new LangflowClient({ baseUrl: '/api/langflow' });

interface Props {
  readonly flowId: string;
  /** The component whose settings can be changed. */
  readonly component: string;
}

export function Conversation({ flowId, component }: Props) {
  const [settings, setSettings] = useState(NO_SETTINGS);
  const tweaks = tweaksOf(component, settings);
  const chat = useChat({ client: makeClient, flowId, tweaks });
  const input = useRef<HTMLTextAreaElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const running = chat.status === 'running';

  // Whoever has scrolled up to read is not pulled down again.
  useEffect(() => {
    if (follows.current) list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [chat.messages]);

  // Buttons that vanish would take the focus with them.
  const then = (work: () => unknown) => () => {
    work();
    input.current?.focus();
  };

  return (
    <>
      <main>
        {/* Read as a whole by the status below: piece by piece it would be noise. */}
        <div
          className="messages"
          ref={list}
          role="log"
          aria-live="off"
          aria-label="Conversation"
          tabIndex={0}
          onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
            follows.current = scrollHeight - scrollTop - clientHeight < 40;
          }}
        >
          {chat.messages.length === 0 && (
            <p className="empty">Say something: try “My name is Alice”, then “What is my name?”</p>
          )}
          {chat.messages.map((message) => (
            <Message key={message.id} message={message} />
          ))}
        </div>
        {chat.error && <Failure error={chat.error} onRetry={then(() => void chat.retry())} />}
        <Composer
          ref={input}
          running={running}
          onSend={(text) => {
            follows.current = true;
            void chat.send(text);
          }}
          onStop={then(chat.stop)}
        />
      </main>
      <aside aria-label="Settings of the conversation">
        <Settings value={settings} onChange={setSettings} />
        <section>
          <h2>Session</h2>
          <p className="session">{chat.sessionId ?? 'begins with the first message'}</p>
          <button type="button" onClick={then(() => chat.reset())}>
            New conversation
          </button>
        </section>
      </aside>
      <p className="hidden" role="status">
        {announcement(chat.status, chat.messages.at(-1)?.text ?? '')}
      </p>
    </>
  );
}

/** What a screen reader says; failures are said by their own element. */
function announcement(status: string, text: string): string {
  if (status === 'running') return 'The flow is answering.';
  if (status === 'stopped') return 'Stopped.';
  return status === 'done' ? `The flow says: ${text}` : '';
}
