/** The answer of a run. */
import { engineFactory } from './engine.js';
import type { JsonValue } from './json.js';
import { NoSingleOutput } from './generated/errors.js';
import { errorFromWire, invalidInput } from './raise.js';

const EXPIRED =
  'langflow-client: a session had expired, and the flow began a new memory; `strictSessions` makes that an error';

/** Whether a run found the memory of its session. */
export type SessionStatus = 'new' | 'continued' | 'expired' | (string & {});

/** Why `output` is what it is. */
export type OutputReason =
  'single' | 'multiple' | 'none' | 'non_string' | 'suspended' | 'pending' | (string & {});

/** What a run cost. */
export interface RunMetadata {
  /** Seconds, as measured by the server. */
  readonly duration: number | null;
  readonly tokensUsed: number | null;
}

/** One output of a flow. */
export interface RunOutput {
  readonly componentId: string | null;
  readonly displayName?: string | undefined;
  readonly type: string | null;
  readonly value: JsonValue;
}

/** The run's answer as the engine gives it. */
export type WireResult = Readonly<Record<string, unknown>>;

/**
 * The answer of a run: `result.output` is the text that the flow answered with.
 *
 * @example
 * ```ts
 * const result = await client.runFlow({ flowId: 'my-flow', inputValue: 'Hello!' });
 * console.log(result.output, result.metadata.tokensUsed);
 * ```
 */
export class RunResult {
  /** The flow's only text; its value where that is no text; `null` where there is no single one. */
  readonly output: JsonValue;
  /** Why `output` is what it is. */
  readonly reason: OutputReason;
  /** Every output, by component. */
  readonly outputs: Readonly<Record<string, RunOutput>>;
  /** Send it back to let the flow remember this run. */
  readonly sessionId: string | null;
  /** Whether the session that was asked for was found. */
  readonly sessionStatus: SessionStatus | null;
  /** What the run cost. */
  readonly metadata: RunMetadata;
  /** The family of the server that answered. */
  readonly server: string | null;
  /** The server's id of the request. */
  readonly requestId: string | null;
  /** How many requests were sent. */
  readonly attempts: number;
  /** Whether the answer was kept from an earlier run (`cacheTtl`); it has no session then. */
  readonly cached: boolean;
  /** Events of its stream that were passed over, since they were malformed (`skipMalformed`). */
  readonly skippedEvents: number;
  /** The answer as it came, with everything that nobody here knows. */
  readonly raw: JsonValue;

  readonly #text: string | null;
  readonly #textError: Record<string, unknown> | undefined;

  /** @internal */
  constructor(wire: WireResult, ready?: Record<string, RunOutput>) {
    const metadata = object(wire['metadata']);
    this.output = (wire['output'] ?? null) as JsonValue;
    this.reason = text(wire['reason']) ?? 'none';
    this.outputs = ready ?? runOutputs(object(wire['outputs']));
    this.sessionId = text(wire['session_id']);
    this.sessionStatus = text(wire['session_status']);
    this.metadata = {
      duration: number(metadata['duration']),
      tokensUsed: number(metadata['tokens_used']),
    };
    this.server = text(wire['server']);
    this.requestId = text(wire['request_id']);
    this.attempts = number(wire['attempts']) ?? 1;
    this.cached = wire['cached'] === true;
    this.skippedEvents = number(wire['skipped_events']) ?? 0;
    this.raw = (wire['raw'] ?? null) as JsonValue;
    this.#text = text(wire['text']);
    this.#textError = wire['text_error'] as Record<string, unknown> | undefined;
  }

  /**
   * The flow's only text.
   *
   * @throws {@link NoSingleOutput} naming the outputs there are, where there is no single text.
   */
  get text(): string {
    if (this.#text !== null) return this.#text;
    if (this.#textError) throw errorFromWire(this.#textError);
    throw new NoSingleOutput({ message: `the run has no single text (${this.reason})` });
  }

  // What has a name of its own is left as it is by Vue, whose proxies reach no private field.
  get [Symbol.toStringTag](): string {
    return 'RunResult';
  }

  /** The result as plain data. */
  toJSON(): Record<string, unknown> {
    return Object.fromEntries(Object.entries(this));
  }

  /**
   * The result that {@link RunResult.toJSON} wrote.
   *
   * @throws {@link InvalidInput} where it is none: an answer of a server is not one.
   */
  static fromJSON(data: Readonly<Record<string, unknown>>): RunResult {
    const { reason: why, outputs: all } = object(data);
    if (typeof why !== 'string' || typeof all !== 'object' || all === null) {
      throw invalidInput('data', 'data is not what toJSON() of a result gives');
    }
    const { metadata, outputs, ...rest } = data;
    return new RunResult({
      ...toWire(rest),
      metadata: toWire(object(metadata)),
      outputs: Object.fromEntries(
        Object.entries(object(outputs)).map(([name, output]) => [name, toWire(object(output))]),
      ),
      text: data['reason'] === 'single' ? data['output'] : null,
    });
  }
}

function toWire(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const wire = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [wire(name), value]));
}

function runOutputs(outputs: Record<string, unknown>): Record<string, RunOutput> {
  // The parsed object itself, which nobody else has, so that every name stays its own.
  for (const name of Object.keys(outputs)) outputs[name] = runOutput(outputs[name]);
  return outputs as Record<string, RunOutput>;
}

function runOutput(value: unknown): RunOutput {
  const wire = object(value);
  const displayName = text(wire['display_name']);
  return {
    componentId: text(wire['component_id']),
    ...(displayName === null ? {} : { displayName }),
    type: text(wire['type']),
    value: (wire['value'] ?? null) as JsonValue,
  };
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/**
 * The result of a run that an engine hands over. Of a session whose memory was gone it warns, as an
 * answer that knows nothing of it looks like any other. No id is said: it is a server's word.
 *
 * @internal
 */
export function resultOf(wire: WireResult): RunResult {
  return heard(new RunResult(wire));
}

/**
 * As {@link resultOf}, of a plain run's answer: JSON of a result, or its fields in a row as `to_row` in the
 * core has them.
 *
 * @internal
 */
export function resultOfPlain(answer: string): RunResult {
  const fields = JSON.parse(answer) as WireResult | readonly unknown[];
  if (!isRow(fields)) return resultOf(fields);
  const output = fields[0];
  const outputs = fields[2];
  const error = fields[13];
  const wire = {
    output,
    reason: fields[1],
    outputs,
    session_id: fields[3],
    session_status: fields[4],
    metadata: { duration: fields[5], tokens_used: fields[6] },
    server: fields[7],
    request_id: fields[8],
    attempts: fields[9],
    cached: fields[10],
    skipped_events: fields[11],
    raw: fields[12],
    text: error === null ? output : null,
    text_error: error ?? undefined,
  };
  return heard(
    new RunResult(wire, Array.isArray(outputs) ? onlyOutput(outputs, output) : undefined),
  );
}

function isRow(answer: WireResult | readonly unknown[]): answer is readonly unknown[] {
  return Array.isArray(answer);
}

/** The outputs where the only one is the output, and text. */
function onlyOutput(fields: readonly unknown[], output: unknown): Record<string, RunOutput> {
  const displayName = text(fields[2]);
  const only: RunOutput = {
    componentId: text(fields[1]),
    ...(displayName === null ? {} : { displayName }),
    type: 'text',
    value: output as JsonValue,
  };
  return { [fields[0] as string]: only };
}

function heard(result: RunResult): RunResult {
  if (result.sessionStatus !== 'expired') return result;
  const level = engineFactory().environment()['LANGFLOW_LOG']?.trim().toLowerCase();
  if (level !== 'error') console.warn(EXPIRED);
  return result;
}
