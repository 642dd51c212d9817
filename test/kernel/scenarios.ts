/** Models that the driver of a namespace knows by name. */
import { defaultSettings, type KernelSettings } from "../../src/kernel/settings.ts";
import type { Model } from "../../src/model/model.ts";
import { address, group, iface, model, network, remote, rule, tcp } from "../unit/policy/compile-fixture.ts";

const icmp = rule({ protocol: "icmp", protocolNumber: 1 });
const web = group("sg-web", [tcp(80, 80), icmp]);

/** eni-1 on tap1 and eni-2 on tap2; the host itself is 10.0.0.254. */
export const models = {
  open80: model({ groups: [web], interfaces: [iface(1, ["sg-web"], ["10.0.0.1"])] }),
  both: model({ groups: [group("sg-web", [tcp(80, 81)])], interfaces: [iface(1, ["sg-web"], ["10.0.0.1"])] }),
  open81: model({
    groups: [group("sg-web", [tcp(81, 81)])],
    interfaces: [iface(1, ["sg-web"], ["10.0.0.1"])],
  }),
  /** Two on devices of their own: another record, and another slot, for each. */
  collide80: model({
    groups: [web],
    interfaces: [iface(3, ["sg-web"], ["10.0.0.3"]), iface(4, ["sg-web"], ["10.0.0.4"])],
  }),
  collide81: model({
    groups: [group("sg-web", [tcp(81, 81)])],
    interfaces: [
      iface(3, ["sg-web"], ["10.0.0.3", "10.0.0.33"]),
      iface(4, ["sg-web"], ["10.0.0.4", "10.0.0.44"]),
    ],
  }),
  /** As open80, in a network with a gateway. */
  gateway: model({
    networks: [network("vpc-a", { gateways: [address("fe80::fe")] })],
    groups: [web],
    interfaces: [iface(1, ["sg-web"], ["10.0.0.1"])],
  }),
  /** Other rules, and another record of the interface. */
  moved: model({
    groups: [group("sg-web", [tcp(81, 81)])],
    interfaces: [iface(1, ["sg-web"], ["10.0.0.1", "10.0.0.9"])],
  }),
  two: model({
    groups: [web, group("sg-db", [tcp(80, 80, { remote: remote("sg-web") })])],
    interfaces: [iface(1, ["sg-web"], ["10.0.0.1"]), iface(2, ["sg-db"], ["10.0.0.2"])],
  }),
  observed: model({
    groups: [group("sg-web", [tcp(80, 80)], { mode: "observe" })],
    interfaces: [iface(1, ["sg-web"], ["10.0.0.1"])],
  }),
  nobody: model({ groups: [web], interfaces: [] }),
} satisfies Record<string, Model>;
export type ModelName = keyof typeof models;

export const settings = {
  usual: defaultSettings,
  uplink: { ...defaultSettings, uplinks: [{ device: "up0", networks: null }] },
  native: { ...defaultSettings, attach: "native" },
  generic: { ...defaultSettings, attach: "generic" },
  nativeOpen: { ...defaultSettings, attach: "native", onFailure: "open" },
} satisfies Record<string, KernelSettings>;
export type SettingsName = keyof typeof settings;

/** By name, or what differs from the defaults. */
export type SettingsGiven = SettingsName | Partial<KernelSettings>;

export function settingsOf(given: SettingsGiven): KernelSettings {
  return typeof given === "string" ? settings[given] : { ...defaultSettings, ...given };
}
