// An operator's browser: Chromium with a microphone that hears one tone, and JsSIP on a page.
//
// node browser.js WSS-URL USER PASSWORD DOMAIN MICROPHONE-WAV
// Tells events as JSON lines; takes the lines that `window.seat` of page.js knows, and `reload`.
'use strict';

const fs = require('fs');
const http = require('http');
const path = require('path');
const readline = require('readline');
const esbuild = require('esbuild');
const { chromium } = require('playwright-core');

const [url, user, password, domain, microphone] = process.argv.slice(2);
const tell = (told) => console.log(JSON.stringify(told));

const main = async () => {
  const { outputFiles } = await esbuild.build({
    entryPoints: [path.join(__dirname, 'page.js')],
    bundle: true,
    write: false,
    define: { global: 'window' },
    logLevel: 'error',
  });
  const script = outputFiles[0].text;
  // A page may use a microphone only where it came from a place that is trusted, such as this machine.
  const server = http.createServer((request, response) => {
    if (request.url === '/page.js') return response.end(script);
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>seat</title><body><script src="page.js"></script>');
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });

  const profile = fs.mkdtempSync(path.join(path.dirname(microphone), 'browser-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    headless: true,
    ignoreHTTPSErrors: true,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--autoplay-policy=no-user-gesture-required',
      '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
      `--use-file-for-fake-audio-capture=${microphone}`,
    ],
  });
  const page = browser.pages()[0] ?? await browser.newPage();
  page.on('console', (message) => console.error(message.text()));
  page.on('pageerror', (error) => console.error(error.stack));
  await page.exposeFunction('tell', tell);
  const open = async () => {
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.evaluate((seat) => window.seat.open(seat), { url, user, password, domain });
  };
  await open();

  const end = async () => {
    await browser.close();
    fs.rmSync(profile, { recursive: true, force: true });
    process.exit(0);
  };
  readline.createInterface({ input: process.stdin }).on('line', async (line) => {
    const [word, what] = line.split(' ');
    if (word === 'reload') return open();
    return page.evaluate(([name, of]) => { window.seat[name](of); }, [word, what]);
  }).on('close', end);
  process.on('SIGTERM', end);
};

main().catch((error) => { console.error(error); process.exit(1); });
