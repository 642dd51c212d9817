/** The thread of parse-apart.ts: reads the rules files that it is given, hands the model over, and ends. */
import { parentPort, workerData } from "node:worker_threads";
import type { Model } from "./model.ts";
import { parseModelInSlices } from "./parse.ts";
import type { ParseJob, ParseMessage } from "./parse-message.ts";

/** Entries of a message, by how much one of them weighs: some ms of the receiver's time each. */
const entriesEach = { networks: 1000, prefixLists: 10, groups: 10, interfaces: 1000 } as const;

function send(message: ParseMessage): void {
  parentPort?.postMessage(message);
}

function sendModel(model: Model): void {
  for (const kind of ["networks", "prefixLists", "groups", "interfaces"] as const) {
    const entries = [...model[kind]];
    for (let from = 0; from < entries.length; from += entriesEach[kind])
      // The kind decides the entries' type; the compiler cannot follow it through the union.
      send({ kind, entries: entries.slice(from, from + entriesEach[kind]) } as ParseMessage);
  }
}

const { files, options } = workerData as ParseJob;
const onProgress = (progress: Extract<ParseMessage, { kind: "progress" }>["progress"]) =>
  send({ kind: "progress", progress });
const { model, diagnostics } = await parseModelInSlices(files, options, { onProgress });
if (model !== null) sendModel(model);
send({ kind: "done", legal: model !== null, diagnostics });
