/** A flood at an uplink, and between its frames others that differ in one thing, answers and changes. */
import { InterfaceFlag, SettingFlag } from "../../../src/kernel/layout.gen.ts";
import { indexKey } from "../../../src/kernel/maps.ts";
import { addressOf, hostMac } from "../../semantics/places.ts";
import { modelOf, type Setting } from "../../semantics/setting.ts";
import {
  ethernet,
  fragment,
  frame,
  hopByHop,
  ipv4,
  ipv6,
  join,
  type Layer,
  payload,
  raw,
  routerAlert6,
  tcp,
  toHex,
  udp,
  vlan,
} from "../../support/packet.ts";
import { Random } from "../../support/random.ts";
import { seed } from "../../support/seed.ts";
import { device, Machine, type Program } from "./machine.ts";
import { mate, me, peer } from "./traffic.ts";

/** Steps of a round, and rounds: each begins with an empty machine. */
const steps = 120;
export const deniedRounds = 6;
const start = 1_800_000_000;
/** So few that some drops are told and most are not. */
const eventsPerSecond = 2;

const some = [
  "ingress accept udp 53/53 peer",
  "ingress accept tcp 80/80 peer",
  "ingress drop tcp 81/90 peers",
];
const settings: readonly Setting[] = [
  { rules: some },
  { rules: some, nic: { antiSpoofing: false } },
  {
    group: { innerAccess: "drop" },
    rules: [
      "ingress drop udp 50/60 any",
      "ingress accept udp 50/60 far priority=2",
      "ingress accept tcp 80/80 sg-t",
    ],
  },
  { rules: ["ingress accept udp 50/60 any sourcePortRange=5000/5000", "ingress accept tcp 80/80 far"] },
  { group: { mode: "observe" }, rules: ["ingress drop tcp 80/80 any"] },
  {
    nic: { antiSpoofing: "observe" },
    rules: ["ingress accept tcp 443/443 any", "ingress accept udp 53/53 far"],
  },
  { rules: ["ingress accept udp 53/53 any expires=+20", "ingress accept tcp 80/80 peer"] },
];

/** A frame at the uplink, and what may be odd about it. */
interface Spec {
  readonly family: 4 | 6;
  readonly source: string;
  readonly destination: string;
  readonly mac: string;
  readonly protocol: "tcp" | "udp";
  readonly sourcePort: number;
  readonly port: number;
  readonly flags: string;
  readonly odd: Odd;
}

const odds = [
  "a tag",
  "a priority tag",
  "a first fragment",
  "a later fragment",
  "an option",
  "a length beyond the frame",
  "a length of nothing",
  "a transport header cut short",
  "a transport length of nothing",
  "a transport length beyond the packet",
  "bytes behind the packet",
  "a header of IP cut short",
  "another version",
  "another protocol",
  "another ethertype",
] as const;
type Odd = (typeof odds)[number] | null;

const choices = {
  family: [4, 6],
  source: ["peer", "peer", "peer2", "far", "mate", "me", "multicast", "loopback", "mapped", "turned"],
  destination: ["me", "me", "me", "mate", "far", "mapped", "me, turned"],
  mac: [me.mac, hostMac, mate.mac, "02:00:00:00:09:09", "ff:ff:ff:ff:ff:ff"],
  protocol: ["tcp", "udp"],
  sourcePort: [5000, 5001, 67],
  port: [53, 54, 68, 80, 81, 546],
  flags: ["S", "A", "SA", "R", "SF", ""],
  odd: odds,
} as const satisfies { readonly [Key in keyof Spec]: readonly Spec[Key][] };

const strange: Readonly<Record<string, readonly [string, string]>> = {
  multicast: ["224.0.0.1", "ff02::1"],
  loopback: ["127.0.0.1", "::1"],
  mapped: ["198.51.100.7", "::ffff:198.51.100.80"],
  // The same place in the memory: halves of an address count alike there.
  turned: ["198.51.100.9", "::80:2001:db8:ffff:0"],
  "me, turned": ["192.0.2.99", "::11:2001:db8:1:0"],
  // With port 54 it has the place of "me" with port 81.
  "me, shifted": ["192.0.2.98", "2066:db8:1::11"],
};

/** The flood: from where the rules let nobody in. */
const floods: readonly Spec[] = ([4, 6] as const).flatMap((family) =>
  (["tcp", "udp"] as const).flatMap((protocol) =>
    [me.mac, hostMac].flatMap((mac) =>
      [54, 68, 81].map((port) => ({
        family,
        source: "peer",
        destination: "me",
        mac,
        protocol,
        sourcePort: 5000,
        port,
        flags: port === 81 ? "S" : "A",
        odd: null,
      })),
    ),
  ),
);

function addressIn(word: string, family: 4 | 6): string {
  const pair = strange[word];
  return pair === undefined ? addressOf(word, family) : pair[family === 4 ? 0 : 1];
}

function transportOf({ protocol, sourcePort, port, flags, odd }: Spec): Layer {
  const nothing = odd === "a transport length of nothing";
  const beyond = odd === "a transport length beyond the packet";
  const ports = { sourcePort, destinationPort: port };
  if (odd === "another protocol") return raw(new Uint8Array(20), { protocol: 132 });
  if (protocol === "udp")
    return udp({ ...ports, ...(nothing ? { length: 7 } : beyond ? { length: 99 } : {}) });
  return tcp({ ...ports, flags, ...(nothing ? { dataOffset: 16 } : beyond ? { dataOffset: 60 } : {}) });
}

function networkOf({ family, source, destination, odd }: Spec): readonly Layer[] {
  const ends = { source: addressIn(source, family), destination: addressIn(destination, family) };
  const [nothing, beyond] = [odd === "a length of nothing", odd === "a length beyond the frame"];
  const version = odd === "another version" ? { version: 5 } : {};
  const [first, later] = [odd === "a first fragment", odd === "a later fragment"];
  if (family === 4)
    return [
      ipv4({
        ...ends,
        ...version,
        ...(first ? { moreFragments: true } : later ? { fragmentOffset: 64 } : {}),
        ...(nothing ? { totalLength: 19 } : beyond ? { totalLength: 900 } : {}),
        ...(odd === "an option" ? { options: new Uint8Array([1, 1, 1, 1]) } : {}),
      }),
    ];
  const ip = ipv6({
    ...ends,
    ...version,
    ...(nothing ? { payloadLength: 0 } : beyond ? { payloadLength: 900 } : {}),
  });
  if (first || later) return [ip, fragment({ offset: later ? 64 : 0, more: first, identification: 7 })];
  return odd === "an option" ? [ip, hopByHop(routerAlert6)] : [ip];
}

function build(spec: Spec): Uint8Array {
  const { mac, odd, family } = spec;
  const tags = odd === "a tag" ? [vlan({ id: 7 })] : odd === "a priority tag" ? [vlan({ id: 0 })] : [];
  const link = ethernet({ source: peer.mac, destination: mac });
  const bytes = frame(link, ...tags, ...networkOf(spec), transportOf(spec), payload(2));
  const headers = family === 4 ? 34 : 54;
  switch (odd) {
    case "bytes behind the packet":
      return join(bytes, new Uint8Array(3));
    case "a transport header cut short":
      return bytes.subarray(0, headers + 6);
    case "a header of IP cut short":
      return bytes.subarray(0, headers - 10);
    case "another ethertype":
      return bytes.with(12, 0x88);
    default:
      return bytes;
  }
}

/** Of the same session, the guest's own: what comes is an answer then, whatever the rules say of who sends it. */
function asks({ family, protocol, sourcePort, port }: Spec): Uint8Array {
  const ends = { source: addressOf("me", family), destination: addressOf("peer", family) };
  const ports = { sourcePort: port, destinationPort: sourcePort };
  return frame(
    ethernet({ source: me.mac, destination: peer.mac }),
    family === 4 ? ipv4(ends) : ipv6(ends),
    protocol === "udp" ? udp(ports) : tcp({ ...ports, flags: "S" }),
  );
}

function change(spec: Spec, random: Random): Spec {
  const key = random.pick(Object.keys(choices) as (keyof Spec)[]);
  return { ...spec, [key]: random.pick<Spec[keyof Spec]>(choices[key]) };
}

class Story {
  readonly #machine: Machine;
  readonly #random: Random;
  #setting = settings[0];
  readonly #wipes: boolean;
  #time = 0;
  #record = -1;

  constructor(machine: Machine, round: number, wipes: boolean) {
    this.#machine = machine;
    this.#random = new Random(seed * 1000 + round);
    this.#wipes = wipes;
    this.#configure();
    this.#know();
  }

  #configure(): void {
    const flags = this.#random.once(2) ? SettingFlag.SETTING_MIDSTREAM_DROP : 0;
    this.#machine.settings({ eventsPerSecond, flags });
  }

  /** What the agent says of the uplink. It may take a tick until that is seen. */
  #know(): void {
    const machine = this.#machine;
    const record = machine.bench.recordOf("eni-1");
    if (record === this.#record) return;
    this.#record = record;
    machine.hold(device.one, "eni-1");
    machine.behind(`::ffff:${addressOf("me", 4)}`, record);
    machine.behind(addressOf("me", 6), record);
    machine.hostHas();
    this.#time += 0.001;
  }

  #changeRules(): Promise<void> {
    // Often a change that rules do not feel: only the interface's record is another one.
    const [first, second] = settings;
    if (this.#random.once(2)) return this.#changeTo(this.#setting === first ? second : first);
    return this.#changeTo(this.#random.pick(settings));
  }

  async #changeTo(setting: Setting | undefined): Promise<void> {
    this.#setting = setting;
    await this.#machine.bench.change(modelOf(this.#setting ?? {}, { family: 4, start }));
    this.#know();
    this.#machine.hostHas();
  }

  /** A flood, and between its frames one that differs in one thing, an answer, or a change. */
  async step(): Promise<void> {
    const random = this.#random;
    this.#time += random.pick([0, 0.001, 0.001, 0.05, 0.3, random.pick([1, 35, 1000])]);
    const spec = random.pick(floods);
    for (let n = 0; n < 4; n++) {
      this.#arrives(build(random.pick(floods)));
      for (let times = random.between(1, 3); times > 0; times--) this.#arrives(build(spec));
      const turn = random.below(25);
      if (turn === 0) await this.#changeRules();
      else if (turn <= 3) this.#configure();
      else if (turn === 4) this.#trace(spec);
      else if (turn === 5) this.#collide(spec);
      else if (turn <= 8) this.#talk(spec);
      else if (turn === 9 && random.once(3)) this.#last({ ...spec, protocol: "udp" });
      else if (turn === 10 && random.once(3)) await this.#revoke(spec);
      else this.#arrives(build(change(spec, random)));
    }
  }

  /** The guest asks, and has its answer at its device: from then on a session is there that both sides proved. */
  #talk(spec: Spec): void {
    this.#run("guest_xdp_generic", device.one, asks(spec));
    if (this.#random.once(2)) this.#reach(spec);
  }

  #reach(spec: Spec): void {
    this.#run("guest_tc_egress", device.one, build({ ...spec, mac: me.mac }));
  }

  /** Between the same ends, another session's. */
  #floodBeside(spec: Spec): void {
    for (let times = 0; times < 4; times++) this.#arrives(build({ ...spec, sourcePort: 5001 }));
  }

  /** A session goes on for longer than any timeout, by the express way alone: it is as alive as it was. */
  #last(spec: Spec): void {
    this.#run("guest_xdp_generic", device.one, asks(spec));
    this.#reach(spec);
    for (let times = 0; times < 9; times++) {
      this.#time += 150;
      this.#run("guest_xdp_generic", device.one, asks(spec));
    }
    this.#time += 150;
    this.#floodBeside(spec);
    this.#arrives(build(spec));
  }

  /** One of TCP is revoked, and nothing of it comes for longer than any timeout, while other sessions come and go. */
  async #revoke(spec: Spec): Promise<void> {
    const web: Spec = { ...spec, protocol: "tcp", port: 80, flags: "A" };
    await this.#changeTo(settings[0]);
    this.#reach({ ...web, flags: "S" });
    await this.#changeTo(settings[5]);
    this.#reach(web);
    this.#run("guest_xdp_generic", device.one, asks({ ...web, sourcePort: 5001 }));
    this.#time += 2000;
    this.#floodBeside(web);
    this.#arrives(build(web));
  }

  /** One after the other in one place of the memory. */
  #collide(spec: Spec): void {
    this.#arrives(build({ ...spec, family: 6, port: 81 }));
    this.#arrives(build({ ...spec, family: 6, port: 54, destination: "me, shifted" }));
  }

  /** Each verdict is written down, as where `explain` asks, and none is told; then perhaps no longer. */
  #trace(spec: Spec): void {
    this.#machine.changeRecord("eni-1", { flags: InterfaceFlag.INTERFACE_TRACE });
    this.#time += 2;
    this.#arrives(build(spec));
    if (this.#random.once(2)) this.#machine.changeRecord("eni-1", { flags: 0 });
    this.#arrives(build(spec));
  }

  #arrives(bytes: Uint8Array): void {
    this.#run("uplink_xdp_generic", device.wan, bytes);
  }

  #run(program: Program, where: number, bytes: Uint8Array): void {
    const { script } = this.#machine.bench;
    if (this.#wipes) this.#machine.clear("rw_denied");
    script.say("work");
    this.#machine.run({ program, device: where, frame: bytes, time: this.#time, expected: "" });
    script.say("events");
    script.say(`get rw_lost ${toHex(indexKey(1))}`);
  }
}

/** What is asked of a machine in a round. `wipes`: it forgets before each frame what it dropped. */
export async function sayDenied(round: number, wipes: boolean): Promise<string> {
  const machine = await Machine.make(settings[0] ?? {});
  machine.clear("rw_ports");
  machine.clear("rw_lost");
  machine.clear("rw_denied");
  machine.clear("rw_alive");
  const story = new Story(machine, round, wipes);
  for (let n = 0; n < steps; n++) await story.step();
  machine.bench.tellSessions("eni-1");
  return machine.bench.script.text;
}
