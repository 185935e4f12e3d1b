/** Calls of the addon and their answers, which come in batches. */
import type { CancelHandle, Engine, EngineReply, EngineStream, FedStream } from './engine.js';

/** Where the addon puts the answers of one environment. */
export interface NativeMailbox {
  /** Every answer that is there: the number of its call, whether it failed, and what it is. */
  take(): [id: number, failed: boolean, value: unknown][];
  /** Ends a call, which is not answered any more. */
  cancel(id: number): void;
}

/** The addon's engine: its calls are numbered, and answered in a mailbox. */
export interface NativeEngine {
  call(box: NativeMailbox, id: number, head: string, body: Uint8Array): void;
  run(box: NativeMailbox, id: number, request: string): void;
  open(box: NativeMailbox, id: number, request: string): void;
  openCall(box: NativeMailbox, id: number, head: string, body: Uint8Array): void;
  invoke(box: NativeMailbox, id: number, name: string, args: string): void;
  runMany(request: string): NativeStream;
  upload(head: string, source: string, body: Uint8Array): NativeStream;
  uploadStream(head: string, source: string): NativeStream;
  download(head: string, body: Uint8Array, path: string): NativeStream;
  metrics(): string;
  watch(thresholds: string): NativeStream;
  withOptions(options: string): NativeEngine;
  describe(): string;
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
  readonly #box: NativeMailbox;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(make: new (bell: () => void) => NativeMailbox) {
    this.#box = new make(() => this.#deliver());
  }

  /** Begins a call and waits for its answer. */
  send<T>(begin: (box: NativeMailbox, id: number) => void, cancel?: CancelHandle): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#last = (this.#last + 1) >>> 0;
      const id = this.#last;
      if (cancel instanceof Cancel && !cancel.guards(() => this.#cancel(id))) {
        reject(cancelled());
        return;
      }
      begin(this.#box, id);
      this.#waiting.set(id, { resolve, reject });
    });
  }

  #deliver(): void {
    for (const [id, failed, value] of this.#box.take()) {
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
  }

  #cancel(id: number): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    this.#box.cancel(id);
    waiting.reject(cancelled());
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
  }

  call(head: string, body: Uint8Array, cancel: CancelHandle): Promise<EngineReply> {
    return this.#mailbox.send((box, id) => this.#inner.call(box, id, head, body), cancel);
  }

  run(request: string, cancel: CancelHandle): Promise<string> {
    return this.#mailbox.send((box, id) => this.#inner.run(box, id, request), cancel);
  }

  async open(request: string, cancel: CancelHandle): Promise<EngineStream> {
    return this.#stream(
      await this.#mailbox.send((box, id) => this.#inner.open(box, id, request), cancel),
    );
  }

  async openCall(head: string, body: Uint8Array, cancel: CancelHandle): Promise<EngineStream> {
    return this.#stream(
      await this.#mailbox.send((box, id) => this.#inner.openCall(box, id, head, body), cancel),
    );
  }

  invoke(name: string, args: string, cancel: CancelHandle): Promise<string> {
    return this.#mailbox.send((box, id) => this.#inner.invoke(box, id, name, args), cancel);
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
    return this.#mailbox.send((box, id) => this.#inner.nextBatch(box, id));
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
