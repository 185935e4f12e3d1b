// Proxies, private authorities and client certificates, as a company's network has them.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ConnectFailed, InvalidInput, LangflowClient, TlsFailed } from 'langflow-client';
import { failure, json, rawServer, runAnswer } from './support.mjs';

/** A host that no resolver knows: only a proxy finds it. */
const HOST = 'langflow.test';
const root = fileURLToPath(new URL('..', import.meta.url));
const open = [];
let folder;
let ca;
let shown;
let tls;

const file = (name) => join(folder, name);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'langflow-client-tls-'));
  const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=CA');
  for (const [name, extension] of [
    ['server', `subjectAltName=DNS:${HOST},IP:127.0.0.1`],
    ['client', 'extendedKeyUsage=clientAuth'],
  ]) {
    writeFileSync(file('extension'), extension);
    const asked = ['-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=a ${name}`];
    openssl('req', ...key, ...asked);
    const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
    const files = ['-in', `${name}.csr`, '-out', `${name}.crt`, '-extfile', 'extension'];
    openssl('x509', '-req', ...files, ...signer);
  }
  ca = file('ca.pem');
  shown = file('client.pem');
  writeFileSync(shown, readFileSync(file('client.crt')) + readFileSync(file('client.key'), 'utf8'));
  tls = await tlsServer();
});
after(async () => {
  for (const server of open) server.close();
  await rm(folder, { recursive: true, force: true });
});

async function listening(server) {
  open.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

/** A server that answers runs over TLS, and remembers heads and the clients' certificates. */
async function tlsServer(options = {}) {
  const seen = { heads: [], clients: [] };
  const pem = { key: readFileSync(file('server.key')), cert: readFileSync(file('server.crt')) };
  const server = createTlsServer({ ...pem, ...options }, (socket) => {
    socket.on('error', () => undefined);
    const subject = socket.getPeerCertificate()?.subject;
    if (subject !== undefined) seen.clients.push(subject.CN);
    socket.once('data', (data) => {
      seen.heads.push(String(data).split('\r\n\r\n')[0]);
      socket.end(json(200, runAnswer('Hello!')));
    });
  });
  const port = await listening(server);
  return { ...seen, port, url: `https://127.0.0.1:${port}`, named: `https://${HOST}:${port}` };
}

/** Passes requests and tunnels on to one port, wherever they say that they go. */
async function proxyServer(target, user) {
  const heads = [];
  const wanted = user && `Basic ${Buffer.from(user).toString('base64')}`;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => {
      const head = String(data).split('\r\n\r\n')[0];
      heads.push(head);
      if (/^proxy-authorization: (.*)$/im.exec(head)?.[1] !== wanted) {
        socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
        return;
      }
      const onward = connect(target, '127.0.0.1');
      onward.on('error', () => socket.destroy());
      if (head.startsWith('CONNECT ')) socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      else onward.write(data);
      socket.pipe(onward).pipe(socket);
    });
  });
  const port = await listening(server);
  const url = (as) => `http://${as === undefined ? '' : `${as}@`}127.0.0.1:${port}`;
  return { heads, url };
}

async function run(baseUrl, options = {}) {
  const client = new LangflowClient({ baseUrl, apiKey: 'k', maxRetries: 0, ...options });
  return (await client.runFlow({ flowId: 'f', inputValue: 'x' })).text;
}

test('an authority of one’s own', async () => {
  const error = await failure(run(tls.url));
  assert.ok(error instanceof TlsFailed && !error.mayHaveExecuted, String(error));
  assert.equal(await run(tls.url, { caBundle: ca }), 'Hello!');
  const other = await failure(run(`https://localhost:${tls.port}`, { caBundle: ca }));
  assert.ok(other instanceof TlsFailed, 'a name that the certificate does not have');
});

test('a certificate to show', async () => {
  const asking = await tlsServer({ ca: readFileSync(ca), requestCert: true });
  assert.equal(await run(asking.url, { caBundle: ca, clientCert: shown }), 'Hello!');
  assert.deepEqual(asking.clients, ['a client']);
  const error = await failure(run(asking.url, { caBundle: ca }));
  assert.ok(['tls_failed', 'connection_lost', 'connect_failed'].includes(error.code), error.code);
  assert.equal(asking.heads.length, 1);
});

test('files that are none', async () => {
  for (const [field, options] of [
    ['caBundle', { caBundle: '/does/not/exist' }],
    ['clientCert', { clientCert: '/does/not/exist' }],
    ['clientCert', { clientCert: ca }],
  ]) {
    const error = await failure(run(tls.url, options));
    assert.ok(error instanceof InvalidInput && error.field === field, String(error));
  }
});

test('a tunnel with a password', async () => {
  const proxy = await proxyServer(tls.port, 'user:s3cret');
  const before = tls.heads.length;
  assert.equal(await run(tls.named, { caBundle: ca, proxy: proxy.url('user:s3cret') }), 'Hello!');
  assert.match(proxy.heads[0], new RegExp(`^CONNECT ${HOST}:${tls.port} HTTP/1.1`));
  assert.doesNotMatch(proxy.heads[0], /Bearer/, 'the proxy does not see the key');
  assert.match(tls.heads.at(-1), /^authorization: Bearer k$/im);
  assert.doesNotMatch(tls.heads.at(-1), /proxy-authorization/i);
  const error = await failure(run(tls.named, { caBundle: ca, proxy: proxy.url('user:wr0ng') }));
  assert.equal(error.mayHaveExecuted, false);
  assert.match(error.message, /proxy/i);
  assert.doesNotMatch(`${error} ${JSON.stringify(error)}`, /wr0ng/);
  assert.equal(tls.heads.length, before + 1);
});

test('a proxy for plain http', async () => {
  const server = await rawServer(({ socket }) => socket.end(json(200, runAnswer('Hello!'))));
  try {
    const proxy = await proxyServer(Number(new URL(server.url).port), 'user:s3cret');
    const options = { allowHttp: true, proxy: proxy.url('user:s3cret') };
    assert.equal(await run(`http://${HOST}`, options), 'Hello!');
    assert.match(proxy.heads[0], new RegExp(`^POST http://${HOST}/`));
    const error = await failure(run(`http://${HOST}`, { ...options, proxy: proxy.url() }));
    assert.equal(error.status, 407);
    assert.equal(error.mayHaveExecuted, false);
  } finally {
    await server.stop();
  }
});

/** Runs in a process of its own, whose environment is another one. */
async function elsewhere(environment, options = {}) {
  const script = `
    import { LangflowClient } from 'langflow-client';
    const [baseUrl, options] = process.argv.slice(1);
    const client = new LangflowClient({
      baseUrl, apiKey: 'k', maxRetries: 0, ...JSON.parse(options),
    });
    console.log(
      await client.runFlow({ flowId: 'f', inputValue: 'x' }).then(
        (result) => result.text,
        (error) => error.code,
      ),
    );`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', script, tls.named, JSON.stringify(options)],
    { cwd: root, env: { PATH: process.env.PATH, ...environment } },
  );
  return stdout.trim();
}

test('the environment names a proxy, whom not to ask for through it, and an authority', async () => {
  const proxy = await proxyServer(tls.port, 'user:s3cret');
  const HTTPS_PROXY = proxy.url('user:s3cret');
  const LANGFLOW_CA_BUNDLE = ca;
  assert.equal(await elsewhere({ HTTPS_PROXY, LANGFLOW_CA_BUNDLE }), 'Hello!');
  assert.equal(await elsewhere({ https_proxy: HTTPS_PROXY, SSL_CERT_FILE: ca }), 'Hello!');
  assert.equal(await elsewhere({ HTTPS_PROXY }), 'tls_failed');
  assert.equal(proxy.heads.length, 3);
  const direct = [
    await elsewhere({ HTTPS_PROXY, LANGFLOW_CA_BUNDLE, NO_PROXY: `other.test,${HOST}` }),
    await elsewhere({ HTTPS_PROXY, LANGFLOW_CA_BUNDLE }, { proxy: '' }),
  ];
  assert.deepEqual(direct, ['connect_failed', 'connect_failed']);
  assert.equal(proxy.heads.length, 3);
});

test('fetch sends nothing to a server whose certificate is not good', async () => {
  const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const names = ['-subj', '/CN=own', '-addext', 'subjectAltName=IP:127.0.0.1'];
  openssl('req', '-x509', ...key, '-keyout', 'own.key', '-out', 'own.crt', ...names);
  const pem = { key: readFileSync(file('own.key')), cert: readFileSync(file('own.crt')) };
  const own = await tlsServer(pem);
  const script = `
    import { LangflowClient } from 'langflow-client';
    const client = new LangflowClient({ baseUrl: process.argv[1], apiKey: 'k', maxRetries: 0 });
    const error = await client.runFlow({ flowId: 'f', inputValue: 'x' }).catch((error) => error);
    console.log(error.code, error.mayHaveExecuted, error.text);`;
  const told = async (url, env = {}) => {
    const args = ['--input-type=module', '-e', script, url];
    env = { PATH: process.env.PATH, LANGFLOW_ENGINE: 'wasm', ...env };
    return (await promisify(execFile)(process.execPath, args, { cwd: root, env })).stdout.trim();
  };
  // UNABLE_TO_VERIFY_LEAF_SIGNATURE, DEPTH_ZERO_SELF_SIGNED_CERT, ERR_TLS_CERT_ALTNAME_INVALID
  const trusting = { NODE_EXTRA_CA_CERTS: ca };
  for (const [url, env] of [[tls.url], [own.url], [`https://localhost:${tls.port}`, trusting]]) {
    assert.equal(await told(url, env), 'tls_failed false undefined', url);
  }
  assert.equal(own.heads.length, 0);
  assert.equal(await told(tls.url, trusting), 'undefined undefined Hello!');
});

test('a proxy that is not there', async () => {
  const error = await failure(run(tls.named, { caBundle: ca, proxy: 'http://127.0.0.1:9' }));
  assert.ok(error instanceof ConnectFailed && !error.mayHaveExecuted, String(error));
});
