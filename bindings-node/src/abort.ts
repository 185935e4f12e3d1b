/** What listens to the caller's `AbortSignal`s. */

/** The listeners of each signal that has any, under the one that the signal knows of. */
const heard = new WeakMap<AbortSignal, Heard>();

const nothing = (): void => undefined;

interface Heard {
  readonly all: Set<() => void>;
  readonly listener: () => void;
}

/**
 * Calls `listener` when the signal fires, once. A signal has one listener of ours, however many calls share it: Node
 * warns of a leak from the eleventh on.
 *
 * @returns What ends it; a second time does nothing.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return nothing;
  const found = heard.get(signal) ?? listen(signal);
  // Of its own, so that a function that is given twice is called twice, and ends once.
  const own = (): void => listener();
  found.all.add(own);
  return () => {
    if (!found.all.delete(own) || found.all.size > 0) return;
    signal.removeEventListener('abort', found.listener);
    // The signal may have a new one, which came after it had fired.
    if (heard.get(signal) === found) heard.delete(signal);
  };
}

function listen(signal: AbortSignal): Heard {
  const all = new Set<() => void>();
  const listener = (): void => {
    heard.delete(signal);
    for (const one of all) one();
    all.clear();
  };
  const found = { all, listener };
  heard.set(signal, found);
  signal.addEventListener('abort', listener, { once: true });
  return found;
}
