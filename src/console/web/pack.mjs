// Writes a compressed form beside each file of dist that gets smaller by it: the gateway sends it as it is
// to browsers that take it, and compresses nothing while calls come.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const dist = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "dist");
const packed = /\.(br|gz)$/;
const worth = /\.(js|css|svg|json|geojson|webmanifest|txt)$/;

for (const file of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!file.isFile()) continue;
  const path = join(file.parentPath ?? file.path, file.name);
  if (packed.test(path)) rmSync(path);
  if (!worth.test(path)) continue;
  const whole = readFileSync(path);
  for (const [ending, pack] of [["br", brotliCompressSync], ["gz", gzipSync]]) {
    const small = pack(whole);
    if (small.length < whole.length * 0.9) writeFileSync(`${path}.${ending}`, small);
  }
}
