/** The rules and guests of the floods: one that is flooded, and its neighbours. */
import { defaultLimits, type Model } from "../../src/model/model.ts";
import { parseModel } from "../../src/model/parse.ts";
import { linesForEverybody } from "../support/rule-lines.ts";
import { flooder } from "./flood-kinds.ts";
import { neighbours } from "./flood-neighbours.ts";

/** Anyone reaches TCP 443, UDP 53 and 5000 and may ping; guests may send everything. */
export function buildFloodModel(): Model {
  const own = [
    `      eni-0: {device: tap0, network: vpc-a, mac: "${flooder.mac}", addresses: [${flooder.ipv4}, "${flooder.ipv6}"], groups: [sg-t]}`,
    ...neighbours.map(
      ({ id, mac, address }) =>
        `      ${id}: {device: ${id}, network: vpc-a, mac: "${mac}", addresses: [${address}], groups: [sg-t]}`,
    ),
  ];
  const open = ["tcp 443/443", "udp 5000/5000", "udp 53/53"].map((what) => `ingress accept ${what}`);
  const text = `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-t:
    type: basic
    network: vpc-a
    rules:
${linesForEverybody(open)}
      - {direction: ingress, policy: accept, protocol: icmp, portRange: -1/-1, remote: 0.0.0.0/0}
instances:
  i-1:
    interfaces:
${own.join("\n")}
`;
  const { model, diagnostics } = parseModel([{ path: "flood.yaml", text }], {
    limits: defaultLimits,
    host: "here",
  });
  if (model === null) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return model;
}
