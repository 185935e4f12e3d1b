/** Calls of the addon and their answers, which come in batches. */
import type { CancelHandle, Engine, EngineReply, EngineStream, FedStream } from './engine.js';

/** Where the addon puts the answers of one environment. */
export interface NativeMailbox {
  /** Every answer that is there: the number of its call, whether it failed, and what it is. */
  take(): [id: number, failed: boolean, value: unknown][];
  /** Ends a call, which is not answered any more; true where other answers are there. */
  cancel(id: number): boolean;
}

/**
 * `bell` is called when there is something to take. With `settle`, calls run on this thread where its loop
 * can be watched, and it is called with what `take` would have said, one after the other.
 */
export type NativeMailboxClass = new (
  bell: () => void,
  settle: ((...letters: unknown[]) => void) | null,
) => NativeMailbox;

/**
 * The addon's engine: its calls are numbered, and answered in the mailbox that it was told of; true where
 * something is there already.
 */
export interface NativeEngine {
  answerIn(box: NativeMailbox): void;
  call(id: number, head: string, body: Uint8Array): boolean;
  run(id: number, request: string): boolean;
  runPlain(
    id: number,
    flowId: string,
    inputValue: string,
    sessionId: string | null | undefined,
  ): boolean;
  open(id: number, request: string): void;
  openCall(id: number, head: string, body: Uint8Array): void;
  invoke(id: number, name: string, args: string): boolean;
  runMany(request: string): NativeStream;
  upload(head: string, source: string, body: Uint8Array): NativeStream;
  uploadStream(head: string, source: string): NativeStream;
  download(head: string, body: Uint8Array, path: string): NativeStream;
  metrics(): string;
  watch(thresholds: string): NativeStream;
  withOptions(options: string): NativeEngine;
  describe(): string;
  masked(text: string, options: string): string;
}

/** The addon's stream. */
export interface NativeStream {
  nextBatch(box: NativeMailbox, id: number): void;
  push(piece: Uint8Array): void;
  finish(): void;
  fail(why: string): void;
  close(): void;
}

interface Waiting {
  resolve(value: never): void;
  reject(error: Error): void;
}

/** Ends the call that it was given to, now or later. */
export class Cancel implements CancelHandle {
  #cancelled = false;
  #end: (() => void) | undefined;

  cancel(): void {
    this.#cancelled = true;
    this.#end?.();
  }

  /** False where it was cancelled already; else `end` ends the call. */
  guards(end: () => void): boolean {
    this.#end = end;
    return !this.#cancelled;
  }
}

/** The calls that wait for an answer. */
export class Mailbox {
  readonly box: NativeMailbox;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  /** `here`: calls may run on this thread, if its loop can be watched. */
  constructor(make: NativeMailboxClass, here: boolean) {
    const settle = (...letters: unknown[]): void => {
      for (let at = 0; at < letters.length; at += 3) {
        this.#settle(letters[at] as number, letters[at + 1] as boolean, letters[at + 2]);
      }
    };
    this.box = new make(() => this.#deliver(), here ? settle : null);
  }

  /** Begins a call and waits for its answer. */
  send<T>(begin: (id: number) => boolean | void, cancel?: CancelHandle): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#last = (this.#last + 1) >>> 0;
      const id = this.#last;
      if (cancel instanceof Cancel && !cancel.guards(() => this.#cancel(id))) {
        reject(cancelled());
        return;
      }
      // Before it begins: it may be answered by then.
      this.#waiting.set(id, { resolve, reject });
      if (begin(id) === true) this.#deliver();
    });
  }

  #deliver(): void {
    for (const [id, failed, value] of this.box.take()) this.#settle(id, failed, value);
  }

  #settle(id: number, failed: boolean, value: unknown): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting === undefined) {
      // Cancelled while its answer was on the way: nobody else would close it.
      if (typeof value === 'object' && value !== null && 'close' in value) {
        (value as NativeStream).close();
      }
    } else if (failed) waiting.reject(new Error(value as string));
    else waiting.resolve(value as never);
  }

  #cancel(id: number): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    waiting.reject(cancelled());
    if (this.box.cancel(id)) this.#deliver();
  }
}

function cancelled(): Error {
  return new Error('{"code":"cancelled","message":"The call was cancelled."}');
}

/** An engine whose calls are answered in a mailbox. */
export class MailedEngine implements Engine {
  readonly #inner: NativeEngine;
  readonly #mailbox: Mailbox;

  constructor(inner: NativeEngine, mailbox: Mailbox) {
    this.#inner = inner;
    this.#mailbox = mailbox;
    inner.answerIn(mailbox.box);
  }

  call(head: string, body: Uint8Array, cancel: CancelHandle): Promise<EngineReply> {
    return this.#mailbox.send((id) => this.#inner.call(id, head, body), cancel);
  }

  run(request: string, cancel: CancelHandle): Promise<string> {
    return this.#mailbox.send((id) => this.#inner.run(id, request), cancel);
  }

  runPlain(
    flowId: string,
    inputValue: string,
    sessionId: string | null | undefined,
    cancel?: CancelHandle,
  ): Promise<string> {
    return this.#mailbox.send(
      (id) => this.#inner.runPlain(id, flowId, inputValue, sessionId),
      cancel,
    );
  }

  async open(request: string, cancel: CancelHandle): Promise<EngineStream> {
    return this.#stream(await this.#mailbox.send((id) => this.#inner.open(id, request), cancel));
  }

  async openCall(head: string, body: Uint8Array, cancel: CancelHandle): Promise<EngineStream> {
    return this.#stream(
      await this.#mailbox.send((id) => this.#inner.openCall(id, head, body), cancel),
    );
  }

  invoke(name: string, args: string, cancel: CancelHandle): Promise<string> {
    return this.#mailbox.send((id) => this.#inner.invoke(id, name, args), cancel);
  }

  runMany(request: string): EngineStream {
    return this.#stream(this.#inner.runMany(request));
  }

  upload(head: string, source: string, body: Uint8Array): EngineStream {
    return this.#stream(this.#inner.upload(head, source, body));
  }

  uploadStream(head: string, source: string): FedStream {
    return new MailedStream(this.#inner.uploadStream(head, source), this.#mailbox);
  }

  download(head: string, body: Uint8Array, path: string): EngineStream {
    return this.#stream(this.#inner.download(head, body, path));
  }

  metrics(): string {
    return this.#inner.metrics();
  }

  watch(thresholds: string): EngineStream {
    return this.#stream(this.#inner.watch(thresholds));
  }

  withOptions(options: string): Engine {
    return new MailedEngine(this.#inner.withOptions(options), this.#mailbox);
  }

  describe(): string {
    return this.#inner.describe();
  }

  masked(text: string, options: string): string {
    return this.#inner.masked(text, options);
  }

  #stream(inner: NativeStream): EngineStream {
    return new MailedStream(inner, this.#mailbox);
  }
}

class MailedStream implements FedStream {
  readonly #inner: NativeStream;
  readonly #mailbox: Mailbox;

  constructor(inner: NativeStream, mailbox: Mailbox) {
    this.#inner = inner;
    this.#mailbox = mailbox;
  }

  nextBatch(): Promise<string | null> {
    return this.#mailbox.send((id) => this.#inner.nextBatch(this.#mailbox.box, id));
  }

  push(piece: Uint8Array): void {
    this.#inner.push(piece);
  }

  finish(): void {
    this.#inner.finish();
  }

  fail(why: string): void {
    this.#inner.fail(why);
  }

  close(): void {
    this.#inner.close();
  }
}
