/** The peer of changes: the same rules of a model as nftables has them, loaded by `nft -f` in a namespace of its own. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address, Group, Interface, Model, Prefix, Rule } from "../../src/model/model.ts";
import { timeOf } from "./context.ts";

const textOf = ({ bits }: Address | Prefix): string =>
  [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 255n)).join(".");

const setName = (id: string): string => id.replaceAll("-", "_");

/** IPv4 alone: what these models have. */
function writeRule({ policy, ports, remote, direction }: Rule): string {
  const side = direction === "ingress" ? "saddr" : "daddr";
  const from =
    remote.kind === "prefix"
      ? `ip ${side} ${textOf(remote.prefix)}/${remote.prefix.length}`
      : `ip ${side} @${setName(remote.kind === "group" ? remote.group : remote.list)}`;
  const to = ports === null ? "" : ` tcp dport ${ports.first}-${ports.last}`;
  return `    ${from}${to} ${policy}`;
}

function writeChains({ id, rules }: Group): string {
  return (["ingress", "egress"] as const)
    .map((direction) => {
      const own = rules.filter((rule) => rule.direction === direction);
      const ordered = [...own].sort((a, b) => a.priority - b.priority || (a.policy === "drop" ? -1 : 1));
      return `  chain ${setName(id)}_${direction} {\n${ordered.map(writeRule).join("\n")}\n  }`;
    })
    .join("\n");
}

/** A table that is replaced whole: sets of members, a chain for each group and direction, devices to their chains. */
export function writeRuleset({ groups, interfaces }: Model): string {
  const members = new Map<string, string[]>();
  for (const one of interfaces.values())
    for (const id of one.groups)
      members.set(id, [
        ...(members.get(id) ?? []),
        ...one.addresses.filter(({ family }) => family === 4).map(textOf),
      ]);
  const sets = [...members].map(
    ([id, list]) => `  set ${setName(id)} { type ipv4_addr; elements = { ${list.join(", ")} } }`,
  );
  const here = [...interfaces.values()].filter(({ hosts }) => hosts.length === 0);
  const jump = (direction: string, { device, groups: [first = ""] }: Interface) =>
    `"${device}" : jump ${setName(first)}_${direction}`;
  const hooks = (["ingress", "egress"] as const).map((direction) => {
    const key = direction === "ingress" ? "oifname" : "iifname";
    const map = here.map((one) => jump(direction, one)).join(", ");
    const body =
      here.length === 0 ? "" : `\n    ct state established,related accept\n    ${key} vmap { ${map} }`;
    return `  chain ${direction} {\n    type filter hook forward priority ${direction === "egress" ? 0 : 1}; policy accept;${body}\n  }`;
  });
  const chains = [...groups.values()].map(writeChains);
  const body = [...sets, ...chains, ...hooks].join("\n");
  return `table ip bench\ndelete table ip bench\ntable ip bench {\n${body}\n}\n`;
}

export class Nft {
  readonly #folder = mkdtempSync(join(tmpdir(), "ringwall-nft-"));
  readonly #namespace = `rwb-nft-${process.pid}`;

  constructor() {
    execFileSync("ip", ["netns", "add", this.#namespace]);
  }

  /** Milliseconds of `nft -f`, start of the process among them. Throws where nft refuses it. */
  load(next: Model): Promise<number> {
    const file = join(this.#folder, "rules.nft");
    writeFileSync(file, writeRuleset(next));
    return timeOf(() => {
      const args = ["netns", "exec", this.#namespace, "nft", "-f", file];
      const { status, stderr } = spawnSync("ip", args, { encoding: "utf8" });
      if (status !== 0) throw new Error(`nft -f: ${stderr.slice(0, 500)}`);
    });
  }

  close(): void {
    spawnSync("ip", ["netns", "del", this.#namespace]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
