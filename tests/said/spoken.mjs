// Says each sentence of the catalogue, with something filled into its holes, through the page's own code
// (src/console/web/src/messages/said/forms.ts), and tells as JSON those that come out otherwise than they stand.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('../../src/console/web/', import.meta.url));
const typescript = createRequire(`${web}package.json`)('typescript');
const source = readFileSync(`${web}src/messages/said/forms.ts`, 'utf8');
const { outputText } = typescript.transpileModule(source, {
  compilerOptions: { target: 'es2022', module: 'esnext' },
});
const { filled, holes, sayer } = await import(`data:text/javascript,${encodeURIComponent(outputText)}`);

const read = (name) => JSON.parse(readFileSync(`${web}src/messages/said/${name}.json`, 'utf8'));
const whole = { ...read('config'), ...read('answers'), ...read('parts') };
const say = sayer(whole, read('words'));
const wrong = [];
for (const [form, own] of Object.entries(whole)) {
  const fillings = Array.from({ length: holes(form) }, (_, n) => `"isi-${n + 1}"`);
  let next = 0;
  const spoken = form
    .replace(/(?<!\{)\{(?:\w*)(?::[^{}]*)?\}(?!\})/g, () => fillings[next++])
    .replaceAll('{{', '{')
    .replaceAll('}}', '}');
  const wanted = filled(own, fillings);
  const came = say(spoken);
  // A sample has braces of its own, which nothing is filled into.
  const sample = !/\{\d+~?\}/.test(own) && holes(form) > 0;
  if (sample ? say(form) !== own : came !== wanted) wrong.push({ spoken, wanted, came });
}
console.log(JSON.stringify(wrong));
