/**
 * Flows as code: Python that runs without Langflow, calls in four languages, typed tweaks. Nothing
 * here needs a client or a server. For Node, Bun and Deno with the native addon.
 *
 * @packageDocumentation
 */
import type { Tweaks } from './client.js';
import { loadAddon } from './engine-node.js';
import { toJson } from './json.js';
import { objectOf } from './options.js';
import { invalidInput, translate } from './raise.js';

/** A flow file: its text, its bytes, or what it says as an object. */
export type FlowSource = string | Uint8Array | object;

/** How a program is written. */
export interface PythonOptions {
  /** Write functions that raise for what cannot be said in Python, instead of refusing the flow. */
  readonly stubs?: boolean | undefined;
  /** Add `stream()`, and `astream()` where `asynchronous` is set too. */
  readonly stream?: boolean | undefined;
  /** Add `arun()`, which can be awaited. */
  readonly asynchronous?: boolean | undefined;
  /** Settings of components that are changed first, as in a run. */
  readonly tweaks?: Tweaks | undefined;
}

/** What a snippet calls. */
export interface SnippetOptions {
  /** What to write. */
  readonly language: 'python' | 'typescript' | 'rust' | 'curl';
  /** Id of the flow on its server; a placeholder if absent. */
  readonly flowId?: string | undefined;
  /** Where the workspace is; from the environment if absent. */
  readonly baseUrl?: string | undefined;
  /** What is asked; the text of the flow's own Chat Input if absent. */
  readonly inputValue?: string | undefined;
}

/**
 * A flow as a Python program over LangChain that does the same and needs no Langflow. No secret of
 * the flow is in it.
 *
 * @throws `InvalidInput` if the file is no flow or holds components without a translation; the
 * message names all of them, with the reasons.
 */
export function toPython(flow: FlowSource, options: PythonOptions = {}): string {
  const { stubs, stream, asynchronous, tweaks } = known(options, PYTHON);
  return compute('export.to_python', { stubs, stream, asynchronous, tweaks }, flow);
}

/** The code that calls a flow with this client, its components by name. */
export function snippet(flow: FlowSource, options: SnippetOptions): string {
  const { language, flowId, baseUrl, inputValue } = known(options, SNIPPET);
  const args = { language, flow_id: flowId, base_url: baseUrl, input_value: inputValue };
  return compute('export.snippet', args, flow);
}

/** What can be set in a flow for one run, as a module of types. */
export function tweakTypes(flow: FlowSource, language: 'python' | 'typescript'): string {
  return compute('export.types', { language }, flow);
}

const PYTHON = ['stubs', 'stream', 'asynchronous', 'tweaks'];
const SNIPPET = ['language', 'flowId', 'baseUrl', 'inputValue'];

/** Options without any that nobody knows, which would do nothing. */
function known<T extends object>(options: T, names: readonly string[]): T {
  for (const [name, value] of Object.entries(objectOf(options, 'options'))) {
    if (value === undefined || names.includes(name)) continue;
    throw invalidInput(name, `${name} is no option here; there are ${names.join(', ')}`);
  }
  return options;
}

function compute(name: string, args: object, flow: FlowSource): string {
  const text = toJson(args);
  const file = flow instanceof Uint8Array ? flow : new TextEncoder().encode(textOf(flow));
  try {
    return JSON.parse(loadAddon().compute(name, text, file)) as string;
  } catch (thrown) {
    throw translate(thrown);
  }
}

function textOf(flow: string | object): string {
  return typeof flow === 'string' ? flow : toJson(flow);
}
