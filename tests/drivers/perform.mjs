// What the drivers of LangflowClient share: performs a job and reports; asserts nothing. Runs in
// Node and in a browser.
const REPORTED = {
  code: 'code',
  message: 'message',
  hint: 'hint',
  phase: 'phase',
  may_have_executed: 'mayHaveExecuted',
  status: 'status',
  field: 'field',
  server_code: 'serverCode',
  errors: 'errors',
  request_id: 'requestId',
  retry_after: 'retryAfter',
  attempts: 'attempts',
  method: 'method',
  url: 'url',
  elapsed: 'elapsed',
  partial_text: 'partialText',
  outputs: 'outputs',
  body: 'body',
};
// Times are milliseconds in JavaScript and seconds in a vector.
const TIMES = new Set(['timeout', 'connectTimeout', 'firstByteTimeout', 'idleTimeout', 'cacheTtl']);
const SETTINGS = new Set(
  'baseUrl apiKey timeout connectTimeout firstByteTimeout idleTimeout maxRetries headers query allowHttp strictSessions repeatRuns skipMalformed api proxy caBundle clientCert requestsPerSecond maxConcurrent maxEvent cacheTtl cacheEntries username password organization'.split(' '),
);

const camel = (name) =>
  name
    .replace(/[_-]+(.)/g, (_, letter) => letter.toUpperCase())
    // `If-Match` is `ifMatch`.
    .replace(/^[A-Z]/, (letter) => letter.toLowerCase());

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function named(object) {
  return Object.fromEntries(
    Object.entries(object ?? {}).map(([name, value]) => {
      const key = camel(name);
      return [key, TIMES.has(key) && typeof value === 'number' ? value * 1000 : value];
    }),
  );
}

/**
 * A driver of a package. `inspect` shows an object as a log would; `always` are options of every
 * client.
 */
export function driver({ LangflowClient, LangflowError, NoSingleOutput, webhooks }, inspect, always = {}) {
  function errorReport(error) {
    const report = { class: error.name, display: inspect(error) };
    for (const [wire, name] of Object.entries(REPORTED)) report[wire] = error[name] ?? null;
    // An argument has its name in JavaScript; what is behind it, such as a tweak, is the caller's.
    report.hint = error.hint?.replace(/`[a-z]+[A-Z]\w*`/g, snake) ?? null;
    report.field = error.field?.replace(/^[a-z]\w*/, snake) ?? null;
    return report;
  }

  function resultReport(result) {
    const { output, reason, outputs, sessionId, sessionStatus, metadata, server, requestId, attempts, cached, skippedEvents, raw } = result;
    const report = { output, reason, outputs, sessionId, sessionStatus, metadata, server, requestId, attempts, cached, skipped_events: skippedEvents, raw };
    try {
      report.text = result.text;
      report.text_error = null;
    } catch (error) {
      if (!(error instanceof NoSingleOutput)) throw error;
      report.text = null;
      report.text_error = errorReport(error);
    }
    return report;
  }

  async function follow(stream) {
    const events = [];
    try {
      for await (const event of stream) {
        events.push(event.type === 'end' ? { type: 'end', result: resultReport(event.result) } : event);
      }
    } catch (error) {
      if (!(error instanceof LangflowError)) throw error;
      return { events, error: errorReport(error) };
    }
    return { events, error: null };
  }

  async function perform({ client: settings, call }) {
    const options = named(settings);
    if (Object.keys(options).some((name) => !SETTINGS.has(name))) return { unsayable: true };
    const client = new LangflowClient({ ...options, ...always });
    if (call.method === 'new') return { result: null };
    const callOptions = named(call.options);
    if (call.method === 'run_flow') {
      for (let before = 1; before < (call.times ?? 1); before += 1) {
        await client.runFlow(named(call.args), callOptions);
      }
      return { result: resultReport(await client.runFlow(named(call.args), callOptions)) };
    }
    if (call.method === 'stream_flow') {
      return follow(client.streamFlow(named(call.args), callOptions));
    }
    if (call.method === 'job') {
      const job = await client.runFlow({ ...named(call.args), background: true }, callOptions);
      return { result: resultReport(await job.wait()) };
    }
    if (call.method.startsWith('job.')) {
      const job = client.job(call.args.job_id);
      if (call.method === 'job.events') return follow(job.events(call.args.last_event_id));
      const known = await job[call.method.slice('job.'.length)]();
      return { result: known.error ? { ...known, error: errorReport(known.error) } : known };
    }
    if (call.method === 'request') {
      const { query, ...request } = call.args;
      return { result: (await client.request(request, { ...callOptions, ...(query && { query }) })) ?? null };
    }
    if (call.method === 'webhook.verify') {
      const { secrets, headers, body, tolerance } = call.args;
      return { result: await webhooks.verify({ headers, body }, { secret: secrets, tolerance }) };
    }
    if (call.method === 'upload') {
      return { result: await client.flows.import({ body: { path: call.path } }, callOptions) };
    }
    const path = call.method.split('.').map(camel);
    const method = path.pop();
    const resource = path.reduce((face, name) => face[name], client);
    const params = named({ ...call.args, ...call.body });
    return { result: (await resource[method](params, callOptions)) ?? null };
  }

  return async (job) => {
    try {
      return await perform(job);
    } catch (error) {
      return { error: error instanceof LangflowError ? errorReport(error) : String(error?.stack ?? error) };
    }
  };
}
