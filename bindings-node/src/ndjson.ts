/** Events as lines of JSON, for the way between a server of one's own and its pages. */
import { type ErrorInfo, LangflowError } from './errors.js';
import type { FlowEvent } from './events.js';
import { errorClasses, StreamInterrupted } from './generated/errors.js';
import { RunResult } from './result.js';
import type { Source } from './source.js';

const encoder = new TextEncoder();

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
  const reader = readable?.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let closed = false;
  let over = false;
  let failure: LangflowError | undefined;

  /** The events of some more text; an error comes behind the events that were before it. */
  function events(text: string): FlowEvent[] {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    const found: FlowEvent[] = [];
    for (const line of lines.filter((one) => one.trim() !== '')) {
      const event = JSON.parse(line) as Record<string, unknown>;
      if (event['type'] === 'error') {
        failure = errorFrom(event['error'] as ErrorInfo);
        break;
      }
      found.push(eventFrom(event));
    }
    return found;
  }

  return {
    async next() {
      while (!closed && !over) {
        if (failure !== undefined) throw failure;
        const chunk = await reader?.read();
        if (closed) return null;
        if (chunk === undefined || chunk.done) {
          throw new StreamInterrupted({
            message: 'The stream ended without the result of its run.',
            mayHaveExecuted: true,
          });
        }
        const found = events(decoder.decode(chunk.value, { stream: true }));
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

function errorFrom(info: ErrorInfo): LangflowError {
  return new (errorClasses.get(info.code ?? '') ?? LangflowError)(info);
}

function eventFrom(event: Record<string, unknown>): FlowEvent {
  if (event['type'] === 'end') {
    event['result'] = RunResult.fromJSON(event['result'] as Record<string, unknown>);
  }
  return event as unknown as FlowEvent;
}
