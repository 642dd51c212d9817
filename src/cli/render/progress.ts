/** How far long work is: on a terminal only, on stderr, gone when the work is done. */

export interface Progress {
  show(done: number, total: number): void;
  end(): void;
}

/** Work that is done sooner than this shows nothing, ms. */
const patience = 300;
const eraseLine = "\r\u001b[K";

/** `what` is being done: "reading rules". */
export function startProgress(what: string, terminal: NodeJS.WriteStream = process.stderr): Progress {
  const started = performance.now();
  let shown = -1;
  return {
    show: (done, total) => {
      const percent = Math.floor((100 * done) / total);
      if (terminal.isTTY !== true || percent === shown || performance.now() - started < patience) return;
      terminal.write(`${eraseLine}${what}: ${percent} %`);
      shown = percent;
    },
    end: () => {
      if (shown >= 0) terminal.write(eraseLine);
      shown = -1;
    },
  };
}
