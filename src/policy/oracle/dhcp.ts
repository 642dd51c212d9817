/** The DHCP servers that a guest may speak to alone: the last four that answered soon after its own request. */
import type { Address } from "../../model/model.ts";
import { sameAddress } from "./address.ts";

const serversMax = 4;
/** Seconds within which an answer belongs to a request. */
const answerWindow = 60;

export class DhcpMemory {
  #asked: number | null = null;
  readonly #servers: Address[] = [];
  #turn = 0;

  /** The guest has sent a request that always works. Time is in seconds. */
  ask(now: number): void {
    this.#asked = now;
  }

  /** A server has answered; a new one takes the place of the one that came first. */
  answer(server: Address, now: number): void {
    if (this.#asked === null || now - this.#asked > answerWindow || this.knows(server)) return;
    this.#servers[this.#turn] = server;
    this.#turn = (this.#turn + 1) % serversMax;
  }

  knows(server: Address): boolean {
    return this.#servers.some((known) => sameAddress(known, server));
  }
}
