/**
 * Bundles the program into build/dist: main.js is what every start reads, parse-worker.js the thread that reads large
 * rule sets, the rest is split into chunks that a command loads when it runs. The folder is built beside the old one and then takes its place.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { assert, openTelemetry, pushgateway, sonicBoom, summary, threadStream } from "./stand-ins.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = `${root}build/dist`;
const fresh = `${target}.new-${process.pid}`;
const old = `${target}.old-${process.pid}`;

/** CommonJS packages ask for `require`, which an ES module does not have. */
const banner = `import { createRequire as createRequireHere } from "node:module";
const require = createRequireHere(import.meta.url);`;

/** yargs gets plain-text.mjs in place of its emoji-aware text packages; other packages keep them. */
const plainText = {
  name: "plain-text",
  setup({ onResolve, onLoad }) {
    const names = { "string-width": "stringWidth", "strip-ansi": "stripAnsi", "wrap-ansi": "wrapAnsi" };
    onResolve({ filter: /^(string-width|strip-ansi|wrap-ansi)$/ }, ({ path, importer }) =>
      /node_modules\/(yargs|cliui)\//.test(importer) ? { path, namespace: "plain-text" } : undefined,
    );
    onLoad({ filter: /./, namespace: "plain-text" }, ({ path }) => ({
      contents: `export { ${names[path]} as default } from "./scripts/plain-text.mjs";`,
      resolveDir: root,
    }));
  },
};

/** zod brings its messages in 50 languages, half of its bytes; ours are in English. */
const englishZod = {
  name: "english-zod",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/locales\/index\.js$/ }, ({ path, importer, resolveDir }) =>
      /node_modules\/zod\//.test(importer)
        ? { path, namespace: "english-zod", pluginData: resolveDir }
        : undefined,
    );
    onLoad({ filter: /./, namespace: "english-zod" }, ({ pluginData: resolveDir }) => ({
      contents: 'export { default as en } from "../locales/en.js";',
      resolveDir,
    }));
  },
};

/** What is left out: which modules ask for it, by which name, and what they get. */
const standIns = [
  { by: /node_modules\/yargs\//, path: /^assert$/, contents: assert },
  { by: /node_modules\/prom-client\//, path: /^@opentelemetry\/api$/, contents: openTelemetry },
  { by: /node_modules\/prom-client\/index\.js$/, path: /\/pushgateway$/, contents: pushgateway },
  { by: /node_modules\/prom-client\/index\.js$/, path: /\/summary$/, contents: summary },
  { by: /node_modules\/pino\//, path: /^sonic-boom$/, contents: sonicBoom },
  { by: /node_modules\/pino\//, path: /^thread-stream$/, contents: threadStream },
];

const leaveOut = {
  name: "leave-out",
  setup({ onResolve, onLoad, onEnd }) {
    const found = new Set();
    for (const standIn of standIns)
      onResolve({ filter: standIn.path }, ({ path, importer }) => {
        if (!standIn.by.test(importer)) return undefined;
        found.add(standIn);
        return { path, namespace: "stand-in", pluginData: standIn.contents };
      });
    onLoad({ filter: /./, namespace: "stand-in" }, ({ pluginData: contents }) => ({ contents }));
    // A package that has moved its files would come in whole again.
    onEnd(() => ({
      errors: standIns
        .filter((standIn) => !found.has(standIn))
        .map(({ by, path }) => ({ text: `no module ${by} asks for ${path} any more` })),
    }));
  },
};

/** Of all that the program is made of: what one program kept for itself, another does not take for its own. */
async function digestSources() {
  const hash = createHash("sha256").update(await readFile(`${root}package-lock.json`));
  const names = await readdir(`${root}src`, { recursive: true });
  for (const name of names.filter((each) => each.endsWith(".ts")).sort())
    hash.update(`\0${name}\0`).update(await readFile(`${root}src/${name}`));
  return hash.digest("hex");
}

try {
  await build({
    absWorkingDir: root,
    entryPoints: { main: "src/cli/main.ts", "parse-worker": "src/model/parse-worker.ts" },
    outdir: fresh,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    chunkNames: "[name]-[hash]",
    define: { ringwallSources: JSON.stringify(await digestSources()) },
    plugins: [plainText, englishZod, leaveOut],
    banner: { js: banner },
    legalComments: "none",
    logLevel: "warning",
  });
  await rename(target, old).catch((error) => {
    if (error.code !== "ENOENT") throw error;
  });
  await rename(fresh, target);
} finally {
  await rm(fresh, { recursive: true, force: true });
  await rm(old, { recursive: true, force: true });
}
