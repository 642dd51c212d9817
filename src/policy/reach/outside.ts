/** The outside world as a network's rules see it: pieces of addresses that are nobody's, and how to name them. */
import { formatPrefix } from "../../model/cidr.ts";
import type { Address, Family, Group, Model, Prefix } from "../../model/model.ts";
import { cutsOf, prefixesOf } from "../cuts.ts";
import { holds } from "../oracle/address.ts";
import type { Span } from "../pieces.ts";
import { widthOf } from "../prefixes.ts";
import type { KnownAddresses } from "../space.ts";
import { neverSources } from "../universe.ts";

/** Addresses between two cuts; `stranger`: one of them that is nobody's, or null where there is none. */
export interface OutsidePiece extends Span<bigint> {
  readonly stranger: Address | null;
}

/** What may be said of outside addresses in few words: these prefixes, or all but these. */
export type OutsideName = { readonly prefixes: readonly string[] } | { readonly except: readonly string[] };

/** Cut at the prefixes of the rules of these groups, at address pairs, and at what is never judged. */
export function listOutside(
  model: Model,
  network: string,
  family: Family,
  { addresses, groups }: { readonly addresses: KnownAddresses; readonly groups: readonly Group[] },
): readonly OutsidePiece[] {
  const pairs = [...model.interfaces.values()]
    .filter((own) => own.network === network)
    .flatMap((own) => own.allowedAddressPairs.map(({ prefix }) => prefix));
  const closed = [...pairs, ...neverSources];
  const bounds = cutsOf([...prefixesOf(model, groups), ...closed])[family];
  const known = new Set(addresses(network, family).map(({ bits }) => bits));
  return bounds.slice(0, -1).map((first, index) => {
    const end = bounds[index + 1] ?? first + 1n;
    return { first, end, stranger: findStranger(family, { first, end }, known, closed) };
  });
}

function findStranger(
  family: Family,
  { first, end }: Span<bigint>,
  known: ReadonlySet<bigint>,
  closed: readonly Prefix[],
): Address | null {
  if (closed.some((prefix) => holds(prefix, { family, bits: first }))) return null;
  let bits = first;
  while (bits < end && known.has(bits)) bits += 1n;
  return bits < end ? { family, bits } : null;
}

/** Prefixes that make up a span. */
export function prefixesOfSpan(family: Family, { first, end }: Span<bigint>): Prefix[] {
  const prefixes: Prefix[] = [];
  let bits = first;
  while (bits < end) {
    let size = bits === 0n ? 1n << BigInt(widthOf(family)) : bits & -bits;
    while (bits + size > end) size >>= 1n;
    prefixes.push({ family, bits, length: widthOf(family) - (size.toString(2).length - 1) });
    bits += size;
  }
  return prefixes;
}

/** Pieces without strangers go with their neighbours: they are nobody's to speak of. */
function joinRuns(pieces: readonly OutsidePiece[], isIn: (piece: OutsidePiece) => boolean): Span<bigint>[] {
  const runs: Span<bigint>[] = [];
  let open: { first: bigint; end: bigint } | null = null;
  for (const piece of pieces) {
    if (piece.stranger === null) {
      if (open !== null) open.end = piece.end;
      else if (runs.length === 0 && piece.first === 0n) open = { first: 0n, end: piece.end };
      continue;
    }
    if (isIn(piece)) {
      open ??= { first: piece.first, end: piece.end };
      open.end = piece.end;
    } else if (open !== null) {
      runs.push(open);
      open = null;
    }
  }
  return open === null ? runs : [...runs, open];
}

/** The pieces in as few prefixes as either way of saying it needs. */
export function nameOutside(
  family: Family,
  pieces: readonly OutsidePiece[],
  chosen: ReadonlySet<OutsidePiece>,
): OutsideName {
  const spell = (isIn: (piece: OutsidePiece) => boolean): string[] =>
    joinRuns(pieces, isIn).flatMap((run) => prefixesOfSpan(family, run).map(formatPrefix));
  const prefixes = spell((piece) => chosen.has(piece));
  const except = spell((piece) => !chosen.has(piece));
  const everyone = pieces.every((piece) => piece.stranger === null || chosen.has(piece));
  if (everyone) return { prefixes: [family === 4 ? "0.0.0.0/0" : "::/0"] };
  return except.length < prefixes.length ? { except } : { prefixes };
}
