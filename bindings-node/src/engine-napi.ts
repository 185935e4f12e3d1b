/** The engine of Node: a native addon. */
import type { CancelHandle, Engine, EngineFactory } from './engine.js';

/** A mock server that runs inside this process. */
export interface NativeMockServer {
  /** Where it listens and what is in it, as JSON. */
  ready(): string;
  stop(): void;
}

/** What the addon exports. */
export interface Addon {
  readonly Engine: new (config: string) => Engine;
  readonly CancelHandle: new () => CancelHandle;
  invalidInput(field: string, message: string): string;
  /** Left out of addons that are built without it. */
  readonly MockServer?: new (config: string) => NativeMockServer;
}

let addon: Addon | undefined;

/** Loads the addon, once. */
export function loadAddon(): Addon {
  addon ??= requireAddon();
  return addon;
}

function requireAddon(): Addon {
  const names = addonNames();
  let cause: unknown;
  for (const name of names) {
    try {
      return require(`../native/${name}`) as Addon;
    } catch (thrown) {
      cause = thrown;
    }
  }
  throw new Error(
    `langflow-client: cannot load its native addon (${names.join(' or ')}) on ` +
      `${process.platform}-${process.arch} with Node ${process.version}. Install the package on the ` +
      'platform where it runs, or build the addon from the repository with `npm run build` in ' +
      'bindings-node.',
    { cause },
  );
}

/**
 * The file names that napi-rs gives the addon of this machine. Which C library
 * Linux has is cheaper to try than to find out.
 */
function addonNames(): string[] {
  const { platform, arch } = process;
  const suffixes = { linux: ['-gnu', '-musl'], win32: ['-msvc'] }[platform as string] ?? [''];
  return suffixes.map((suffix) => `langflow-client.${platform}-${arch}${suffix}.node`);
}

/** The native engine. */
export const napiEngine: EngineFactory = {
  language: `node/${process.versions.node}`,
  create: (config) => new (loadAddon().Engine)(config),
  cancelHandle: () => new (loadAddon().CancelHandle)(),
  invalidInput: (field, message) => loadAddon().invalidInput(field, message),
  environment: () => {
    // A worker thread has an environment of its own, which the native side cannot see.
    const found: Record<string, string> = {};
    for (const [name, value] of Object.entries(process.env)) {
      if (name.startsWith('LANGFLOW_') && value !== undefined) found[name] = value;
    }
    return found;
  },
};
