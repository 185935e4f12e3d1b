// The hooks for React, and the example that uses them: a chat page in front of a mock server.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build as esbuild } from 'esbuild';
import { build as vite, preview } from 'vite';
import { launch, serve, startMock } from './site.mjs';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const SAID = "I'm doing well, thank you for asking!";
let mock;
let browser;
let work;
let hooks;
let chat;
let page;
let failures;

before(async () => {
  // Below this folder, so that bundlers find the packages.
  work = mkdtempSync(join(here, '.built-react-'));
  [mock, browser] = await Promise.all([startMock(), launch()]);
  const outdir = join(work, 'hooks');
  mkdirSync(outdir);
  writeFileSync(
    join(outdir, 'index.html'),
    '<div id="root"></div><script src="/main.js"></script>',
  );
  const entryPoints = { main: join(here, 'app/hooks.jsx') };
  // As it is developed: strict mode does nothing in what is built for production.
  const define = { 'process.env.NODE_ENV': '"development"' };
  await esbuild({ entryPoints, outdir, bundle: true, jsx: 'automatic', define });
  hooks = await serve(outdir, mock);

  const root = join(work, 'chat');
  cpSync(join(here, '../../examples/react-chat'), root, {
    recursive: true,
    filter: (source) => !/node_modules|dist/.test(source),
  });
  // Its own settings, which have the proxy, with the server that is there.
  process.env.LANGFLOW_URL = mock.url;
  process.env.LANGFLOW_API_KEY = mock.apiKey;
  await vite({ root, logLevel: 'error' });
  chat = await preview({ root, logLevel: 'error', preview: { port: 0, host: '127.0.0.1' } });
});
after(async () => {
  hooks?.stop();
  await Promise.all([chat?.close(), browser?.close()]);
  await mock?.stop();
  if (work) rmSync(work, { recursive: true, force: true });
});
afterEach(async () => {
  await mock.reset();
  const context = page?.context();
  page = undefined;
  await context?.close();
});

/** A page that has nothing to complain about: React warns on the console. */
async function open(url, options) {
  failures = [];
  page = await (await browser.newContext(options)).newPage();
  page.on('pageerror', (error) => failures.push(String(error)));
  page.on('console', (message) => {
    // The browser itself reports every status that is an error.
    const text = message.text();
    if (
      ['error', 'warning'].includes(message.type()) &&
      !text.startsWith('Failed to load resource')
    )
      failures.push(text);
  });
  await page.goto(url);
  return page;
}

const quiet = () => assert.deepEqual(failures, []);
const openHooks = () => open(hooks.url);
const openChat = (options) => open(chat.resolvedUrls.local[0], options);
/** What a hook of the page shows. */
const shown = (id) => page.evaluate((id) => globalThis.seen[id], id);
const until = (id, status) =>
  page.waitForFunction(([id, status]) => globalThis.seen[id]?.status === status, [id, status]);
const call = (id, method, ...args) =>
  page.evaluate(
    async ([id, method, args]) => {
      const result = await globalThis.hooks[id][method](...args);
      return result?.output;
    },
    [id, method, args],
  );
/** How the requests for a run have ended, the last first. */
async function endings() {
  const { items } = await (await fetch(`${mock.url}/__mock/requests?operation=runFlow`)).json();
  return items.map(({ ending }) => ending);
}
async function ends(ending) {
  for (const limit = Date.now() + 3000; Date.now() < limit;) {
    const [last] = await endings();
    if (last === ending) return;
    await new Promise((wake) => setTimeout(wake, 20));
  }
  assert.fail(`the run has not ended as ${ending}: ${await endings()}`);
}

test('useFlow: a run streams, ends, and can be forgotten', async () => {
  await openHooks();
  assert.equal((await shown('flow')).status, 'idle');
  assert.equal(await call('flow', 'run', 'Hello, how are you?'), SAID);
  const { status, text, error } = await shown('flow');
  assert.deepEqual({ status, text, error }, { status: 'done', text: SAID, error: undefined });
  const texts = await page.evaluate(() => globalThis.texts);
  const partial = texts.filter((text) => text !== '' && text !== SAID);
  assert.ok(partial.length > 2, `it came in ${partial.length} pieces`);
  assert.ok(partial.every((text) => SAID.startsWith(text)));
  await call('flow', 'reset');
  await until('flow', 'idle');
  assert.equal((await shown('flow')).text, '');
  quiet();
});

test('useFlow: stopped, it keeps what came and closes the connection', async () => {
  await openHooks();
  const running = call('flow', 'run', 'Hello, how are you?');
  await page.waitForFunction(() => globalThis.seen.flow.text !== '');
  await call('flow', 'stop');
  assert.equal(await running, undefined);
  const { status, text } = await shown('flow');
  assert.equal(status, 'stopped');
  assert.ok(text !== '' && text !== SAID && SAID.startsWith(text), text);
  await ends('client_closed');
  quiet();
});

test('useFlow: a second run ends the first, whose answer does not come between', async () => {
  await openHooks();
  const first = call('flow', 'run', 'Hello, how are you?');
  await page.waitForFunction(() => globalThis.seen.flow.text !== '');
  const second = await call('flow', 'run', 'My name is Alice');
  assert.equal(await first, undefined);
  assert.match(second, /Alice/);
  assert.equal((await shown('flow')).text, second);
  quiet();
});

test('useFlow: an error is state, with what came before it', async () => {
  await openHooks();
  await mock.fault({ kind: 'reset', at: 'after_events', events: 7 });
  assert.equal(await call('flow', 'run', 'Hello, how are you?'), undefined);
  const { status, text, error } = await shown('flow');
  assert.equal(status, 'failed');
  assert.ok(text !== '' && SAID.startsWith(text), text);
  assert.deepEqual(error, { known: true, code: 'stream_interrupted', mayHaveExecuted: true });
  await mock.fault({ kind: 'status', status: 404 });
  await call('flow', 'run', 'Hello, how are you?');
  const after = await shown('flow');
  assert.equal(after.error.code, 'not_found');
  assert.equal(after.text, '', 'nothing is left of the run before');
  quiet();
});

test('a component that goes away ends its run and is told nothing more', async () => {
  await openHooks();
  await page.evaluate(() => void globalThis.hooks.flow.run('Hello, how are you?'));
  await page.waitForFunction(() => globalThis.seen.flow.text !== '');
  await page.evaluate(() => globalThis.show(false));
  await ends('client_closed');
  const renders = await page.evaluate(() => globalThis.texts.length);
  // Whoever kept the function cannot wake it.
  assert.equal(await call('flow', 'run', 'Hello, how are you?'), undefined);
  await page.waitForTimeout(300);
  assert.equal(await page.evaluate(() => globalThis.texts.length), renders);
  assert.equal((await endings()).length, 1);
  quiet();
});

test('strict mode: what runs as the component begins runs once to its end', async () => {
  await open(`${hooks.url}#begin`);
  await until('begun', 'done');
  assert.equal((await shown('begun')).text, SAID);
  // React begins it twice and takes the first away.
  assert.equal((await endings()).filter((ending) => ending === 'complete').length, 1);
  quiet();
});

test('useChat: a conversation has a session, another one does not know it', async () => {
  await openHooks();
  assert.match(await call('chat', 'send', 'My name is Alice'), /Alice/);
  const { sessionId } = await shown('chat');
  assert.match(sessionId, /^session_/);
  assert.match(await call('chat', 'send', 'What is my name?'), /Alice/);
  const told = await shown('chat');
  assert.deepEqual(told.sessions, ['new', 'continued']);
  assert.deepEqual(told.roles, ['user', 'assistant', 'user', 'assistant']);
  assert.equal(told.sessionId, sessionId);
  await call('chat', 'reset');
  await until('chat', 'idle');
  assert.deepEqual((await shown('chat')).roles, []);
  assert.doesNotMatch(await call('chat', 'send', 'What is my name?'), /Alice/);
  assert.notEqual((await shown('chat')).sessionId, sessionId);
  await call('chat', 'reset', sessionId);
  assert.match(await call('chat', 'send', 'What is my name?'), /Alice/);
  quiet();
});

test('useChat: a failed answer can be asked for again', async () => {
  await openHooks();
  await mock.fault({ kind: 'status', status: 500 });
  assert.equal(await call('chat', 'send', 'Hello, how are you?'), undefined);
  const failed = await shown('chat');
  assert.deepEqual([failed.status, failed.error.code], ['failed', 'run_failed']);
  assert.equal(await call('chat', 'retry'), SAID);
  const { status, roles, texts } = await shown('chat');
  assert.equal(status, 'done');
  assert.deepEqual(roles, ['user', 'assistant']);
  assert.deepEqual(texts, ['Hello, how are you?', SAID]);
  quiet();
});

test('useChat: who goes on talking ends the answer that is coming', async () => {
  await openHooks();
  const first = call('chat', 'send', 'Hello, how are you?');
  await page.waitForFunction(() => globalThis.seen.chat.texts?.at(-1)?.length > 2);
  const second = await call('chat', 'send', 'My name is Alice');
  assert.equal(await first, undefined);
  const { states, texts } = await shown('chat');
  assert.deepEqual(states, ['done', 'stopped', 'done', 'done']);
  assert.equal(texts.at(-1), second);
  quiet();
});

test('on a server the hooks render, make no client and send nothing', async () => {
  const outfile = join(work, 'server.mjs');
  const entryPoints = [join(here, 'app/hooks-server.jsx')];
  await esbuild({
    entryPoints,
    outfile,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    jsx: 'automatic',
  });
  const { stdout } = await run(process.execPath, [outfile]);
  assert.equal(stdout, '<p>idle 0</p>\n');
});

test('the example compiles under the strict options', async () => {
  const tsc = join(here, 'node_modules/typescript/bin/tsc');
  const compiled = await run(process.execPath, [tsc, '-p', join(work, 'chat')]).catch((e) => e);
  assert.equal(compiled.stdout, '');
});

const log = () => page.getByRole('log', { name: 'Conversation' });
const answers = () => log().locator('.assistant .text');
const says = (text) => page.getByRole('status').filter({ hasText: text }).waitFor();

test('the chat: by keyboard alone, and as a screen reader hears it', async () => {
  await openChat();
  // The field has the focus from the start, and Enter sends.
  await page.locator('textarea:focus').waitFor();
  await page.keyboard.type('My name is Alice');
  await page.keyboard.press('Enter');
  await says('The flow is answering.');
  assert.equal(await page.locator('[aria-busy=true]').count(), 1);
  await says('The flow says: ');
  assert.match(await page.getByRole('status').innerText(), /Alice/);
  assert.equal(await page.locator('[aria-busy=true]').count(), 0);
  await page.keyboard.type('What is my name?');
  await page.keyboard.press('Enter');
  await answers().nth(1).filter({ hasText: 'Alice' }).waitFor();
  // A new conversation is reached by Tab, and gives the focus back.
  const session = await page.locator('.session').innerText();
  assert.match(session, /^session_/);
  for (let steps = 0; steps < 12; steps += 1) {
    await page.keyboard.press('Tab');
    if (
      await page
        .getByRole('button', { name: 'New conversation' })
        .evaluate((one) => one === document.activeElement)
    )
      break;
  }
  await page.keyboard.press('Enter');
  assert.equal(await log().locator('article').count(), 0);
  assert.ok(await page.getByLabel('Message').evaluate((one) => one === document.activeElement));
  await page.keyboard.type('What is my name?');
  await page.keyboard.press('Enter');
  await says('The flow says: ');
  assert.doesNotMatch(await answers().first().innerText(), /Alice/);
  quiet();
});

test('the chat: an answer comes in pieces and Escape stops it', async () => {
  await openChat();
  await page.getByLabel('Message').fill('Hello, how are you?');
  await page.keyboard.press('Enter');
  await answers()
    .filter({ hasText: /^.{2,20}$/ })
    .waitFor();
  await page.keyboard.press('Escape');
  await says('Stopped.');
  assert.notEqual(await answers().innerText(), SAID);
  assert.ok(await page.getByText('Stopped before its end.').isVisible());
  await ends('client_closed');
  quiet();
});

test('the chat: tweaks go with the next message', async () => {
  await openChat();
  await page.getByLabel(/^Temperature/).fill('1.5');
  await page.getByLabel('Tokens at most').fill('3');
  await page.getByLabel('Message').fill('Hello, how are you?');
  await page.getByRole('button', { name: 'Send' }).click();
  await says('The flow says: ');
  const sent = async () =>
    JSON.parse((await mock.requests({ operation: 'runFlow' })).at(0).body.text).tweaks;
  assert.deepEqual(await sent(), { 'OpenAI-xxxxx': { temperature: 1.5, max_tokens: 3 } });
  await page.getByRole('button', { name: 'As the flow has them' }).click();
  await page.getByLabel('Message').fill('Hello, how are you?');
  await page.getByRole('button', { name: 'Send' }).click();
  await answers().nth(1).filter({ hasText: SAID }).waitFor();
  quiet();
});

test('the chat: an error says what happened, and can be tried again', async () => {
  await openChat();
  await mock.fault({ kind: 'status', status: 500 });
  await page.getByLabel('Message').fill('Hello, how are you?');
  await page.keyboard.press('Enter');
  const alert = page.getByRole('alert');
  await alert.filter({ hasText: 'run_failed' }).waitFor();
  await alert.getByRole('button', { name: 'Try again' }).click();
  await answers().filter({ hasText: SAID }).waitFor();
  assert.equal(await alert.count(), 0);
  assert.equal(await log().locator('article').count(), 2);
  assert.ok(await page.getByLabel('Message').evaluate((one) => one === document.activeElement));
  // A flow that fails by itself.
  await page.getByRole('combobox', { name: 'Flow' }).selectOption('failing-flow');
  await page.getByLabel('Message').fill('Hello!');
  await page.keyboard.press('Enter');
  await alert.waitFor();
  quiet();
});

test('the chat: light, dark and narrow', async () => {
  for (const [name, options] of Object.entries({
    light: { colorScheme: 'light', viewport: { width: 1100, height: 700 } },
    dark: { colorScheme: 'dark', viewport: { width: 1100, height: 700 } },
    narrow: { colorScheme: 'light', viewport: { width: 400, height: 800 } },
  })) {
    await openChat(options);
    await page.getByLabel('Message').fill('My name is Alice');
    await page.keyboard.press('Enter');
    await says('The flow says: ');
    await mock.fault({ kind: 'status', status: 503, times: 9 });
    await page.getByLabel('Message').fill(`What is my name? ${'x'.repeat(80)}`);
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    // Nothing is wider than the screen.
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), name);
    if (process.env.SCREENSHOTS)
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png`, fullPage: true });
    quiet();
    await page.context().close();
    await mock.reset();
  }
  page = undefined;
});
