/**
 * What `LANGFLOW_LOG=debug` shows: a line on standard error when a call begins and one when it ends; `info` shows
 * only calls that took more than one request. No line has a header, a body or an input in it.
 */
import type { CancelHandle, Engine, EngineFactory, EngineStream, FedStream } from './engine.js';

const LEVELS = ['debug', 'info', 'warning', 'error'];
/** What a line may say of an answer, by its names on the wire. */
const FACTS = ['status', 'attempts', 'request_id', 'session_id', 'server'];

/** Where lines go to. */
type Write = (line: string) => void;

/** The engines of a factory with a log, where `level` (the variable's value) asks for one. */
export function withLog(
  factory: EngineFactory,
  level: string | undefined,
  write: Write,
): EngineFactory {
  const wanted = level?.trim().toLowerCase();
  if (wanted === undefined || wanted === '') return factory;
  if (!LEVELS.includes(wanted)) {
    write(line('WARNING', `LANGFLOW_LOG=${level ?? ''}: known are ${LEVELS.join(', ')}`));
    return factory;
  }
  // An error is thrown, and so is the caller's to log.
  if (wanted === 'warning' || wanted === 'error') return factory;
  const log = new Log(wanted === 'debug', write);
  const made: EngineFactory = Object.create(factory, {
    create: { value: (config: string) => new LoggedEngine(factory.create(config), log) },
  }) as EngineFactory;
  return made;
}

function line(level: string, text: string): string {
  // A server's words may hold what a terminal obeys.
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
  return `${new Date().toISOString()} langflow-client ${level} ${plain}\n`;
}

class Log {
  readonly #debug: boolean;
  readonly #write: Write;

  constructor(debug: boolean, write: Write) {
    this.#debug = debug;
    this.#write = write;
  }

  /** A call begins; `plain` takes the secrets out of what is said of it. */
  begin(name: string, plain: (text: string) => string): Entry {
    if (this.#debug) this.#write(line('DEBUG', plain(`${name} begins`)));
    const started = performance.now();
    return new Entry((outcome, facts, failed) => {
      const retried = !failed && Number(facts['attempts'] ?? 1) > 1;
      if (!this.#debug && !retried) return;
      const seconds = ((performance.now() - started) / 1000).toFixed(3);
      const known = FACTS.filter((fact) => facts[fact] !== undefined && facts[fact] !== null);
      const said = known.map((fact) => ` ${fact}=${String(facts[fact])}`).join('');
      const text = plain(`${name} ${outcome} after ${seconds} s${said}`);
      this.#write(line(retried ? 'INFO' : 'DEBUG', text));
    });
  }
}

type Facts = Record<string, unknown>;

/** One call in the log; its end is said once. */
class Entry {
  #end: ((outcome: string, facts: Facts, failed: boolean) => void) | undefined;

  constructor(end: (outcome: string, facts: Facts, failed: boolean) => void) {
    this.#end = end;
  }

  ended(facts: Facts): void {
    this.#say('ended', facts, false);
  }

  left(): void {
    this.#say('was left', {}, false);
  }

  failed(thrown: unknown): void {
    const error = read(thrown instanceof Error ? thrown.message : '');
    this.#say(`failed with ${String(error['code'] ?? 'an error')}`, error, true);
  }

  #say(outcome: string, facts: Facts, failed: boolean): void {
    this.#end?.(outcome, facts, failed);
    this.#end = undefined;
  }
}

function read(text: string): Facts {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Facts) : {};
  } catch {
    return {};
  }
}

async function entered<T>(entry: Entry, work: Promise<T>, facts: (answer: T) => Facts): Promise<T> {
  try {
    const answer = await work;
    entry.ended(facts(answer));
    return answer;
  } catch (thrown) {
    entry.failed(thrown);
    throw thrown;
  }
}

/** An engine whose calls are logged. */
class LoggedEngine implements Engine {
  readonly #inner: Engine;
  readonly #log: Log;
  readonly uploadStream?: (head: string, source: string) => FedStream;

  constructor(inner: Engine, log: Log) {
    this.#inner = inner;
    this.#log = log;
    if (inner.uploadStream !== undefined) {
      this.uploadStream = (head, source) =>
        new LoggedFeed(this.#begin(head), inner.uploadStream?.(head, source));
    }
  }

  call(head: string, body: Uint8Array, cancel: CancelHandle): ReturnType<Engine['call']> {
    const entry = this.#begin(head);
    return entered(entry, this.#inner.call(head, body, cancel), (reply) => read(reply.head));
  }

  run(request: string, cancel: CancelHandle): Promise<string> {
    return entered(this.#begin(request, 'runFlow'), this.#inner.run(request, cancel), read);
  }

  open(request: string, cancel: CancelHandle): Promise<EngineStream> {
    return this.#opened(this.#begin(request, 'streamFlow'), this.#inner.open(request, cancel));
  }

  openCall(head: string, body: Uint8Array, cancel: CancelHandle): Promise<EngineStream> {
    return this.#opened(this.#begin(head), this.#inner.openCall(head, body, cancel));
  }

  invoke(name: string, args: string, cancel: CancelHandle): Promise<string> {
    return entered(this.#begin(args, name), this.#inner.invoke(name, args, cancel), read);
  }

  runMany(request: string): EngineStream {
    return new LoggedStream(this.#begin(request, 'runMany'), this.#inner.runMany(request));
  }

  upload(head: string, source: string, body: Uint8Array): EngineStream {
    const stream = this.#inner.upload(head, source, body);
    return new LoggedStream(this.#begin(head), stream);
  }

  download(head: string, body: Uint8Array, path: string): EngineStream {
    const stream = this.#inner.download(head, body, path);
    return new LoggedStream(this.#begin(head), stream);
  }

  metrics(): string {
    return this.#inner.metrics();
  }

  watch(thresholds: string): EngineStream {
    return this.#inner.watch(thresholds);
  }

  withOptions(options: string): Engine {
    return new LoggedEngine(this.#inner.withOptions(options), this.#log);
  }

  describe(): string {
    return this.#inner.describe();
  }

  masked(text: string, options: string): string {
    return this.#inner.masked(text, options);
  }

  /** Begins the entry of a call; its message names the operation, or the call has a name. */
  #begin(message: string, name?: string): Entry {
    const { op, options } = read(message);
    const given = options === undefined ? '' : JSON.stringify(options);
    return this.#log.begin(name ?? String(op ?? 'call'), (text) => this.#inner.masked(text, given));
  }

  async #opened(entry: Entry, opening: Promise<EngineStream>): Promise<EngineStream> {
    try {
      return new LoggedStream(entry, await opening);
    } catch (thrown) {
      entry.failed(thrown);
      throw thrown;
    }
  }
}

class LoggedStream<T extends EngineStream = EngineStream> implements EngineStream {
  readonly #entry: Entry;
  readonly inner: T;
  #facts: Facts = {};

  constructor(entry: Entry, inner: T) {
    this.#entry = entry;
    this.inner = inner;
  }

  async nextBatch(): Promise<string | null> {
    try {
      const batch = await this.inner.nextBatch();
      if (batch === null) this.#entry.ended(this.#facts);
      else this.#see(batch);
      return batch;
    } catch (thrown) {
      this.#entry.failed(thrown);
      throw thrown;
    }
  }

  close(): void {
    this.inner.close();
    this.#entry.left();
  }

  /** The end of a stream says what is known of it; readers stop there. */
  #see(batch: string): void {
    const last = Object.values(read(batch)).at(-1) as Facts | undefined;
    if (last?.['type'] !== 'end') return;
    const { result, head } = last;
    this.#facts = { ...(result as Facts | undefined), ...(head as Facts | undefined) };
    this.#entry.ended(this.#facts);
  }
}

class LoggedFeed extends LoggedStream<FedStream> implements FedStream {
  constructor(entry: Entry, inner: FedStream | undefined) {
    if (inner === undefined) throw new Error('langflow-client: bodies cannot be streamed here');
    super(entry, inner);
  }

  push(piece: Uint8Array): void {
    this.inner.push(piece);
  }

  finish(): void {
    this.inner.finish();
  }

  fail(why: string): void {
    this.inner.fail(why);
  }
}
