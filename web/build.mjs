// Builds what the browser loads into bot/web/dist: `widget.js`, the loader a host page embeds, and under
// `widget/` the parts it loads later, each named by a digest of its content. Beside every file lies its
// gzip; `manifest.json` tells the server and the tests what there is.
import { build, transform } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const SOURCE = fileURLToPath(new URL("src/", import.meta.url));
const OUT = fileURLToPath(new URL("../bot/web/dist/", import.meta.url));
// browsers of the last four years: every one has adopted style sheets
const TARGET = ["chrome105", "firefox110", "safari16.4"];

const styles = {
  name: "styles",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true, target: TARGET });
      return { contents: code, loader: "text" };
    });
  },
};

const common = { bundle: true, minify: true, target: TARGET, plugins: [styles], write: false, legalComments: "eof", metafile: true };

const parts = await build({
  ...common,
  entryPoints: { chat: join(SOURCE, "chat/main.ts"), book: join(SOURCE, "book/main.ts") },
  format: "esm",
  splitting: true,
  outdir: join(OUT, "widget"),
  entryNames: "[name]-[hash]",
  chunkNames: "part-[hash]",
});

// what an entry needs at once, so that it is asked for in one go and not one after the other
function needed(entry) {
  const outputs = Object.entries(parts.metafile.outputs);
  const start = outputs.find(([, made]) => made.entryPoint?.endsWith(`${entry}/main.ts`));
  const found = new Map([start]);
  for (const [, made] of found) {
    for (const { path, kind } of made.imports) {
      if (kind === "import-statement") found.set(path, parts.metafile.outputs[path]);
    }
  }
  return [...found.keys()].map((path) => basename(path));
}

const loader = await build({
  ...common,
  entryPoints: { widget: join(SOURCE, "loader.ts") },
  format: "iife",
  outdir: OUT,
  define: { CHAT_FILES: JSON.stringify(needed("chat")) },
});

await rm(OUT, { recursive: true, force: true });
await mkdir(join(OUT, "widget"), { recursive: true });
const files = {};
for (const { path, contents } of [...loader.outputFiles, ...parts.outputFiles]) {
  const packed = gzipSync(contents, { level: 9 });
  await writeFile(path, contents);
  await writeFile(`${path}.gz`, packed);
  files[path.slice(OUT.length)] = {
    bytes: contents.length,
    gzip: packed.length,
    digest: createHash("sha256").update(contents).digest("hex").slice(0, 16),
  };
}
const manifest = { files, chat: needed("chat"), book: needed("book") };
await writeFile(join(OUT, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
for (const [name, { bytes, gzip }] of Object.entries(files)) console.log(`${name}  ${bytes} bytes, ${gzip} gzipped`);
