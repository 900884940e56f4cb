// Takes MapLibre GL JS from the package that the lock file names and writes what the page loads of it into dist:
//
//   npm ci && npm run build
//
// The standard build of MapLibre holds three modules and starts its workers from a blob:, which a strict Content Security
// Policy forbids; the build made for such policies holds the shared module twice and weighs 400 KB more. So the standard
// build is cut into its modules, and the worker loads the shared one by itself.
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';

const from = new URL('node_modules/maplibre-gl/', import.meta.url);
const to = new URL('dist/', import.meta.url);

const names = { shared: 'maplibre-shared.js', worker: 'maplibre-worker.js', index: 'maplibre.js' };
const wrapped = {
  shared: (factory) => `var maplibreShared={};(${factory})(maplibreShared);\n`,
  worker: (factory) => `importScripts('${names.shared}');(${factory})(maplibreShared);\n`,
  index: (factory) => `var maplibregl={};(${factory})(maplibregl,maplibreShared);\n`,
};

// What packages without a licence of their own are licensed under.
const unsaid = {
  '@mapbox/jsonlint-lines-primitives': 'Licence: MIT, Copyright (C) 2012 Zachary Carter, as said by jsonlint, which it was made from',
};

/** cut finds the factory of a module: each stands in a call of define that fills one line. */
function cut(text, name) {
  const found = text.match(new RegExp(String.raw`^define\("${name}",\[[^\]]*\],(.*?)\);\n`, 'ms'));
  if (!found) throw new Error(`maplibre-gl.js has no module ${name}: its build has changed, read its first lines and adapt cut()`);
  return found[1];
}

/** licences puts together the licences of MapLibre and of all that its build contains. */
async function licences() {
  const { dependencies, version } = JSON.parse(await readFile(new URL('package.json', from)));
  const parts = [`MapLibre GL JS ${version}\n\n${await readFile(new URL('LICENSE.txt', from), 'utf8')}`];
  for (const name of Object.keys(dependencies).filter((name) => !name.startsWith('@types/')).sort()) {
    parts.push(await licence(name));
  }
  return parts.map((part) => part.trim()).join(`\n\n${'-'.repeat(80)}\n\n`) + '\n';
}

async function licence(name) {
  const folder = new URL(`node_modules/${name}/`, import.meta.url);
  const about = JSON.parse(await readFile(new URL('package.json', folder)));
  const files = await readdir(folder);
  const file = files.find((file) => /^(licen[cs]e|copying)/i.test(file)) ?? files.find((file) => /^readme/i.test(file));
  const text = file ? await readFile(new URL(file, folder), 'utf8') : '';
  const words = (/^readme/i.test(file) ? text.match(/^#+ *licen[cs]e[^#]*/im)?.[0] : text) ?? unsaid[name];
  if (!words) throw new Error(`${name} names no licence: find it and say so in build.mjs`);
  return `${name} ${about.version}\n\n${words}`;
}

await mkdir(to, { recursive: true });
const text = await readFile(new URL('dist/maplibre-gl.js', from), 'utf8');
const banner = text.slice(0, text.indexOf('*/') + 3);
for (const [name, file] of Object.entries(names)) {
  await writeFile(new URL(file, to), banner + wrapped[name](cut(text, name)));
}
await writeFile(new URL('maplibre.css', to), banner + (await readFile(new URL('dist/maplibre-gl.css', from), 'utf8')));
await writeFile(new URL('LICENCES.txt', to), await licences());
