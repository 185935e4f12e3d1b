import { type KeyboardEvent, type Ref, useState } from 'react';

interface Props {
  readonly ref: Ref<HTMLTextAreaElement>;
  readonly running: boolean;
  readonly onSend: (text: string) => void;
  readonly onStop: () => void;
}

export function Composer({ ref, running, onSend, onStop }: Props) {
  const [text, setText] = useState('');

  function send(): void {
    if (running || text.trim() === '') return;
    onSend(text.trim());
    setText('');
  }

  function onKeyDown(event: KeyboardEvent): void {
    // Not while a word is being composed: there, Enter chooses it.
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape' && running) {
      onStop();
    }
  }

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label htmlFor="text">Message</label>
      <textarea
        id="text"
        ref={ref}
        rows={2}
        value={text}
        aria-describedby="keys"
        autoFocus
        onChange={({ target }) => setText(target.value)}
        onKeyDown={onKeyDown}
      />
      {running ? (
        <button type="button" onClick={onStop}>
          Stop
        </button>
      ) : (
        <button type="submit" aria-disabled={text.trim() === ''}>
          Send
        </button>
      )}
      <p id="keys" className="note">
        Enter sends, Shift and Enter begins a new line, Escape stops the answer.
      </p>
    </form>
  );
}
