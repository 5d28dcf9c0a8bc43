// How soon each page of the console shows something, in Debian's Chromium: for `cargo bench --bench desks`.
//
// node paint.js URL PASSWORD
// The people are called as their roles. Each page is opened in a browser that has nothing of it yet, and again.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { chromium } = require('playwright-core');

const [url, password] = process.argv.slice(2);
const PAGES = {
  'call-taker': ['/taker'],
  supervisor: ['/supervisor', '/supervisor/figures', '/supervisor/handing'],
  admin: ['routing', 'versions', 'status', 'people', 'tokens', 'retention', 'prompts', 'audit'].map((page) => `/admin/${page}`),
  auditor: ['access', 'deeds', 'proof', 'exports'].map((page) => `/auditor/${page}`),
};

/** When something was painted first, and when the page's own part stood there; milliseconds. */
const opened = async (page, at) => {
  await page.goto(`${url}${at}`);
  await page.waitForFunction(() => {
    const main = document.querySelector('main');
    return main && main.innerText.trim() && !/Memuat|Loading/.test(main.innerText);
  });
  return page.evaluate(() => ({
    first: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
    whole: performance.now(),
  }));
};

const main = async () => {
  console.log(`${'page'.padEnd(24)} ${'first paint, ms: new, again'.padStart(30)} ${'its content'.padStart(16)}`);
  for (const [name, paths] of Object.entries(PAGES)) {
    for (const at of paths) {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'paint-'));
      const browser = await chromium.launchPersistentContext(folder, {
        executablePath: '/usr/bin/chromium',
        headless: true,
        args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--use-fake-ui-for-media-stream',
          '--use-fake-device-for-media-stream', '--disable-background-networking', '--disable-component-update'],
      });
      const told = await browser.request.post(`${url}/api/v1/login`, {
        data: { name, password }, headers: { 'x-siaga112': '1' },
      });
      if (!told.ok()) throw new Error(`${name} does not come in: ${told.status()}`);
      const page = browser.pages()[0] ?? await browser.newPage();
      const fresh = await opened(page, at);
      const again = await opened(page, at);
      const ms = (value) => value.toFixed(0).padStart(5);
      console.log(`${at.padEnd(24)} ${' '.repeat(16)} ${ms(fresh.first)} ${ms(again.first)}   ${ms(fresh.whole)} ${ms(again.whole)}`);
      await browser.close();
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }
};

main().catch((error) => { console.error(error); process.exit(1); });
