/** Answers that are too long to be made in one go: they are made while they are sent. */
import type { ServerResponse } from "node:http";
import { nextTurn } from "../kernel/slices.ts";
import { listEnd } from "./protocol.ts";

/** A list, its form in protocol.ts: `start` is its first line, each element has one of its own. */
export class LongAnswer<T> {
  readonly start: string;
  readonly pieces: AsyncIterable<readonly T[]>;

  constructor(start: string, pieces: AsyncIterable<readonly T[]>) {
    this.start = start;
    this.pieces = pieces;
  }
}

/**
 * Sends a piece at a time, each in a turn of the event loop, and waits where the reader is behind: no more than a piece is
 * held. Ends early when the reader goes. What the first piece throws comes before anything is sent.
 */
export async function sendLong(
  response: ServerResponse,
  { start, pieces }: LongAnswer<unknown>,
): Promise<void> {
  response.setHeader("content-type", "application/json");
  let sent = 0;
  for await (const piece of pieces) {
    if (response.destroyed) return;
    if (piece.length === 0) continue;
    const lines = piece.map((one) => JSON.stringify(one)).join(",\n");
    response.write(`${sent === 0 ? start : ","}\n${lines}`);
    sent += piece.length;
    await nextTurn();
    if (response.writableNeedDrain) await waitForReader(response);
  }
  if (response.destroyed) return;
  response.end(`${sent === 0 ? start : ""}\n${listEnd}\n`);
}

/** Settles when the reader has taken what is there, or is gone. */
function waitForReader(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      response.off("drain", go).off("close", go);
      resolve();
    };
    response.on("drain", go).on("close", go);
  });
}
