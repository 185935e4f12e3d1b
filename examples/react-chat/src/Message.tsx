import type { ChatMessage } from 'langflow-client/react';

export function Message({ message }: { readonly message: ChatMessage }) {
  const { role, text, status, result } = message;
  const note =
    status === 'stopped'
      ? 'Stopped before its end.'
      : status === 'failed'
        ? 'Not complete.'
        : result?.sessionStatus === 'expired'
          ? 'The flow had forgotten this conversation and began anew.'
          : undefined;
  return (
    <article className={`message ${role} ${status}`} aria-busy={status === 'running'}>
      <h3>{role === 'user' ? 'You' : 'Flow'}</h3>
      {text !== '' && <p className="text">{text}</p>}
      {status === 'running' && <span className="caret" aria-hidden="true" />}
      {note !== undefined && <p className="note">{note}</p>}
    </article>
  );
}
