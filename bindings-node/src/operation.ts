/** What the generated code says about an operation, and what is done with it. */
import type { EngineReply } from './engine.js';
import { bytesOf, type FileDefaults, type FileInput, isFile } from './file.js';
import { InvalidResponse } from './generated/errors.js';
import { toJson } from './json.js';
import { invalidInput } from './raise.js';
import { type Fields, rename, renameFields, type Shape, type Shapes } from './wire.js';

/** A success answer. */
export interface Answer {
  readonly status: number;
  readonly kind: 'json' | 'text' | 'bytes' | 'empty' | 'sse';
  readonly type?: string;
  readonly shape?: Shape;
}

/** An operation, as the document has it. */
export interface Operation {
  readonly id: string;
  /** Its row in the operation table, for the engine that does not have it. */
  readonly row?: string;
  /** The shapes that it names, where they are not those of the workspace. */
  readonly shapes?: Shapes;
  /** Path, query and header parameters: name outside, name on the wire. */
  readonly args: Readonly<Record<string, string>>;
  readonly body?: {
    readonly types: readonly string[];
    /** Where the body is a form: the argument that is its file. */
    readonly form?: { readonly file: string };
    /** The fields of a JSON object, which are arguments of the method. */
    readonly fields?: Fields;
    /** The shape of a body that is given as a whole. */
    readonly shape?: Shape;
  };
  readonly answers: readonly Answer[];
}

/** A call on its way to an engine. */
export interface Call {
  readonly head: string;
  readonly body: Uint8Array;
  /** The file that is its body, where that is not bytes already. */
  readonly file?: { readonly input: FileInput; readonly defaults: FileDefaults };
}

const JSON_TYPE = 'application/json';
const EMPTY = new Uint8Array(0);

/** Splits the arguments of a method into the head and the body of a call. */
export function buildCall(
  shapes: Shapes,
  operation: Operation,
  params: unknown,
  options: Record<string, unknown>,
): Call {
  if (typeof params !== 'object' || params === null || Array.isArray(params)) {
    throw invalidInput('params', `${operation.id} takes one object with its arguments`);
  }
  const args: Record<string, unknown> = {};
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(params)) {
    const wire = Object.hasOwn(operation.args, name) ? operation.args[name] : undefined;
    // What no field of a body can take goes to the engine, which refuses it by its name.
    if (wire !== undefined) args[wire] = value;
    else if (operation.body === undefined) args[name] = value;
    else rest[name] = value;
  }
  const form = operation.body?.form;
  if (form !== undefined) return buildForm(operation, form.file, args, rest, options);
  const { body, contentType, file } = buildBody(shapes, operation.body, rest);
  const head = toJson({
    op: operation.id,
    ...rowOf(operation),
    args,
    options,
    ...(contentType === undefined ? {} : { content_type: contentType }),
  });
  return { head, body, ...(file === undefined ? {} : { file }) };
}

function rowOf({ row }: Operation): { row?: string } {
  return row === undefined ? {} : { row };
}

function buildForm(
  operation: Operation,
  field: string,
  args: Record<string, unknown>,
  rest: Record<string, unknown>,
  options: Record<string, unknown>,
): Call {
  const { [field]: file, filename, ...unknown } = rest;
  const all = { ...args, ...unknown };
  const body = bytesOf(file);
  const head = { op: operation.id, ...rowOf(operation), args: all, options };
  if (body !== undefined) {
    return { head: toJson({ ...head, filename: filename ?? 'upload' }), body };
  }
  if (!isFile(file)) {
    throw invalidInput(field, `${operation.id} takes a file: bytes, a Blob, a stream or { path }`);
  }
  return {
    head: toJson(head),
    body: EMPTY,
    file: { input: file, defaults: { filename } as FileDefaults },
  };
}

function buildBody(
  shapes: Shapes,
  body: Operation['body'],
  given: Record<string, unknown>,
): Pick<Call, 'body' | 'file'> & { contentType?: string | undefined } {
  if (body === undefined) return { body: EMPTY };
  const whole = given['body'];
  const binary = body.types.find((type) => type !== JSON_TYPE && !type.endsWith('-urlencoded'));
  const contentType = given['contentType'] as string | undefined;
  const bytes = bytesOf(whole);
  // What bytes are of several types is the core's to find out.
  const found = body.types.length > 1 ? '*/*' : binary;
  if (bytes !== undefined) return { body: bytes, contentType: contentType ?? found };
  if (binary !== undefined && isFile(whole)) {
    const defaults = { contentType };
    return { body: EMPTY, file: { input: whole, defaults } };
  }
  if (body.fields === undefined) {
    const value = body.shape === undefined ? whole : rename(shapes, body.shape, whole, 'out');
    return value === undefined ? { body: EMPTY } : encode(toJson(value, 'body'));
  }
  if (Object.values(given).every((value) => value === undefined)) return { body: EMPTY };
  return encode(toJson(renameFields(shapes, body.fields, given, 'out')));
}

function encode(text: string): { body: Uint8Array; contentType: string } {
  return { body: new TextEncoder().encode(text), contentType: JSON_TYPE };
}

interface ReplyHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** The value of an answer: named data, text, bytes or nothing. */
export function readReply(shapes: Shapes, operation: Operation, reply: EngineReply): unknown {
  const head = JSON.parse(reply.head) as ReplyHead;
  const type = (head.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const answer = chooseAnswer(operation, head.status, type);
  if (answer === undefined || answer.kind === 'empty' || reply.body.length === 0) return undefined;
  if (answer.kind === 'bytes') return reply.body;
  const text = new TextDecoder().decode(reply.body);
  if (answer.kind !== 'json') return text;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InvalidResponse(
      { message: `the answer of ${operation.id} is not JSON`, status: head.status },
      { cause },
    );
  }
  return answer.shape === undefined ? value : rename(shapes, answer.shape, value, 'in');
}

/** The documented answer that fits best: by status and media type, then by either. */
function chooseAnswer(operation: Operation, status: number, type: string): Answer | undefined {
  const fits = [
    (answer: Answer) => answer.status === status && answer.type === type,
    (answer: Answer) => answer.type === type,
    (answer: Answer) => answer.status === status,
    () => true,
  ];
  for (const fit of fits) {
    const found = operation.answers.find(fit);
    if (found !== undefined) return found;
  }
  return undefined;
}
