/** Files on their way to a server, and answers on their way to a file. */
import { invalidInput } from './raise.js';

/** How far a transfer is. */
export interface Progress {
  /** Bytes so far; from zero again where the request is sent again. */
  readonly done: number;
  /** Bytes that there will be; `undefined` where the server does not say. */
  readonly total: number | undefined;
}

/**
 * What a file consists of. A stream of up to 1 MiB is read to its end first, so that it can be sent
 * again; a longer one is sent once, as it is read, or in a browser read to its end all the same.
 */
export type FileContent =
  Blob | ArrayBuffer | ArrayBufferView | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** What may be said of a file. */
export interface FileOptions {
  /** Its name for the server. Default: the name that it has. */
  readonly filename?: string | undefined;
  /** Its media type. Default: that of a `Blob`, or by the end of its name. */
  readonly contentType?: string | undefined;
  /** Hears how far it has been sent. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** A file of this machine, which is read as it is sent and never as a whole. Not in a browser. */
export interface FileOnDisk extends FileOptions {
  readonly path: string | URL;
}

/** What a file consists of, and what is to be said of it. */
export interface NamedFile extends FileOptions {
  readonly content: FileContent;
}

/**
 * A file to send: its path, its bytes, a `Blob` or `File`, or a stream.
 *
 * @example
 * ```ts
 * const archive = new Blob(['[]'], { type: 'application/json' });
 * await client.flows.import({ body: archive }).catch(({ code }) => console.log(code));
 * await client.flows
 *   .import({ body: { path: 'flows.zip', onProgress: ({ done }) => console.log(done) } })
 *   .catch(({ code, field }) => console.log(code, field));
 * ```
 */
export type FileInput = FileContent | FileOnDisk | NamedFile;

/** A file as the engine takes it. */
export interface Upload {
  /** JSON: `{"path"}` or `{"bytes": true}`, and what is said of the file. */
  readonly source: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array;
  /** Its pieces instead, where it is handed over as it is read. */
  readonly rest?: AsyncIterator<Uint8Array>;
  readonly onProgress: FileOptions['onProgress'];
}

/** What an operation says of its file where the file itself does not. */
export interface FileDefaults {
  readonly filename?: string | undefined;
  readonly contentType?: string | undefined;
}

const EMPTY = new Uint8Array(0);
const KNOWN: readonly string[] = ['path', 'content', 'filename', 'contentType', 'onProgress'];

/** The bytes that a value is, if it is bytes. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return undefined;
}

/** Whether a value is a file to send, and not data that happens to be an object. */
export function isFile(value: unknown): value is FileInput {
  if (typeof value !== 'object' || value === null) return false;
  if ('content' in value) return isContent(value.content);
  if ('path' in value && !isContent(value)) {
    if (typeof value.path === 'string' || value.path instanceof URL) return true;
    throw invalidInput('path', 'path is no path');
  }
  return isContent(value);
}

function isContent(value: unknown): value is FileContent {
  if (typeof value !== 'object' || value === null) return false;
  return (
    bytesOf(value) !== undefined ||
    value instanceof Blob ||
    value instanceof ReadableStream ||
    Symbol.asyncIterator in value
  );
}

/** Makes a file ready for the engine, which may be one that takes streams. */
export async function uploadOf(
  file: FileInput,
  defaults: FileDefaults,
  streams: boolean,
): Promise<Upload> {
  if (isContent(file)) return upload({ content: file }, defaults, streams);
  return upload(file, defaults, streams);
}

async function upload(
  file: FileOnDisk | NamedFile,
  defaults: FileDefaults,
  streams: boolean,
): Promise<Upload> {
  const unknown = Object.keys(file).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined && !isContent(file)) {
    throw invalidInput(unknown, `${unknown} is nothing that can be said of a file`);
  }
  const { onProgress } = file;
  const contentType = file.contentType ?? defaults.contentType;
  const given = file.filename ?? defaults.filename;
  if ('path' in file) {
    const source = { path: pathOf(file.path), filename: given, content_type: contentType };
    return { source, bytes: EMPTY, onProgress };
  }
  const { content } = file;
  checkFree(content);
  const blob = content instanceof Blob ? content : undefined;
  const filename = given ?? (blob as { name?: string } | undefined)?.name;
  // A Blob that does not know its type has an empty one.
  const content_type = contentType ?? (blob?.type || undefined);
  // Not every browser's stream can be iterated over.
  if (streams && bytesOf(content) === undefined && Symbol.asyncIterator in content) {
    const rest = piecesOf(content as AsyncIterable<unknown>);
    return { source: { filename, content_type }, bytes: EMPTY, rest, onProgress };
  }
  const bytes = await read(content);
  return { source: { bytes: true, filename, content_type }, bytes, onProgress };
}

/** Refuses a stream that somebody else reads, or has read. */
function checkFree(content: FileContent): void {
  if (content instanceof ReadableStream && content.locked) {
    throw invalidInput('body', 'the stream is read by somebody else already');
  }
}

/** All of a content. */
async function read(content: FileContent): Promise<Uint8Array> {
  const bytes = bytesOf(content);
  if (bytes !== undefined) return bytes;
  if (content instanceof Blob || !(Symbol.asyncIterator in content)) {
    return new Uint8Array(await new Response(content as Blob).arrayBuffer());
  }
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const part of piecesOf(content as AsyncIterable<unknown>)) parts.push(part);
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function* piecesOf(
  stream: AsyncIterable<unknown>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  for await (const part of stream) {
    const bytes = typeof part === 'string' ? new TextEncoder().encode(part) : bytesOf(part);
    if (bytes === undefined) throw invalidInput('file', 'the stream has parts that are no bytes');
    yield bytes as Uint8Array<ArrayBuffer>;
  }
}

/** A path as the system has it. */
export function pathOf(path: string | URL): string {
  if (typeof path === 'string') return path;
  if (!((path as unknown) instanceof URL)) throw invalidInput('path', 'path is no path');
  if (path.protocol !== 'file:') throw invalidInput('path', `${path.href} is not a file: URL`);
  // On Windows the drive comes behind a slash.
  return decodeURIComponent(path.pathname).replace(/^\/(?=[a-z]:\/)/i, '');
}
