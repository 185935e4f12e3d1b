/** Builds real error objects from what crosses the boundary. */
import { engineFactory } from './engine.js';
import { type ErrorInfo, LangflowError } from './errors.js';
import { Cancelled, errorClasses, InternalError } from './generated/errors.js';
import { type Names, spelled } from './names.js';

/** JSON names that are spelled otherwise in JavaScript. */
const NAMES: Readonly<Record<string, string>> = {
  may_have_executed: 'mayHaveExecuted',
  server_code: 'serverCode',
  request_id: 'requestId',
  retry_after: 'retryAfter',
  partial_text: 'partialText',
};

/**
 * The error that a piece of data describes, as an object of its class. Arguments are named as they are
 * here; `names` has those of an operation.
 */
export function errorFromWire(
  data: Record<string, unknown>,
  cause?: unknown,
  names?: Names,
): LangflowError {
  const { cause: underneath, ...known } = data;
  const info: Record<string, unknown> = Object.fromEntries(
    Object.entries(known)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [NAMES[name] ?? name, value]),
  );
  const { code, field, message } = info;
  if (typeof field === 'string' && typeof message === 'string') {
    [info['field'], info['message']] = spelled(field, message, names);
  }
  const kind = errorClasses.get(String(code)) ?? LangflowError;
  const why = cause ?? below(code, underneath);
  return new kind(info as unknown as ErrorInfo, why === undefined ? {} : { cause: why });
}

/**
 * What the layers below a failed connection said. Data, and no error: a structured clone would drop the
 * code of an error, and the code of this one with it.
 */
function below(code: unknown, said: unknown): object | undefined {
  if (typeof said !== 'object' || said === null) return undefined;
  const { message, os_error: errno } = said as Record<string, unknown>;
  return { code, message, ...(errno === undefined ? {} : { errno }) };
}

/** What an engine threw, as an error of ours. */
export function translate(thrown: unknown, cause?: unknown, names?: Names): LangflowError {
  if (thrown instanceof LangflowError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  try {
    const data: unknown = JSON.parse(message);
    if (typeof data === 'object' && data !== null && 'code' in data && 'message' in data) {
      return errorFromWire(data as Record<string, unknown>, cause, names);
    }
  } catch {
    // Not one of the engine's errors.
  }
  return new InternalError({ message }, { cause: thrown });
}

/** An argument that cannot be used. */
export function invalidInput(field: string, message: string): LangflowError {
  return translate(new Error(engineFactory().invalidInput(field, message)));
}

/**
 * The caller ended the call; `started` says whether anything had been sent by then, `partialText` what
 * a stream had brought.
 */
export function cancelled(reason: unknown, started: boolean, partialText?: string): LangflowError {
  return new Cancelled(
    {
      message: 'the call was cancelled',
      phase: started ? 'send' : 'build',
      mayHaveExecuted: started,
      partialText,
    },
    { cause: reason },
  );
}
