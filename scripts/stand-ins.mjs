/**
 * What packages load and this program never uses, as short as it may be: for the bundle alone, since reading and running
 * it is a part of every start. What is used after all throws, and says so.
 */

/** yargs asks these of its own state; `assert` brings the formatting of differences, and opens stderr for its colours. */
export const assert = `
  const refuse = (message) => { throw new Error(message ?? "yargs holds what it does not expect"); };
  export const strictEqual = (value, expected, message) => { if (!Object.is(value, expected)) refuse(message); };
  export const notStrictEqual = (value, other, message) => { if (Object.is(value, other)) refuse(message); };`;

const leftOut = (name) =>
  `class { constructor() { throw new Error("${name} is left out of the bundle (scripts/stand-ins.mjs)"); } }`;

/** prom-client: exemplars are not asked for, and nothing is pushed (TLS, HTTP clients) or summed up in quantiles. */
export const openTelemetry = `module.exports = {
  get context() { throw new Error("OpenTelemetry is left out of the bundle (scripts/stand-ins.mjs)"); },
};`;
export const pushgateway = `module.exports = ${leftOut("Pushgateway")};`;
export const summary = `module.exports = ${leftOut("Summary")};`;

/** pino: the log goes to what createLog is given, by this thread. */
export const sonicBoom = `module.exports = ${leftOut("SonicBoom")};`;
export const threadStream = `module.exports = ${leftOut("ThreadStream")};`;
