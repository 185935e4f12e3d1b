import type { LangflowError } from 'langflow-client';

interface Props {
  readonly error: LangflowError;
  readonly onRetry: () => void;
}

export function Failure({ error, onRetry }: Props) {
  return (
    <div className="failure" role="alert">
      <p>
        <strong>{error.message}</strong> {error.hint}
      </p>
      <p className="note">
        <code>{error.code}</code>
        {error.mayHaveExecuted && ' The flow may have run all the same.'}
      </p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}
