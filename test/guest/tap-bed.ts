/** A real guest behind a real tap, with the offloads that VMs have; and an agent's kernel layer over the tap. */
import type { spawn } from "node:child_process";
import { json, text } from "node:stream/consumers";
import type { KernelSettings } from "../../src/kernel/settings.ts";
import type { KernelStatus, PacketCounter } from "../../src/kernel/status.ts";
import type { Direction } from "../../src/model/model.ts";
import { objectPath } from "../kernel/host.ts";
import { bundleDriver, Driver } from "../kernel/namespace.ts";
import { Links, type Place } from "../network/links.ts";
import { bundleScript, type Guest, startGuest } from "./boot.ts";

export const guestMac = "02:00:00:00:09:01";
export const addresses = {
  4: { guest: "10.9.0.1", host: "10.9.0.254" },
  6: { guest: "fd09::1", host: "fd09::fe" },
} as const;
export type Family = keyof typeof addresses;

/** Packets and bytes. */
export interface Traffic {
  readonly packets: number;
  readonly bytes: number;
}

interface IperfReport {
  readonly error?: string;
  readonly end: {
    readonly sum_received?: { readonly bytes: number };
    readonly sum?: { readonly bytes: number; readonly packets?: number; readonly lost_packets?: number };
  };
}

/** Bytes that the receiver got; null where no transfer came about. */
function readTransfer({ error, end }: IperfReport, udp: boolean): number | null {
  if (error !== undefined) return null;
  if (!udp) return end.sum_received?.bytes ?? null;
  const { bytes, packets = 0, lost_packets: lost = 0 } = end.sum ?? { bytes: 0 };
  return packets === 0 ? 0 : (bytes * (packets - lost)) / packets;
}

export class TapBed {
  readonly host: Place;
  readonly #links = new Links("tap");
  readonly #driverBundle = bundleDriver("tap");
  readonly #guestBundle = bundleScript("steered");
  readonly #children: ReturnType<typeof spawn>[] = [];
  readonly guest: Guest;
  readonly driver: Driver;

  constructor() {
    this.host = this.#links.add("host");
    this.host.ip("tuntap", "add", "tap0", "mode", "tap", "vnet_hdr");
    // Deep enough for all windows: what the device throws away would be counted by us and not by it.
    this.host.ip("link", "set", "tap0", "txqueuelen", "10000", "up");
    this.host.ip("addr", "add", `${addresses[4].host}/24`, "dev", "tap0");
    this.host.ip("addr", "add", `${addresses[6].host}/64`, "dev", "tap0", "nodad");
    const script = [
      `ip addr add ${addresses[4].guest}/24 dev eth0`,
      `ip addr add ${addresses[6].guest}/64 dev eth0 nodad`,
      "ip link set eth0 up",
      `exec node ${this.#guestBundle.path}`,
    ].join("\n");
    const tap = { namespace: this.host.name, device: "tap0", mac: guestMac };
    this.guest = startGuest({ series: "6.1", script, tap, seconds: 1800 });
    this.driver = Driver.start(this.host.name, this.#driverBundle.path);
  }

  async open(root: string, settings: Partial<KernelSettings>): Promise<KernelStatus> {
    await this.driver.call("open", { object: objectPath, root, settings });
    return this.driver.call<KernelStatus>("status");
  }

  /** Runs a script in the guest; what it printed. */
  async inGuest(script: string, family: Family = 4): Promise<string> {
    const relay = `const s=require("node:net").connect({host:process.argv[1],port:7000,allowHalfOpen:true});process.stdin.pipe(s);s.pipe(process.stdout)`;
    const child = this.host.spawn(process.execPath, ["-e", relay, addresses[family].guest]);
    child.stdin?.end(script);
    if (child.stdout === null) throw new Error("no output");
    const answer = (await json(child.stdout)) as { said: string };
    return answer.said;
  }

  /** A server for one transfer, in the guest or on the host, listening. */
  async serve(direction: Direction, port: number): Promise<void> {
    const listens = `until ss -Hltn sport = :${port} | grep -q .; do sleep 0.1; done`;
    if (direction === "egress") {
      this.#children.push(this.host.spawn("iperf3", ["-s", "-1", "-p", String(port)]));
      this.host.run("bash", ["-c", listens]);
      return;
    }
    await this.inGuest(`iperf3 -s -1 -D -p ${port}; ${listens}`);
  }

  /** A transfer by iperf3 to `port` of the other side. */
  async transfer(direction: Direction, family: Family, port: number, words: string): Promise<number | null> {
    const { guest, host } = addresses[family];
    const udp = words.includes("-u");
    const options = `-J -p ${port} --connect-timeout 15000 ${words}`;
    if (direction === "egress")
      return readTransfer(JSON.parse(await this.inGuest(`iperf3 -c ${host} ${options}`)), udp);
    const child = this.host.spawn("iperf3", ["-c", guest, ...options.split(" ")]);
    if (child.stdout === null) throw new Error("no output");
    return readTransfer(JSON.parse(await text(child.stdout)), udp);
  }

  /** What the device itself counted: `egress` is what the guest sent. */
  deviceTraffic(direction: Direction): Traffic {
    const [link] = JSON.parse(this.host.ip("-j", "-s", "link", "show", "dev", "tap0"));
    const { packets, bytes } = link.stats64[direction === "egress" ? "rx" : "tx"];
    return { packets, bytes };
  }

  /** What the programs counted, of these verdicts. */
  async counted(direction: Direction, verdict: "accept" | "drop"): Promise<Traffic> {
    const counters =
      await this.driver.call<
        (Omit<PacketCounter, "packets" | "bytes"> & Record<"packets" | "bytes", string>)[]
      >("counters");
    const own = counters.filter((one) => one.direction === direction && one.verdict === verdict);
    const sum = (key: "packets" | "bytes") => own.reduce((total, one) => total + Number(one[key]), 0);
    return { packets: sum("packets"), bytes: sum("bytes") };
  }

  async remove(): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await this.driver.kill();
    await this.guest.stop();
    this.#links.remove();
    this.#driverBundle.remove();
    this.#guestBundle.remove();
  }
}

export function differenceOf(after: Traffic, before: Traffic): Traffic {
  return { packets: after.packets - before.packets, bytes: after.bytes - before.bytes };
}
