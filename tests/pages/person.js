// A person at a page of the console: Debian's Chromium, with a microphone that hears one tone.
//
// node person.js FOLDER MICROPHONE-WAV [no-microphone]
// Takes one step a line as JSON, `{"do": "click", "role": "button", "name": "Jawab"}`, and tells what came
// of it, `{"event": "done", …}`: each step waits until what it names is there.
'use strict';

const fs = require('fs');
const path = require('path');
const readline = require('readline');
const { chromium } = require('playwright-core');

const [folder, microphone, refused] = process.argv.slice(2);
const tell = (told) => console.log(JSON.stringify(told));
/** How long a step waits for what it names. */
const PATIENCE = 20_000;
const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

// What runs in the page before anything of its own: keeps what its telephone hears, which tones the page makes, and
// what it tells the system.
const ears = () => {
  window.heard = [];
  window.tones = [];
  window.notes = [];
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...of) {
    if (this.context.state === 'running') window.tones.push(this.frequency.value);
    return start.apply(this, of);
  };
  const Told = window.Notification;
  window.Notification = class extends Told {
    constructor(title, options) {
      super(title, options);
      window.notes.push(`${title}: ${options?.body ?? ''}`);
    }
  };
  const Connection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Connection {
    constructor(...of) {
      super(...of);
      this.addEventListener('track', ({ streams }) => window.heard.push(streams[0]));
    }
  };
  window.share = async (hertz) => {
    const context = new AudioContext();
    await context.resume();
    const source = context.createMediaStreamSource(window.heard.at(-1));
    const ear = context.createScriptProcessor(4096, 1, 1);
    const pieces = [];
    const done = new Promise((resolve) => {
      ear.onaudioprocess = ({ inputBuffer }) => {
        pieces.push(Float32Array.from(inputBuffer.getChannelData(0)));
        if (pieces.length * 4096 > context.sampleRate * 1.5) resolve();
      };
    });
    source.connect(ear);
    ear.connect(context.destination);
    await done;
    const rate = context.sampleRate;
    await context.close();
    const turn = 2 * Math.cos((2 * Math.PI * hertz) / rate);
    let [tone, all] = [0, Number.EPSILON];
    for (const piece of pieces) {
      let [last, before] = [0, 0];
      for (const sample of piece) {
        [last, before] = [sample + turn * last - before, last];
        all += sample * sample;
      }
      tone += (2 * (last * last + before * before - turn * last * before)) / piece.length;
    }
    return tone / all;
  };
};

const profile = fs.mkdtempSync(path.join(folder, 'person-'));
const hears = refused
  ? []
  : ['--use-fake-ui-for-media-stream', `--use-file-for-fake-audio-capture=${microphone}`];

const start = () =>
  chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    headless: true,
    ignoreHTTPSErrors: true,
    locale: 'id-ID',
    viewport: { width: 1600, height: 1000 },
    reducedMotion: 'reduce',
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--autoplay-policy=no-user-gesture-required',
      '--use-fake-device-for-media-stream', ...hears,
    ],
  });

const main = async () => {
  let browser;
  let page;
  const complaints = [];
  const begin = async () => {
    browser = await start();
    browser.setDefaultTimeout(PATIENCE);
    page = browser.pages()[0] ?? await browser.newPage();
    await page.addInitScript(ears);
    listen();
  };
  const listen = () => {
    page.on('console', (message) => {
      console.error(message.text());
      if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => {
      console.error(error.stack);
      complaints.push(String(error));
    });
  };
  await begin();

  const find = (step) => all(step).nth(step.nth ?? 0);
  const all = ({ role, name, label, text, within, exact = false }) => {
    const scope = within ? page.getByRole(within.role, { name: within.name }) : page;
    if (role) return scope.getByRole(role, name === undefined ? {} : { name, exact });
    if (label) return scope.getByLabel(label, { exact });
    return scope.getByText(text, { exact });
  };
  // Requests of one method that stay under way until they are let go.
  let held = null;
  const hold = async ({ method }) => {
    let letGo;
    let tellFirst;
    const gone = new Promise((resolve) => { letGo = resolve; });
    const first = new Promise((resolve) => { tellFirst = resolve; });
    held = { letGo, first };
    await page.route('**/api/**', async (route) => {
      if (route.request().method() === method) {
        tellFirst();
        await gone;
      }
      await route.continue();
    });
  };
  // What is done, and what is asked: these answer with an object.
  const acts = {
    open: ({ url }) => page.goto(url),
    reload: () => page.reload(),
    click: (step) => find(step).click(),
    fill: (step) => find(step).fill(step.value),
    attach: (step) => find(step).setInputFiles(step.files),
    choose: (step) => find(step).selectOption(step.value),
    press: ({ key }) => page.keyboard.press(key),
    type: ({ value }) => page.keyboard.type(value),
    see: (step) => find(step).waitFor({ state: 'visible' }),
    miss: (step) => find(step).waitFor({ state: 'hidden' }),
    // Waits until a field has a value.
    has: async (step) => {
      const element = await find(step).elementHandle();
      await page.waitForFunction(([it, value]) => it.value === value, [element, step.value]);
    },
    // Answers name another build of the pages than this one, or the real one again.
    older: () => page.route('**/api/**', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, headers: { ...response.headers(), 'siaga112-build': 'another' } });
    }),
    current: () => page.unroute('**/api/**'),
    hold,
    held: () => held.first,
    release: () => held.letGo(),
    // Waits until a sentence of the page is true.
    // The page's policy lets nothing be made of text in it, so it is asked from outside.
    becomes: async ({ script }) => {
      const end = Date.now() + PATIENCE;
      while (!(await page.evaluate(script))) {
        if (Date.now() > end) throw new Error('it is not so');
        await page.waitForTimeout(50);
      }
    },
    offline: ({ value }) => browser.setOffline(value),
    forget: () => browser.clearCookies(),
    grant: ({ permission }) => browser.grantPermissions([permission]),
    // The browser is killed as a power cut does it, and begun anew on what it has kept.
    crash: async () => {
      const lock = path.join(profile, 'SingletonLock');
      const gone = new Promise((resolve) => browser.once('close', resolve));
      process.kill(Number(fs.readlinkSync(lock).split('-').at(-1)), 'SIGKILL');
      await gone;
      for (const left of ['Lock', 'Cookie', 'Socket']) fs.rmSync(path.join(profile, `Singleton${left}`), { force: true });
      await begin();
    },
    look: ({ file, whole = false }) => page.screenshot({ path: file, fullPage: whole }),
  };
  const answers = {
    value: async (step) => ({ value: await find(step).inputValue() }),
    words: async (step) => ({ words: await find(step).innerText() }),
    hear: async ({ hertz }) => {
      await page.waitForFunction(() => window.heard.length > 0);
      return { share: await page.evaluate((of) => window.share(of), hertz) };
    },
    // Presses a button and keeps the file that comes of it.
    download: async (step) => {
      const [came] = await Promise.all([page.waitForEvent('download'), find(step).click()]);
      const file = path.join(folder, `download-${came.suggestedFilename()}`);
      await came.saveAs(file);
      return { name: came.suggestedFilename(), file };
    },
    evaluate: async ({ script }) => ({ value: await page.evaluate(script) }),
    // Violations of WCAG 2.2 AA.
    axe: async () => {
      // In a world of its own: the page's policy lets no script in.
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => window.axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      }));
      const found = violations.map(({ id, nodes }) =>
        `${id}: ${nodes.map(({ html, failureSummary }) => `${html} (${failureSummary})`).join('; ')}`);
      return { violations: found };
    },
    complaints: async () => ({ complaints }),
  };

  tell({ event: 'here' });
  const end = async () => {
    await browser.close();
    process.exit(0);
  };
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const step = JSON.parse(line);
    try {
      const came = await (acts[step.do] ?? answers[step.do])(step);
      tell({ event: 'done', ...(step.do in answers ? came : {}) });
    } catch (error) {
      const file = path.join(folder, 'failed.png');
      await page.screenshot({ path: file }).catch(() => {});
      const shown = await page.evaluate(() => document.body.innerText).catch(() => '');
      tell({ event: 'done', failed: `${line}: ${error.message}\n${shown}` });
    }
  }
  await end();
};

main().catch((error) => { console.error(error); process.exit(1); });
