import { describe, expect, it } from "vitest";
import { whyTagsHidden } from "../../../src/kernel/vlan-tags.ts";

const link = (name: string, kind = "", master = 0) => ({ ifindex: 2, name, kind, master });
const links = [link("bond0", "bond"), link("eth0", "", 2), link("eth1", "", 2), link("eth2")];
/** What is said of a device where these take tags off. */
const why = (name: string, kind: string, ...stripping: string[]) =>
  whyTagsHidden(link(name, kind), links, (device) => stripping.includes(device));

describe("an uplink's VLAN tags", () => {
  it("are seen where the device leaves them in the bytes", () => {
    expect(why("eth2", "")).toBeNull();
    expect(why("up0", "veth")).toBeNull();
    expect(why("bond0", "bond", "eth2")).toBeNull();
  });

  it("are hidden where a card takes them off: what that does, and what to do, is said in one line", () => {
    expect(why("eth2", "", "eth2")).toMatch(
      /^eth2 takes VLAN tags off .* nothing goes directly .* \(ethtool -K eth2 rxvlan off\)$/,
    );
  });

  it("are hidden by any card of a bond, and by no other port", () => {
    const commands = /\(ethtool -K bond0 rxvlan off && ethtool -K eth1 rxvlan off\)$/;
    expect(why("bond0", "bond", "bond0", "eth1", "eth2")).toMatch(commands);
    expect(why("br0", "bridge", "eth0")).toBeNull();
  });

  it("may be hidden by a veth's other end, which comes first", () => {
    expect(why("up0", "veth", "up0")).toMatch(/other end ethtool -K DEVICE txvlan off, then ethtool -K up0/);
  });

  it("count as hidden where nobody knows", () => {
    const fails = (): never => {
      throw new Error("cannot tell");
    };
    expect(whyTagsHidden(link("eth2"), links, fails)).toMatch(/^eth2 may take .* \(cannot tell\)$/);
  });
});
