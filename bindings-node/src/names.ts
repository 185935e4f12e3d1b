/** What arguments are called in JavaScript and on the wire, and how errors name them. */

/** Names outside, and on the wire. */
export type Names = Readonly<Record<string, string>>;

/** Options of a client. */
export const CLIENT_NAMES: Readonly<Record<string, string>> = {
  baseUrl: 'base_url',
  apiKey: 'api_key',
  connectTimeout: 'connect_timeout',
  firstByteTimeout: 'first_byte_timeout',
  idleTimeout: 'idle_timeout',
  maxRetries: 'max_retries',
  allowHttp: 'allow_http',
  strictSessions: 'strict_sessions',
  repeatRuns: 'repeat_runs',
  skipMalformed: 'skip_malformed',
  caBundle: 'ca_bundle',
  clientCert: 'client_cert',
  requestsPerSecond: 'requests_per_second',
  maxConcurrent: 'max_concurrent',
  cacheTtl: 'cache_ttl',
  cacheEntries: 'cache_entries',
  maxEvent: 'max_event',
};

/** Options of a call. */
export const REQUEST_NAMES: Readonly<Record<string, string>> = {
  maxRetries: 'max_retries',
  idempotencyKey: 'idempotency_key',
};

/** Arguments of a run. */
export const RUN_NAMES: Readonly<Record<string, string>> = {
  flowId: 'flow_id',
  inputValue: 'input_value',
  sessionId: 'session_id',
  outputIds: 'output_ids',
  deleteFiles: 'delete_files',
  jobId: 'job_id',
  lastEventId: 'last_event_id',
};

/** Thresholds of alerts. */
export const THRESHOLD_NAMES: Readonly<Record<string, string>> = {
  errorRate: 'error_rate',
  p95Latency: 'p95_latency',
  minCalls: 'min_calls',
};

/** Times that are milliseconds here and seconds on the wire. */
const TIMES = /(timeout|ttl)$|^(p95Latency|window)$/i;

/** Whether an option is milliseconds here. */
export function isTime(name: string): boolean {
  return TIMES.test(name);
}

/** What names of the wire are outside; made with the first error that has one. */
let known: ReadonlyMap<string, string> | undefined;

function outside(...tables: readonly Names[]): Map<string, string> {
  const pairs = tables.flatMap((table) => Object.entries(table));
  return new Map(pairs.map(([name, wire]) => [wire, name]));
}

/** What is said about an argument, in the names and the units of this package. */
export function spelled(field: string, message: string, names?: Names): [string, string] {
  const more = names === undefined ? undefined : outside(names);
  const all = (known ??= outside(
    { actionId: 'action_id' },
    CLIENT_NAMES,
    REQUEST_NAMES,
    RUN_NAMES,
    THRESHOLD_NAMES,
  ));
  const named = (wire: string): string => more?.get(wire) ?? all.get(wire) ?? wire;
  const argument = /^(?:(requests)(\[\d+\])\.)?(?:(?:options|args)\.)?(\w+)(.*)$/s.exec(field);
  if (argument === null) return [field, message];
  const [, many, index = '', wire = '', rest = ''] = argument;
  const name = named(wire);
  const path = `${many === undefined ? '' : `runs${index}.`}${name}${rest}`;
  let text = message.replaceAll(`${field} `, `${path} `);
  text = text.replace(/`(\w+)`/g, (_, word: string) => `\`${named(word)}\``);
  return [path, isTime(name) ? text.replace(/\bseconds\b/g, 'milliseconds') : text];
}
