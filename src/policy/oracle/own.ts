/** What is an interface's own: MACs, and addresses with the MAC that they may be sent from. */
import type { Address, Interface, Mac, Model } from "../../model/model.ts";
import { holds, isLinkLocal, madeLinkLocal, sameAddress } from "./address.ts";

/** Its MAC, or a pair's. */
export function isOwnMac(own: Interface, mac: Mac): boolean {
  return mac === own.mac || own.allowedAddressPairs.some((pair) => pair.mac === mac);
}

export function isListed(own: Interface, value: Address): boolean {
  return own.addresses.some((listed) => sameAddress(listed, value));
}

/** Listed addresses go with its own MAC, a pair's with the pair's MAC, or with its own where the pair names none. */
export function isOwnAddress(own: Interface, mac: Mac, value: Address): boolean {
  if (mac === own.mac && isListed(own, value)) return true;
  return own.allowedAddressPairs.some((pair) => (pair.mac ?? own.mac) === mac && holds(pair.prefix, value));
}

export function isOwnMadeLinkLocal(own: Interface, mac: Mac, value: Address): boolean {
  return mac === own.mac && sameAddress(madeLinkLocal(own.mac), value);
}

/**
 * Any link-local address from its own MAC, as privacy extensions make them, but none that another interface of
 * the network has, and no gateway.
 */
export function isFreeLinkLocal(model: Model, own: Interface, mac: Mac, value: Address): boolean {
  if (mac !== own.mac || !isLinkLocal(value)) return false;
  const gateways = model.networks.get(own.network)?.gateways ?? [];
  if (gateways.some((gateway) => sameAddress(gateway, value))) return false;
  return ![...model.interfaces.values()].some(
    (other) =>
      other.id !== own.id &&
      other.network === own.network &&
      (isListed(other, value) || sameAddress(madeLinkLocal(other.mac), value)),
  );
}

/** Does it speak IPv6, as far as the model knows: an IPv6 address or pair, or no address at all? */
export function mayUseIpv6(own: Interface): boolean {
  return (
    own.addresses.length === 0 ||
    own.addresses.some(({ family }) => family === 6) ||
    own.allowedAddressPairs.some(({ prefix }) => prefix.family === 6)
  );
}
