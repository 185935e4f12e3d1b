// The live page of the mock server: what the product offers, by clicks.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { openPage, SHOTS, startBrowser, startServer } from './support.mjs';

let server, browser;
before(async () => {
  server = await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  server?.stop();
});
beforeEach(() => server.control('POST', '/reset', {}));

/** Opens a section, works in it, and holds the page to its manners. */
async function on(section, work, options) {
  const { page, close } = await openPage(browser, `${server.url}/__mock/ui#${section}`, options);
  try {
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.locator('.live.on').waitFor();
    await work(page);
  } finally {
    await close();
  }
}
const SECTIONS = {
  flows: 'Flows',
  runs: 'Runs',
  sessions: 'Sessions',
  keys: 'API keys',
  webhooks: 'Webhooks',
  requests: 'Requests',
  faults: 'Faults',
  clock: 'Clock and state',
  verdict: 'Verdict',
};
async function go(page, section) {
  await page.goto(`${server.url}/__mock/ui#${section}`);
  await page.getByRole('heading', { level: 1, name: SECTIONS[section], exact: true }).waitFor();
}
const button = (scope, name) => scope.getByRole('button', { name, exact: true });
const lastCall = (page) => page.locator('#last');
const requests = async (filter = '') => (await server.control('GET', `/requests?${filter}`)).items;
async function until(check, what) {
  for (let turn = 0; turn < 100; turn++) {
    const found = await check();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`never: ${what}`);
}

test('one file, small, that runs nothing but its own script', async () => {
  const answer = await fetch(`${server.url}/__mock/ui`);
  const text = await answer.text();
  assert.ok(text.length < 60_000, `${text.length} bytes`);
  assert.doesNotMatch(text, /<(script|link|img)[^>]+(src|href)="(?!data:)/);
  const policy = answer.headers.get('content-security-policy');
  assert.match(policy, /default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-/);
  const foreign = await fetch(`${server.url}/__mock/keys`, {
    headers: { origin: 'http://example.com' },
  });
  assert.equal(foreign.status, 403);
});

test('looking at everything leaves no request, and no fault strikes the page', async () => {
  await server.control('POST', '/faults', { kind: 'status', status: 500, scope: 'default' });
  await on('flows', async (page) => {
    const sections = page.getByRole('navigation', { name: 'Sections' }).getByRole('link');
    const count = await sections.count();
    assert.equal(count, 9);
    for (let at = 0; at < count; at++) {
      const name = (await sections.nth(at).innerText()).split('\n')[0];
      await sections.nth(at).click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
      assert.equal(await sections.nth(at).getAttribute('aria-current'), 'page');
    }
  });
  assert.deepEqual(await requests(), []);
});

test('a flow runs token by token, remembers, takes tweaks, and shows its call', async () => {
  await on('flows/hello-flow', async (page) => {
    await page.getByText(`${server.url}/langflow/api/v1/flows/hello-flow/run`).waitFor();
    await button(page, 'Copy').first().click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, `${server.url}/langflow/api/v1/flows/hello-flow/run`);

    const answer = page.getByRole('region', { name: 'Answer' });
    await page.getByLabel('Message').fill('My name is Alice');
    await page.getByLabel('continue the session').check();
    await button(page, 'Run').click();
    const seen = new Set();
    await until(async () => {
      seen.add(await answer.innerText());
      return (await answer.innerText()).trim() === 'Got it: your name is Alice.';
    }, 'the whole answer');
    assert.ok(seen.size > 3, `it came in pieces: ${[...seen].join(' | ')}`);
    assert.match(await lastCall(page).innerText(), /POST .*hello-flow\/run .*Alice/);

    await page.getByText('session new').waitFor();
    await page.getByLabel('Message').fill('What is my name?');
    await page.getByText('Tweaks for this run').click();
    await page.getByLabel('OpenAI-xxxxx · temperature').fill('0.7');
    await page.getByLabel('Message').press('Control+Enter');
    await page.getByText('session continued').waitFor();
    assert.match(await answer.innerText(), /your name is Alice/i);
  });
  const [, second] = await requests('operation=runFlow&whole=true');
  assert.deepEqual(JSON.parse(second.body.text).tweaks, { 'OpenAI-xxxxx': { temperature: 0.7 } });
});

test('what goes wrong in a run is said', async () => {
  await on('flows/failing-flow', async (page) => {
    const answer = page.getByRole('region', { name: 'Answer' });
    await button(page, 'Run').click();
    await answer.locator('.note.bad').waitFor();
    await server.control('POST', '/faults', { kind: 'close', at: 'after_events', events: 3 });
    await page.getByRole('link', { name: 'Hello flow' }).click();
    await page.getByRole('heading', { level: 2, name: 'Hello flow' }).waitFor();
    await button(page, 'Run').click();
    const note = page.getByRole('region', { name: 'Answer' }).locator('.note.bad');
    await note.waitFor();
    await server.control('POST', '/faults', { kind: 'stall', at: 'after_events', events: 4 });
    await button(page, 'Run').click();
    await button(page, 'Stop').click();
    await note.getByText('Stopped: the connection was closed.').waitFor();
    await until(async () => (await requests('ending=client_closed')).length === 1, 'closed');
  });
});

test('a flow goes out as JSON and Python and comes in again', async () => {
  await on('flows/echo', async (page) => {
    await page.getByText('Export', { exact: true }).click();
    const [json] = await Promise.all([
      page.waitForEvent('download'),
      button(page, 'Download JSON').click(),
    ]);
    assert.equal(json.suggestedFilename(), 'echo.json');
    const flow = JSON.parse(await readFile(await json.path(), 'utf8'));
    await button(page, 'Show Python').click();
    const python = await fetch(`${server.url}/langflow/api/v1/flows/echo/export?format=python`, {
      headers: { authorization: `Bearer ${server.api_key}` },
    });
    if (python.ok) {
      await page.getByText('Runs without Langflow').waitFor();
      assert.equal(
        (await page.locator('pre').last().textContent()).trim(),
        (await python.text()).trim(),
      );
    } else
      await lastCall(page)
        .getByText((await python.json()).code)
        .waitFor();
    await page.getByText('Call it from code').click();
    await page.getByText('from langflow import Client').waitFor();

    const file = join(tmpdir(), `langflow-ui-${process.pid}.json`);
    await writeFile(file, JSON.stringify({ ...flow, id: 'echo-again', name: 'Echo again' }));
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByRole('link', { name: 'Echo again' }).click();
    await page.getByRole('heading', { level: 2, name: 'Echo again' }).waitFor();
  });
  assert.equal((await server.api('GET', '/flows/echo-again')).name, 'Echo again');
});

test('settings of a flow', async () => {
  await on('flows/echo', async (page) => {
    await page.getByText('Settings and default webhook').click();
    await page.getByLabel('Session timeout in seconds').fill('60');
    await page.getByLabel('Default webhook URL').fill('http://127.0.0.1:9/hook');
    await page.getByLabel('flow_error').check();
    await button(page, 'Save').click();
    await page.getByText('Settings saved').first().waitFor();
  });
  const settings = await server.api('GET', '/flows/echo/settings');
  assert.equal(settings.session_timeout, 60);
  assert.equal(settings.webhook_url, 'http://127.0.0.1:9/hook');
  assert.deepEqual(settings.webhook_events, ['flow_error']);
});

test('a key is shown once, tried, and revoked', async () => {
  await on('keys', async (page) => {
    await page.getByLabel('Name').fill('ci');
    await page.getByLabel('read', { exact: true }).check();
    await button(page, 'Create key').click();
    const dialog = page.getByRole('dialog');
    const secret = await dialog.locator('code').innerText();
    assert.match(secret, /^lf_/);
    await button(dialog, 'Done').click();
    const row = page.getByRole('row').filter({ hasText: 'ci' });
    await row.waitFor();
    assert.equal(await row.getByRole('cell', { name: 'read: yes' }).count(), 1);
    assert.equal(await row.getByRole('cell', { name: 'write: no' }).count(), 1);
    await button(row, 'Try as').click();
    const tried = page.getByRole('region', { name: 'What the key may do' });
    await tried.getByText('needs the permission `admin`').waitFor();
    assert.deepEqual(await tried.locator('.chip').allInnerTexts(), ['200', '200', '403', '403']);
    assert.equal(await page.getByLabel('Key of this page').inputValue(), 'ci');
    assert.ok(!(await page.content()).includes(secret), 'it is nowhere on the page any more');

    await page.getByLabel('Key of this page').selectOption('admin');
    await button(row, 'Revoke').click();
    await row.getByText('revoked').waitFor();
  });
});

test('runs and sessions come by themselves, and a session ends with the clock', async () => {
  await on('runs', async (page) => {
    await page.getByText('Nothing has run yet.').waitFor();
    await server.api('POST', '/flows/memory-chat/run', { input_value: 'My name is Ada' });
    await page.locator('summary').filter({ hasText: 'My name is Ada' }).click();
    await page.getByText('Components', { exact: true }).waitFor();
    await page.getByText('Chat Output').waitFor();

    await page.getByRole('link', { name: 'Sessions' }).click();
    const bar = page.getByRole('meter', { name: 'time to live' });
    await bar.waitFor();
    await until(async () => +(await bar.getAttribute('aria-valuenow')) > 1700, 'a full bar');
    await button(page, 'Advance the clock by 1m').click();
    await until(async () => +(await bar.getAttribute('aria-valuenow')) < 1745, 'a minute less');
    await page.getByText('2 messages').click();
    await page.getByText('My name is Ada').waitFor();
    await button(page, 'Let it expire').click();
    await page
      .getByText(/1 fell due: session expired/)
      .first()
      .waitFor();
    await page.getByText('No session is open').waitFor();
    await page.getByRole('link', { name: 'Clock and state' }).click();
    await page.locator('.steps').getByText('session expired').waitFor();
  });
});

test('a run is heard while it speaks, and has the badge of the fault that broke its answer', async () => {
  const text = 'one two three four five six seven eight';
  await server.control('POST', '/scripts', { text, delay_ms: 200 });
  await on('runs', async (page) => {
    const asked = { input_value: 'Count', background: true };
    await server.api('POST', '/flows/hello-flow/run', asked);
    await page.locator('summary').filter({ hasText: 'Count' }).click();
    const said = page.getByRole('region', { name: 'What it says' });
    await said.getByText('one').waitFor();
    assert.ok(!(await said.innerText()).includes('eight'), 'it has not ended yet');
    await page.getByText(text).waitFor();

    await server.control('POST', '/faults', { kind: 'truncate', bytes: 9 });
    await server.api('POST', '/flows/echo/run', { input_value: 'Broken' }).catch(() => {});
    const row = page.locator('summary').filter({ hasText: 'Broken' });
    await row.getByText('truncate').waitFor();
    await row.click();
    await page.getByText('truncate struck its answer').waitFor();
  });
  const [broken] = await requests('fault=truncate');
  assert.equal((await server.api('GET', `/runs/${broken.run_id}`)).input_value, 'Broken');
});

test('webhooks: create, send, attempts, deliver again', async () => {
  const received = [];
  const receiver = createServer((request, response) => {
    received.push(request.headers);
    request.resume().on('end', () => response.writeHead(received.length === 1 ? 500 : 204).end());
  });
  await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${receiver.address().port}/hook`;
  await on('webhooks', async (page) => {
    await page.getByLabel('Flow of the webhook').selectOption('echo');
    await page.getByLabel('URL', { exact: true }).fill(url);
    await button(page, 'Create webhook').click();
    assert.match(await page.getByRole('dialog').locator('code').innerText(), /^whsec_/);
    await page.getByRole('dialog').getByText('keeps it to sign with').waitFor();
    await button(page.getByRole('dialog'), 'Done').click();
    await button(page, 'Send').click();
    const delivery = page.locator('details').filter({ hasText: '2 attempts' });
    await delivery.waitFor();
    await delivery.locator('summary').click();
    await page.getByText('Attempt 2').waitFor();
    await page.getByText(/^msg_.*webhook-timestamp/).waitFor();
    await button(page, 'Deliver again').click();
    await until(() => received.length === 3, 'delivered again');
    await page.getByText('3 attempts').waitFor();
  });
  receiver.close();
  assert.ok(received[0]['webhook-signature'].startsWith('v1,'));
});

test('a fault is armed with a click, strikes, and is told in the journal', async () => {
  await on('faults', async (page) => {
    await page.getByRole('button', { name: /^Rate limited/ }).click();
    await page.getByLabel('Armed faults').getByText('rate_limited').waitFor();
    assert.match(await lastCall(page).innerText(), /Armed|POST \/__mock\/faults/);
    await server.api('POST', '/flows/echo/run', { input_value: 'Hi' });
    await page.getByLabel('Armed faults').getByText('rate_limited').waitFor({ state: 'detached' });
    await button(page, 'Arm').click();
    await page.getByLabel('Armed faults').getByText('latency').waitFor();
    await page.getByRole('button', { name: /^Bad signature/ }).click();
    const armed = page.getByLabel('Armed faults');
    await armed.getByText('delivery_bad_signature').waitFor();
    await button(armed, 'Disarm all').click();
    await armed.getByText('latency').waitFor({ state: 'detached' });

    await page.getByRole('link', { name: 'Requests' }).click();
    await page.locator('summary').filter({ hasText: '429' }).click();
    await page.locator('dd').getByText('rate_limited; scope=armed').waitFor();
    await page.getByText('is what POST /langflow/api/v1/flows/{flow_id}/run stands for').waitFor();
    await button(page, 'Copy as curl').first().click();
    const curl = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(curl, /^curl -X POST 'http:.*flows\/echo\/run'/);
    assert.match(curl, /Bearer \$LANGFLOW_API_KEY/);
    await button(page, 'Copy as check').click();
    const check = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    assert.deepEqual(check, { match: { operation: 'runFlow', flow_id: 'echo' }, count: 1 });
    assert.equal((await server.control('POST', '/verify', check)).ok, true);
    await button(page, 'Copy as test').click();
    const code = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(code, /verify\(operation="runFlow", flow_id="echo", count=1\)/);
    await page.getByLabel('Filter the requests').fill('listFlows');
    await page.getByText('None of them fits.').waitFor();
  });
});

test('the verdict names what a client did, and leads to its requests', async () => {
  await on('verdict', async (page) => {
    await page.getByText('Nothing to blame').waitFor();
    await server.api('GET', `/flows?key=${server.api_key}`);
    await page.getByText('secret_in_url').waitFor();
    await page.getByRole('link', { name: /^#\d+/ }).click();
    await page.getByRole('heading', { level: 1, name: 'Requests' }).waitFor();
    await page.getByText('Why', { exact: true }).waitFor();
  });
});

test('clock and state', async () => {
  await on('clock', async (page) => {
    await button(page, 'Freeze').click();
    await page.locator('#mode').getByText('frozen').waitFor();
    const before = (await server.control('GET', '/clock')).now;
    await button(page, '+1d').last().click();
    await until(async () => {
      const { now } = await server.control('GET', '/clock');
      return Date.parse(now) - Date.parse(before) === 86_400_000;
    }, 'a day later');
    await button(page, 'Save snapshot').click();
    await button(page, 'Restore').waitFor();
    await server.api('DELETE', '/flows/echo');
    await button(page, 'Restore').click();
    await until(async () => (await server.api('GET', '/flows/echo')).name, 'the flow again');
    page.once('dialog', (dialog) => dialog.accept());
    await button(page, 'Reset everything').click();
    await page.locator('#mode').getByText('real').waitFor();
  });
});

test('texts of flows and requests are texts', async () => {
  const name = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
  await server.api('POST', '/flows', { name, description: name });
  await server.api('POST', '/flows/echo/run', { input_value: name });
  await on('flows', async (page) => {
    await page.getByText(name).first().waitFor();
    await page.getByRole('link', { name: 'Runs' }).click();
    await page.getByText(name).first().waitFor();
    assert.equal(await page.title(), 'Runs · langflow-mock');
    assert.equal(await page.locator('main img, main script').count(), 0);
  });
});

test('the keyboard alone is enough', async () => {
  await on('flows', async (page) => {
    const focused = () => page.evaluate(() => document.activeElement.textContent.slice(0, 40));
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'Skip to the content');
    for (let turn = 0; turn < 20 && !(await focused()).startsWith('Faults'); turn++)
      await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Faults' }).waitFor();
    await until(
      () => page.evaluate(() => document.activeElement.id === 'main'),
      'the focus goes to the content',
    );
    for (let turn = 0; turn < 20 && !(await focused()).startsWith('Rate limited'); turn++)
      await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByLabel('Armed faults').getByText('rate_limited').waitFor();
    assert.match(await focused(), /^Rate limited/, 'the button keeps the focus');

    // What had the focus is gone: then the content has it, and not the top of the page.
    await button(page, 'Disarm').focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('Armed faults').getByText('rate_limited').waitFor({ state: 'detached' });
    const place = () => page.evaluate(() => document.activeElement.id);
    await until(async () => (await place()) === 'main', 'the content has the focus');

    await go(page, 'keys');
    await page.getByLabel('Name').fill('mine');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await until(async () => (await focused()) === '', 'the focus is back in the form');
    await page.getByRole('row').filter({ hasText: 'mine' }).waitFor();
    await button(page.getByRole('row').filter({ hasText: 'mine' }), 'Rotate').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await until(async () => (await focused()) === 'Rotate', 'the focus is back on the button');
  });
});

test('every control has a name', async () => {
  await server.api('POST', '/flows/hello-flow/run', { input_value: 'Hi' });
  await on('flows', async (page) => {
    for (const section of Object.keys(SECTIONS)) {
      await go(page, section);
      await page.waitForTimeout(150);
      const nameless = await page.evaluate(() =>
        [...document.querySelectorAll('button, a, input:not([hidden]), select, textarea, summary')]
          .filter((node) => {
            const name =
              node.getAttribute('aria-label') ?? node.labels?.[0]?.textContent ?? node.textContent;
            return !name.trim();
          })
          .map((node) => node.outerHTML),
      );
      assert.deepEqual(nameless, [], section);
    }
  });
});

for (const [look, options] of [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['narrow', { colorScheme: 'light', viewport: { width: 400, height: 800 } }],
]) {
  test(`every section fits and is legible: ${look}`, async () => {
    for (const flow of ['hello-flow', 'document-qa', 'failing-flow'])
      await server.api('POST', `/flows/${flow}/run`, { input_value: 'How do sessions work?' });
    await server.api('POST', '/flows/echo/webhooks', {
      url: 'http://127.0.0.1:9/hook',
      events: ['flow_completed'],
    });
    await server.api('POST', '/flows/echo/run', { input_value: 'Hi' });
    await server.control('POST', '/faults', { kind: 'latency', ms: 5, scope: 'rule' });
    await on(
      'flows',
      async (page) => {
        for (const section of Object.keys(SECTIONS)) {
          await go(page, section);
          const first = page
            .locator('main .list > details > summary, main .card .list > details > summary')
            .first();
          if (await first.count()) await first.click();
          await page.waitForTimeout(250);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(wide <= 0, `${section} is ${wide} px too wide`);
          assert.deepEqual(await page.evaluate(poorContrast), [], section);
          await page.screenshot({
            path: join(SHOTS, `${look}-${section}.png`),
            animations: 'disabled',
          });
        }
      },
      options,
    );
  });
}

/** Texts whose contrast is below 4.5 to 1, as the guidelines for accessibility measure it. */
function poorContrast() {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const over = (colour, below) => {
    canvas.fillStyle = `rgb(${below.join()})`;
    canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const light = (rgb) =>
    rgb
      .map((it) => it / 255)
      .map((it) => (it <= 0.03928 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4))
      .reduce((sum, it, at) => sum + it * [0.2126, 0.7152, 0.0722][at], 0);
  const poor = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    if (
      !texts.currentNode.textContent.trim() ||
      !node.checkVisibility() ||
      node.closest('script, style, :disabled, option')
    )
      continue;
    const line = [];
    for (let at = node; at; at = at.parentElement)
      line.unshift(getComputedStyle(at).backgroundColor);
    const back = line.reduce((below, colour) => over(colour, below), [255, 255, 255]);
    const fore = over(getComputedStyle(node).color, back);
    const [a, b] = [light(fore), light(back)].sort((one, two) => two - one);
    if ((a + 0.05) / (b + 0.05) < 4.5)
      poor.push(`${texts.currentNode.textContent.trim()}: ${fore} on ${back}`);
  }
  return [...new Set(poor)];
}
