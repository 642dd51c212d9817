/** Lines of Proxmox VE's rules in their order, with the cluster's groups in their places. */
import type { Direction } from "../model/model.ts";
import { quote } from "../model/text.ts";
import { Unsayable } from "./finding.ts";
import type { Importer } from "./importer.ts";
import {
  type FirewallFile,
  isSwitchedOff,
  onlyAccepts,
  type RuleLine,
  readRuleLine,
  type Section,
} from "./proxmox-file.ts";
import { Names, type Scope } from "./proxmox-names.ts";
import { expandRule, policyOf, type Unranked } from "./proxmox-rule.ts";

export interface Sides {
  readonly ingress: readonly Unranked[];
  readonly egress: readonly Unranked[];
}

/** Where a line stands. */
interface Context {
  readonly names: Names;
  readonly inGroup: boolean;
  /** The interface that the GROUP line names, for the lines of its group. */
  readonly through: string | null;
}

/** A group may stand in a file many times, and files must not grow beyond what a host can hold. */
const linesMax = 20_000;

/** Reads lines of rules in their order, groups in their places. */
export class RuleReader {
  readonly #importer: Importer;
  readonly #group: string;
  readonly #cluster: FirewallFile | null;
  readonly #names: Names;
  /** Groups of the cluster see the cluster's names only. */
  readonly #clusterNames: Names;
  #linesRead = 0;

  constructor(
    importer: Importer,
    group: string,
    guestScope: Scope | null,
    cluster: FirewallFile | null,
    clusterScope: Scope | null,
  ) {
    this.#importer = importer;
    this.#group = group;
    this.#cluster = cluster;
    this.#names = new Names(importer, guestScope, clusterScope);
    this.#clusterNames = new Names(importer, null, clusterScope);
  }

  read(lines: Section["lines"]): Sides {
    const inGuest = this.#readLines(lines, { names: this.#names, inGroup: false, through: null });
    const of = (direction: Direction): readonly Unranked[] =>
      inGuest.filter((rule) => rule.direction === direction);
    return { ingress: of("ingress"), egress: of("egress") };
  }

  #readLines(lines: Section["lines"], context: Context): readonly Unranked[] {
    return lines.flatMap((line) => {
      this.#linesRead += 1;
      const spot = { place: line.at, group: this.#group };
      if (isSwitchedOff(line)) {
        this.#importer.note("rule-off", spot, "the rule is switched off: it is passed over");
        return [];
      }
      const policy = onlyAccepts(line) ? "accept" : null;
      const read = this.#importer.attempt(spot, policy, () => [readRuleLine(line)]);
      return read.flatMap((rule) => this.#readRule(rule, context));
    });
  }

  #readRule(rule: RuleLine, { names, inGroup, through }: Context): readonly Unranked[] {
    const spot = { place: rule.at, group: this.#group };
    if (rule.type === "forward") {
      this.#importer.note(
        "other-scope",
        spot,
        "a FORWARD rule is about hosts and networks: it is passed over",
      );
      return [];
    }
    const ifaces = [rule.options.get("iface") ?? null, through].flatMap((name) => name ?? []);
    if (rule.type === "group")
      return this.#importer.attempt(spot, null, () => {
        if (inGroup) throw new Unsayable("bad-file", "a GROUP line in a group", "that group's rules");
        return this.#readGroup(rule, ifaces[0] ?? null);
      });
    const policy = policyOf(rule);
    const direction = rule.type === "in" ? "ingress" : "egress";
    return this.#importer.attempt(spot, policy, () => {
      if (!ifaces.every((iface) => this.#concerns(iface, rule))) return [];
      if (rule.action === "reject")
        this.#importer.note("reject", spot, "REJECT is a drop here: the sender hears nothing");
      if (rule.options.has("log"))
        this.#importer.note("source-option", spot, "`-log`: drops are counted and sampled here");
      return expandRule(this.#importer, names, rule, direction, spot);
    });
  }

  #readGroup(rule: RuleLine, iface: string | null): readonly Unranked[] {
    if (this.#linesRead > linesMax)
      throw new Unsayable("bad-file", `with its groups the file has more than ${linesMax} lines of rules`);
    const section = this.#cluster?.sections.find(
      ({ kind, name }) => kind === "group" && name === rule.action,
    );
    if (section === undefined)
      throw new Unsayable(
        "unknown-name",
        `there is no group ${quote(rule.action)}`,
        "cluster.fw beside the guest's file",
      );
    return this.#readLines(section.lines, { names: this.#clusterNames, inGroup: true, through: iface });
  }

  /** Does a rule for this interface of the guest hold for the group? @throws Unsayable where nobody says */
  #concerns(iface: string, { at }: RuleLine): boolean {
    const { device } = this.#importer.target;
    if (iface === device) return true;
    if (device === null)
      throw new Unsayable(
        "one-interface",
        `the rule is for ${quote(iface)} alone`,
        `--device ${iface}, a group for each`,
      );
    const spot = { place: at, group: this.#group };
    this.#importer.note("one-interface", spot, `the rule is for ${quote(iface)}, not for ${quote(device)}`);
    return false;
  }
}
