import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileStore } from "../../../src/store/file.ts";
import { makeFolder, rulesText } from "./rules.ts";

let folder: string;
let root: string;
let remove: () => void;

beforeEach(() => {
  ({ folder, root, remove } = makeFolder());
});
afterEach(() => remove());

const put = (name: string, text = rulesText("vpc-a")) =>
  writeFileSync(join(folder, name), text, { mode: 0o640 });
const codes = async (path = folder, options = {}) =>
  (await new FileStore(path, options).load()).diagnostics.map(({ code }) => code);

describe("what is read", () => {
  it("reads *.yaml in the order of the names, and names what is almost one", async () => {
    for (const name of ["b.yaml", "a.yaml", "c.yml", "a.yaml~", ".a.yaml.swp", "4913", ".x.yaml", "d.json"])
      put(name);
    const { files, diagnostics } = await new FileStore(folder).load();
    expect(files.map(({ path }) => path)).toEqual([join(folder, "a.yaml"), join(folder, "b.yaml")]);
    expect(diagnostics.map(({ code, place }) => [code, place?.file])).toEqual([
      ["file-passed-over", join(folder, "c.yml")],
      ["file-passed-over", join(folder, "d.json")],
    ]);
  });

  it("reads one file, whatever its name", async () => {
    put("rules");
    const { files } = await new FileStore(join(folder, "rules")).load();
    expect(files).toEqual([{ path: join(folder, "rules"), text: rulesText("vpc-a") }]);
  });

  it("gives equal snapshots one digest, and a changed text another", async () => {
    put("a.yaml");
    const first = await new FileStore(folder).load();
    put("a.yaml");
    expect((await new FileStore(folder).load()).digest).toBe(first.digest);
    put("a.yaml", rulesText("vpc-b"));
    expect((await new FileStore(folder).load()).digest).not.toBe(first.digest);
  });

  it("refuses a path that is not there, a directory and a FIFO, without waiting", async () => {
    expect(await codes(join(root, "nowhere"))).toEqual(["file-unreadable"]);
    mkdirSync(join(folder, "a.yaml"));
    const { spawnSync } = await import("node:child_process");
    expect(spawnSync("mkfifo", [join(folder, "b.yaml")]).status).toBe(0);
    expect(await codes()).toEqual(["file-unreadable", "file-unreadable"]);
  });

  it("refuses bytes that are no UTF-8 with their place", async () => {
    writeFileSync(join(folder, "a.yaml"), Buffer.from("version: 1\n# gr\u00fc\u00dfe \xff\n", "latin1"), {
      mode: 0o640,
    });
    const { diagnostics } = await new FileStore(folder).load();
    expect(diagnostics.map(({ code, place }) => [code, place?.line, place?.column])).toEqual([
      ["not-utf8", 2, 5],
    ]);
  });
});

describe("who may write the rules", () => {
  it("takes files that root and the group may write", async () => {
    put("a.yaml");
    chmodSync(join(folder, "a.yaml"), 0o664);
    expect(await codes()).toEqual([]);
  });

  it("refuses a file that everybody may write, even behind a link", async () => {
    put("a.yaml");
    chmodSync(join(folder, "a.yaml"), 0o646);
    expect(await codes()).toEqual(["file-access"]);
    const inner = join(root, "inner");
    mkdirSync(inner);
    symlinkSync(join(folder, "a.yaml"), join(inner, "b.yaml"));
    expect(await codes(inner)).toEqual(["file-access"]);
  });

  it("refuses a file of another user and a directory that everybody may write", async () => {
    expect(process.geteuid?.(), "only root can give files away").toBe(0);
    put("a.yaml");
    chownSync(join(folder, "a.yaml"), 65534, 0);
    expect(await codes()).toEqual(["file-access"]);
    chownSync(join(folder, "a.yaml"), 0, 0);
    chmodSync(folder, 0o777);
    expect(await codes()).toEqual(["file-access"]);
  });

  it("reads what its user names at the desk, whoever may write it", async () => {
    put("a.yaml");
    chmodSync(join(folder, "a.yaml"), 0o666);
    expect(await codes(folder, { trusted: true })).toEqual([]);
  });
});

describe("what is written", () => {
  const text = (name: string) => readFileSync(join(folder, name), "utf8");
  const source = (name: string, network: string) => ({
    path: `/elsewhere/${name}`,
    text: rulesText(network),
  });

  it("leaves exactly the files given, and nothing beside them", async () => {
    put("a.yaml");
    put("b.yaml");
    put("kept.txt");
    await new FileStore(folder, { recovers: true }).write([
      source("b.yaml", "vpc-b"),
      source("c.yaml", "vpc-c"),
    ]);
    expect(readdirSync(folder).sort()).toEqual(["b.yaml", "c.yaml", "kept.txt"]);
    expect([text("b.yaml"), text("c.yaml")]).toEqual([rulesText("vpc-b"), rulesText("vpc-c")]);
  });

  it("leaves files that do not differ as they are, and keeps the mode of those that do", async () => {
    put("a.yaml");
    put("b.yaml");
    chmodSync(join(folder, "b.yaml"), 0o600);
    const before = statSync(join(folder, "a.yaml"));
    await new FileStore(folder).write([source("a.yaml", "vpc-a"), source("b.yaml", "vpc-b")]);
    expect(statSync(join(folder, "a.yaml")).ino).toBe(before.ino);
    expect(statSync(join(folder, "b.yaml")).mode & 0o777).toBe(0o600);
    await new FileStore(join(folder, "a.yaml")).write([source("any.yaml", "vpc-a")]);
    expect(statSync(join(folder, "a.yaml")).ino).toBe(before.ino);
  });

  it("writes one file through its link", async () => {
    put("real.yaml");
    const link = join(root, "rules.yaml");
    symlinkSync(join(folder, "real.yaml"), link);
    await new FileStore(link).write([source("any.yaml", "vpc-z")]);
    expect(text("real.yaml")).toBe(rulesText("vpc-z"));
    expect(readFileSync(link, "utf8")).toBe(rulesText("vpc-z"));
  });

  it("refuses two files for a store of one, names that are none, and links in the directory", async () => {
    put("a.yaml");
    const two = [source("a.yaml", "vpc-a"), source("b.yaml", "vpc-b")];
    await expect(new FileStore(join(folder, "a.yaml")).write(two)).rejects.toThrow("is one file");
    await expect(new FileStore(folder).write([source(".a.yaml", "x")])).rejects.toThrow(
      "no name of a rules file",
    );
    symlinkSync("a.yaml", join(folder, "l.yaml"));
    await expect(new FileStore(folder).write([source("l.yaml", "vpc-b")])).rejects.toThrow("is a link");
    expect(text("a.yaml")).toBe(rulesText("vpc-a"));
    const beside = [source("a.yaml", "vpc-a"), source("b.yaml", "vpc-b"), source("l.yaml", "vpc-a")];
    await new FileStore(folder).write(beside); // The link says already what it is to say.
    expect(text("b.yaml")).toBe(rulesText("vpc-b"));
  });

  it("shows nothing before the commit, and nothing after a discard", async () => {
    put("a.yaml");
    const store = new FileStore(folder);
    const staged = await store.stage([source("a.yaml", "vpc-b"), source("c.yaml", "vpc-c")]);
    expect((await store.load()).files.map((file) => file.text)).toEqual([rulesText("vpc-a")]);
    await staged.discard();
    expect(readdirSync(folder)).toEqual(["a.yaml"]);
  });

  it("is no news to its own watch", async () => {
    put("a.yaml");
    const store = new FileStore(folder);
    await store.load();
    const end = new AbortController();
    const seen: string[][] = [];
    const { ended } = await store.watch((snapshot) => {
      seen.push(snapshot.files.map((file) => file.text));
    }, end.signal);
    try {
      await store.write([source("a.yaml", "vpc-b"), source("b.yaml", "vpc-c")]);
      await new Promise((resolve) => setTimeout(resolve, 800));
      expect(seen).toEqual([]);
    } finally {
      end.abort();
      await ended;
    }
  });

  it("hides nothing from the watch that somebody saved beside it, or that somebody else read first", async () => {
    put("a.yaml");
    const store = new FileStore(folder);
    await store.load();
    const end = new AbortController();
    const seen: string[][] = [];
    const { ended } = await store.watch((snapshot) => {
      seen.push(snapshot.files.map((file) => file.text));
    }, end.signal);
    try {
      const staged = await store.stage([source("a.yaml", "vpc-b")]);
      put("b.yaml");
      await staged.commit();
      await expect.poll(() => seen).toEqual([[rulesText("vpc-b"), rulesText("vpc-a")]]);
      put("b.yaml", rulesText("vpc-d"));
      expect((await store.load()).files.at(-1)?.text).toBe(rulesText("vpc-d"));
      await expect.poll(() => seen[1]).toEqual([rulesText("vpc-b"), rulesText("vpc-d")]);
    } finally {
      end.abort();
      await ended;
    }
  });

  it("finishes a write that a crash interrupted behind its journal", async () => {
    put("a.yaml");
    put("gone.yaml");
    put(".b.yaml.0123456789ab.new", rulesText("vpc-b"));
    const moves = [
      { temporary: ".a.yaml.0123456789ab.new", name: "a.yaml" },
      { temporary: ".b.yaml.0123456789ab.new", name: "b.yaml" },
      { temporary: null, name: "gone.yaml" },
    ];
    put(".ringwall-write", JSON.stringify(moves));
    const { files, diagnostics } = await new FileStore(folder, { recovers: true }).load();
    expect(diagnostics).toEqual([]);
    expect(files.map((file) => file.text)).toEqual([rulesText("vpc-a"), rulesText("vpc-b")]);
    expect(readdirSync(folder).sort()).toEqual(["a.yaml", "b.yaml"]);
  });

  it("does not follow a journal out of its directory", async () => {
    put("a.yaml");
    const outside = join(root, "outside.yaml");
    writeFileSync(outside, "x");
    put(".ringwall-write", JSON.stringify([{ temporary: null, name: "../outside.yaml" }]));
    expect(await codes(folder, { recovers: true })).toContain("file-unreadable");
    expect(readFileSync(outside, "utf8")).toBe("x");
  });
});
