/** Rules and packets that the bench measures with: one guest, one peer, TCP. */
import { defaultLimits, type Model } from "../../src/model/model.ts";
import { parseModel } from "../../src/model/parse.ts";
import { ethernet, frame, ipv4, ipv6, payload, type TcpFields, tcp } from "../support/packet.ts";

export const families = ["ipv4", "ipv6"] as const;
export type Family = (typeof families)[number];

export const interfaceId = "eni-1";
const guest = { mac: "02:00:00:00:01:01", ipv4: "192.0.2.11", ipv6: "2001:db8:1::11" };
const peer = { mac: "02:00:00:00:00:01", ipv4: "198.51.100.80", ipv6: "2001:db8:ffff::80" };

/** `count` egress rules as clouds have them; the last two let everything else through. */
export function buildModel(count: number): Model {
  const rules = Array.from({ length: count - 2 }, (_, index) => {
    const [remote, port] = [`10.${(index >> 8) % 256}.${index % 256}.0/24`, 1000 + (index % 5000)];
    return `{direction: egress, policy: drop, protocol: tcp, portRange: ${port}/${port + 10}, remote: ${remote}}`;
  });
  const last = ["0.0.0.0/0", "::/0"].map(
    (remote) =>
      `{direction: egress, policy: accept, protocol: tcp, portRange: -1/-1, remote: "${remote}", priority: 100}`,
  );
  const text = `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-t:
    type: basic
    network: vpc-a
    rules:
${[...rules, ...last].map((rule) => `      - ${rule}`).join("\n")}
instances: {i-1: {interfaces: {${interfaceId}: {device: tap1, network: vpc-a, mac: "${guest.mac}", addresses: [${guest.ipv4}, "${guest.ipv6}"], groups: [sg-t]}}}}
`;
  const limits = { ...defaultLimits, rulesPerGroup: 4096, rulesPerInterface: 4096 };
  const { model, diagnostics } = parseModel([{ path: "bench.yaml", text }], { limits, host: "here" });
  if (model === null) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return model;
}

function segment(family: Family, outwards: boolean, fields: TcpFields): Uint8Array {
  const [source, destination] = outwards ? [guest, peer] : [peer, guest];
  const addresses = { source: source[family], destination: destination[family] };
  return frame(
    ethernet({ source: source.mac, destination: destination.mac }),
    family === "ipv4" ? ipv4(addresses) : ipv6(addresses),
    tcp(fields),
    payload(10),
  );
}

const out = { sourcePort: 40443, destinationPort: 443 };
const back = { sourcePort: 443, destinationPort: 40443 };

/** A connection that both sides acknowledged, and a packet of it that the guest sends. */
export function buildConnection(family: Family): {
  readonly opening: readonly { readonly direction: "egress" | "ingress"; readonly data: Uint8Array }[];
  readonly packet: Uint8Array;
} {
  const packet = segment(family, true, { ...out, flags: "A", sequence: 1011, acknowledgement: 5011 });
  const syn = segment(family, true, { ...out, flags: "S", sequence: 1000 });
  const answer = { ...back, flags: "SA", sequence: 5000, acknowledgement: 1011 } as const;
  return {
    opening: [
      { direction: "egress", data: syn },
      { direction: "ingress", data: segment(family, false, answer) },
      { direction: "egress", data: packet },
    ],
    packet,
  };
}

/** First packets of `count` connections, each of another source port. */
export function buildOpenings(family: Family, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) =>
    segment(family, true, {
      sourcePort: 1024 + (index % 60_000),
      destinationPort: 80 + Math.floor(index / 60_000),
      flags: "S",
    }),
  );
}
