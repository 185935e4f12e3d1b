/** Events as lines of JSON, for the way between a server of one's own and its pages. */
import { type ErrorInfo, LangflowError } from './errors.js';
import type { FlowEvent } from './events.js';
import {
  errorClasses,
  EventTooLarge,
  MalformedEvent,
  StreamInterrupted,
} from './generated/errors.js';
import { invalidInput } from './raise.js';
import { RunResult } from './result.js';
import type { Source } from './source.js';

const encoder = new TextEncoder();

/** Characters that a line may have: as many as an event of a client may have bytes by default. */
const MAX_LINE = 32 * 1024 * 1024;

/** An event as a line. */
export function lineOf(event: FlowEvent): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${JSON.stringify(event)}\n`);
}

/** An error as the last line. */
export function lineOfError(error: LangflowError): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${JSON.stringify({ type: 'error', error })}\n`);
}

/** The events of lines that {@link lineOf} wrote. */
export function eventsFromLines(readable: ReadableStream<Uint8Array> | null): Source {
  const reader = readerOf(readable);
  const decoder = new TextDecoder();
  // Pieces of the line that has no end yet: put together once, however many there are.
  let rest: string[] = [];
  let length = 0;
  let said = '';
  let closed = false;
  let over = false;
  let failure: LangflowError | undefined;

  /** The events of some more text; an error comes behind the events that were before it. */
  function events(text: string): FlowEvent[] {
    const lines = text.split('\n');
    if (lines.length > 1) {
      lines[0] = rest.join('') + (lines[0] ?? '');
      [rest, length] = [[], 0];
    }
    const last = lines.pop() ?? '';
    rest.push(last);
    length += last.length;
    const found: FlowEvent[] = [];
    for (const line of lines.filter((one) => one.trim() !== '')) {
      const event = read(line);
      if (event instanceof LangflowError) {
        failure = event;
        break;
      }
      if (event.type === 'token') said += event.text;
      found.push(event);
    }
    if (length > MAX_LINE) failure ??= tooLarge();
    return found;
  }

  /** The event of a line, or what the stream ends with there. */
  function read(line: string): FlowEvent | LangflowError {
    try {
      const event: unknown = JSON.parse(line);
      if (isObject(event) && typeof event['type'] === 'string') {
        if (event['type'] === 'error' && isObject(event['error'])) return errorFrom(event['error']);
        if (fits(event)) return eventFrom(event);
      }
    } catch (cause) {
      return malformed(line, cause);
    }
    return malformed(line, undefined);
  }

  function malformed(line: string, cause: unknown): LangflowError {
    const message = `The stream has a line that is no event: ${JSON.stringify(line.slice(0, 80))}.`;
    return new MalformedEvent({ message, mayHaveExecuted: true, partialText: said }, { cause });
  }

  function tooLarge(): LangflowError {
    const message = `An event of the stream is larger than ${MAX_LINE} characters.`;
    return new EventTooLarge({ message, mayHaveExecuted: true, partialText: said });
  }

  function interrupted(message: string, cause?: unknown): LangflowError {
    const info = { message, mayHaveExecuted: true, partialText: said };
    return new StreamInterrupted(info, cause === undefined ? {} : { cause });
  }

  async function chunk(): Promise<string | undefined> {
    try {
      const { done, value } = (await reader?.read()) ?? { done: true };
      return done || value === undefined ? undefined : decoder.decode(value, { stream: true });
    } catch (cause) {
      throw interrupted('The stream broke off before the result of its run.', cause);
    }
  }

  return {
    async next() {
      while (!closed && !over) {
        if (failure !== undefined) throw failure;
        const text = await chunk();
        if (closed) return null;
        if (text === undefined) {
          // What has no end of its line is a page, or the beginning of an event.
          const line = rest.join('');
          throw line.trim() !== '' && !line.startsWith('{')
            ? malformed(line, undefined)
            : interrupted('The stream ended without the result of its run.');
        }
        const found = events(text);
        over = found.some((event) => event.type === 'end');
        if (found.length > 0) return found;
      }
      return null;
    },
    close() {
      if (closed) return;
      closed = true;
      // A body that has failed is closed already.
      reader?.cancel().catch(() => undefined);
    },
  };
}

function readerOf(
  readable: ReadableStream<Uint8Array> | null,
): ReadableStreamDefaultReader<Uint8Array> | undefined {
  // An answer without a body has none.
  if (readable === null) return undefined;
  try {
    return readable.getReader();
  } catch {
    throw invalidInput('readable', 'readable has to be a ReadableStream that nobody else reads');
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether the fields are there that everybody counts on. */
function fits(event: Record<string, unknown>): boolean {
  if (event['type'] === 'token') return typeof event['text'] === 'string';
  return event['type'] === 'end' ? isObject(event['result']) : event['type'] !== 'error';
}

function errorFrom(data: Record<string, unknown>): LangflowError {
  const { code, message, ...rest } = data;
  const named = typeof code === 'string' && /^[a-z]\w*$/.test(code) ? code : undefined;
  const info: ErrorInfo = {
    // Who does not say whether the flow ran does not say that it did not.
    mayHaveExecuted: true,
    ...rest,
    code: named,
    message: typeof message === 'string' ? message : 'The stream ended with an error.',
  };
  return new (errorClasses.get(named ?? '') ?? LangflowError)(info);
}

function eventFrom(event: Record<string, unknown>): FlowEvent {
  if (event['type'] === 'end') {
    event['result'] = RunResult.fromJSON(event['result'] as Record<string, unknown>);
  }
  return event as unknown as FlowEvent;
}
