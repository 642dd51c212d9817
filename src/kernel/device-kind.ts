/** Which devices can be a guest's host-side end, so that the programs on it judge all that the guest does. Pure. */
import type { DeviceFacts } from "./device-facts.ts";
import type { LinkInfo } from "./native.ts";

/** What a device is to an interface that names it. */
export type Suitability =
  /** `caution`: what of the device is not judged; null: nothing. */
  | { readonly suits: true; readonly caution: string | null }
  | {
      readonly suits: false;
      readonly problem: string;
      /** It is the host's own: setting it down would cut off others. */
      readonly isHosts: boolean;
    };

/** Devices that stand on another and bring its frames past the host's hooks, to or from the guest's own stack. */
const passing: ReadonlySet<string> = new Set(["macvtap", "macvlan", "ipvlan", "ipvtap"]);
/** Devices that join others. */
const joining: ReadonlySet<string> = new Set(["bridge", "bond", "team", "openvswitch", "vrf"]);

const guestDevice = "name the guest's own tap or veth as the interface's device";

function refuse(problem: string, isHosts: boolean): Suitability {
  return { suits: false, problem, isHosts };
}

/** Can the programs on this device judge a guest? `lower`: the device below it, if it is here. */
export function judgeDevice(
  link: Pick<LinkInfo, "name" | "kind" | "ethernet">,
  facts: Pick<DeviceFacts, "hardware">,
  lower: Pick<LinkInfo, "name"> | undefined,
): Suitability {
  const { name, kind, ethernet } = link;
  const below = lower === undefined ? "the device below" : lower.name;
  if (passing.has(kind)) {
    const why = `${name} is the guest's end of a ${kind} on ${below}: its frames pass no hook of the host in the right direction, and siblings reach each other past the host`;
    return refuse(`${why}; plug the guest into a bridge with a tap, and ${guestDevice}`, false);
  }
  if (joining.has(kind)) {
    const why = `${name} is a ${kind}: it carries the host's own and others' traffic, and what its ports exchange passes it by`;
    return refuse(`${why}; ${guestDevice}`, true);
  }
  if (!ethernet)
    return refuse(`${name} carries no Ethernet frames; ${guestDevice} (mode tap, not tun)`, false);
  return judgeHardware(link, facts, below);
}

/**
 * What is wrong where an interface's device is not there under its name; null: nothing. What a guest has instead of a
 * device (vhost-user's socket, a function of a card) cannot be told from a device that has yet to come.
 */
export function describeAbsence(device: string, link: Pick<LinkInfo, "name"> | undefined): string | null {
  if (link === undefined)
    return `no device ${device} on this host yet (a guest by vhost-user or SR-IOV has none, and cannot be judged)`;
  return link.name === device ? null : `the device was renamed from ${device} to ${link.name}`;
}

function judgeHardware(
  { name, kind }: Pick<LinkInfo, "name" | "kind">,
  { hardware }: Pick<DeviceFacts, "hardware">,
  below: string,
): Suitability {
  switch (hardware) {
    case "virtual-function": {
      const why = `${name} is an SR-IOV virtual function, the guest's end: the card switches its frames past the host`;
      return refuse(`${why}; give the guest a tap instead, and ${guestDevice}`, false);
    }
    case "representor": {
      const why = `${name} represents a function of a card that may switch flows by itself, past the host`;
      return refuse(`${why}; give the guest a tap instead, and ${guestDevice}`, false);
    }
    case "physical":
    case "software": {
      const caution =
        kind === "vlan"
          ? `only what is in the VLAN of ${name} is judged: frames that ${below} carries otherwise are not`
          : null;
      return { suits: true, caution };
    }
    default: {
      const unknown: never = hardware;
      throw new Error(`hardware: ${String(unknown)}`);
    }
  }
}

/** Guests behind a device that no program of the host sees; one line each. */
export function findBypasses(
  links: Iterable<LinkInfo>,
  factsOf: (link: LinkInfo) => DeviceFacts,
): readonly { readonly device: string; readonly text: string }[] {
  const all = [...links];
  const nameOf = new Map(all.map(({ ifindex, name }) => [ifindex, name]));
  return all.flatMap((link) => {
    if (passing.has(link.kind)) {
      const below = nameOf.get(link.lower) ?? "";
      return [
        { device: below, text: `${link.name} (${link.kind} on ${below || "another namespace's device"})` },
      ];
    }
    const { virtualFunctions, hardware } = factsOf(link);
    if (hardware === "representor") return [{ device: link.name, text: `${link.name} (representor)` }];
    if (virtualFunctions === 0) return [];
    return [{ device: link.name, text: `${virtualFunctions} virtual functions of ${link.name} (SR-IOV)` }];
  });
}

/** What an uplink of this kind does not see, or sees for nothing; null: nothing. */
export function cautionUplink(
  link: Pick<LinkInfo, "name" | "kind">,
  bypasses: readonly { readonly device: string; readonly text: string }[],
): string | null {
  const past = bypasses.filter(({ device }) => device === link.name).map(({ text }) => text);
  const cautions = [
    ...(link.kind === "bridge"
      ? [`${link.name} is a bridge: it sees only what is for the host itself; name the port that leads out`]
      : []),
    ...(past.length > 0 ? [`what passes to and from ${past.join(", ")} is judged by nothing`] : []),
  ];
  return cautions.length === 0 ? null : cautions.join("; ");
}
