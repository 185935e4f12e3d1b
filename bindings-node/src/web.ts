/** What the entries for browsers, workers and edge runtimes have in common. */
import { type EngineFactory, installEngine } from './engine.js';
import { wasmEngine, type WasmGlue, type WasmSource } from './engine-wasm.js';

/** Installs the engine of a platform; nothing is compiled before a client is made. */
export function install(glue: WasmGlue, source: () => WasmSource): void {
  let engine: EngineFactory | undefined;
  installEngine(
    () =>
      (engine ??= wasmEngine(glue, source, {
        language: language(),
        environment,
        page: isBrowser() ? around.location?.href : undefined,
      })),
  );
}

interface Surroundings {
  readonly document?: unknown;
  readonly location?: { readonly href: string };
  readonly navigator?: { readonly userAgent?: string };
  readonly EdgeRuntime?: string;
  readonly process?: {
    readonly versions?: Readonly<Record<string, string | undefined>>;
    readonly env?: Readonly<Record<string, string | undefined>>;
  };
}

const around: Surroundings = globalThis as unknown as Surroundings;

function language(): string {
  if (around.navigator?.userAgent === 'Cloudflare-Workers') return 'workerd';
  if (around.EdgeRuntime !== undefined) return 'edge';
  return around.document === undefined ? 'worker' : 'browser';
}

/** Whether this is a page or one of its workers; a server's runtime may look like either. */
function isBrowser(): boolean {
  const server =
    around.process?.versions?.['node'] !== undefined ||
    around.EdgeRuntime !== undefined ||
    around.navigator?.userAgent === 'Cloudflare-Workers';
  return !server && (around.document !== undefined || 'WorkerGlobalScope' in globalThis);
}

/** Edge runtimes have an environment like Node's; browsers have none. */
function environment(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(around.process?.env ?? {})) {
    if (name.startsWith('LANGFLOW_') && value !== undefined) found[name] = value;
  }
  return found;
}
