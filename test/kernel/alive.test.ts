/** rw_alive says when two ends last had a session; the programs write it, and the agent where an operator ends one. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { alivePlace } from "../../src/kernel/alive.ts";
import { digest64 } from "../../src/kernel/digest.ts";
import { Alive, SessionKeyStruct, SessionState, SessionStruct } from "../../src/kernel/layout.gen.ts";
import { indexKey } from "../../src/kernel/maps.ts";
import { addressBytes, ethernet, frame, ipv4, ipv6, payload, tcp } from "../support/packet.ts";
import { Random } from "../support/random.ts";
import { seed } from "../support/seed.ts";
import { group, iface, model, remote, rule } from "../unit/policy/compile-fixture.ts";
import { EngineBed } from "./engine-bed.ts";

const me = { 4: "10.0.0.1", 6: "2001:db8:1::1" } as const;
const timeouts = new Array<number>(SessionState.STATES_MAX).fill(910);

let bed: EngineBed;
beforeAll(async () => {
  bed = await EngineBed.open();
  const open = group("sg-open", [rule(), rule({ remote: remote("::/0") })]);
  await bed.apply(model({ groups: [open], interfaces: [iface(1, ["sg-open"], [me[4], me[6]])] }));
});
afterAll(() => bed.close());

/** Places that say something. */
function readPlaces(): Map<number, number> {
  const { keys, values, count } = bed.maps.alive.entries();
  const read = (bytes: Uint8Array, index: number) =>
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(index * 4, true);
  const all = Array.from({ length: count }, (_, index) => [read(keys, index), read(values, index)] as const);
  return new Map(all.filter(([, value]) => value !== Alive.ALIVE_NEVER));
}

function keyOf(family: 4 | 6, peer: string, localPort: number): Uint8Array {
  const wide = (address: string) => addressBytes(family === 4 ? `::ffff:${address}` : address);
  const zeros = SessionKeyStruct.decode(new Uint8Array(SessionKeyStruct.SIZE));
  const ends = { local: wide(me[family]), remote: wide(peer), localPort, remotePort: 5000 };
  return SessionKeyStruct.encode({ ...zeros, ...ends, protocol: 6 });
}

it("a session's ends stand where the agent looks for them", async () => {
  const random = new Random(seed);
  const expected = new Set<number>();
  for (let turn = 0; turn < 40; turn++) {
    const family = turn % 2 === 0 ? 4 : 6;
    const [host, port] = [random.between(1, 254), random.between(1, 65_535)];
    const peer = family === 4 ? `198.51.100.${host}` : `2001:db8:${host}::${host}`;
    const addresses = { source: peer, destination: me[family] };
    const packet = frame(
      ethernet({ source: "02:00:00:00:00:fe", destination: "02:00:00:00:00:01" }),
      family === 4 ? ipv4(addresses) : ipv6(addresses),
      tcp({ sourcePort: 5000, destinationPort: port, flags: "S" }),
      payload(10),
    );
    expect((await bed.ask("eni-1", "ingress", packet)).session).toBe("new");
    expected.add(alivePlace(keyOf(family, peer, port)));
  }
  expect(new Set(readPlaces().keys()), `seed ${seed}`).toEqual(expected);
});

it("where an operator ends a session, its ends are no strangers ever after", async () => {
  const number = bed.engine.known.numbers.get(digest64("eni-1")) ?? 0;
  const table = bed.maps.sessions.established.getInner(indexKey(number));
  const zeros = SessionStruct.decode(new Uint8Array(SessionStruct.SIZE));
  const key = keyOf(6, "2001:db8:9::9", 443);
  const entry = { ...zeros, seen: 5, state: SessionState.STATE_TCP_ESTABLISHED };
  table?.set(key, SessionStruct.encode(entry));
  table?.close();
  const clock = { now: 5, hz: 1, timeouts, generation: 0 };
  expect(await bed.engine.tables.end(number, "eni-1", {}, clock)).toBe(1);
  expect(readPlaces().get(alivePlace(key))).toBe(Alive.ALIVE_REVOKED);
});
