// The story of the demo; exits 1 if anything was observed that is not expected.
import { setTimeout as sleep } from "node:timers/promises";
import Table from "cli-table3";
import colors from "picocolors";
import { Bed, people } from "./bed.mjs";

const sshRules = `      - {direction: ingress, policy: accept, protocol: tcp, portRange: 22/22, remote: ${people.visitor.ipv4}/32}
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 22/22, remote: "${people.visitor.ipv6}/128"}
`;

const rules = (ssh) => `version: 1
networks: {vpc-demo: {type: vpc}}
groups:
  sg-web:
    type: basic
    network: vpc-demo
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 0.0.0.0/0}
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: "::/0"}
      - {direction: ingress, policy: accept, protocol: icmp, portRange: -1/-1, remote: 0.0.0.0/0}
      - {direction: ingress, policy: accept, protocol: icmpv6, portRange: -1/-1, remote: "::/0"}
${ssh ? sshRules : ""}  sg-db:
    type: basic
    network: vpc-demo
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 5432/5432, remote: sg-web}
instances:
  i-web: {interfaces: {eni-web: {device: tap-web, network: vpc-demo, mac: "${people.web.mac}", addresses: [${people.web.ipv4}, "${people.web.ipv6}"], groups: [sg-web]}}}
  i-db: {interfaces: {eni-db: {device: tap-db, network: vpc-demo, mac: "${people.db.mac}", addresses: [${people.db.ipv4}, "${people.db.ipv6}"], groups: [sg-db]}}}
`;

/** From, to, what, port (0: ping), and whether it is to work before and after ssh is allowed. */
const attempts = [
  ["visitor", "web", "http", 80, true, true],
  ["visitor", "web", "ssh", 22, false, true],
  ["visitor", "web", "ping", 0, true, true],
  ["visitor", "db", "database", 5432, false, false],
  ["visitor", "db", "ping", 0, false, false],
  ["web", "db", "database", 5432, true, true],
  ["web", "db", "ssh", 22, false, false],
  ["db", "web", "http", 80, true, true],
];

const say = (text) => console.log(`${colors.cyan("▸")} ${text}`);
const word = (works) => (works ? colors.green("works") : colors.red("refused"));

/** Tries everything once, prints the table, returns how many observations were not expected. */
function observe(bed, after) {
  const table = new Table({
    head: ["from", "to", "what", "expected", "IPv4", "IPv6", ""],
    style: { head: [], border: [] },
  });
  let wrong = 0;
  for (const [from, to, what, port, before, later] of attempts) {
    const expected = after ? later : before;
    const addresses = [people[to].ipv4, people[to].ipv6];
    const seen =
      port === 0
        ? addresses.map((address) => bed.ping(from, address, expected ? 30 : 1))
        : bed.connect(
            from,
            addresses.map((address) => [address, port]),
          );
    const bad = seen.filter((works) => works !== expected).length;
    wrong += bad;
    const name = port === 0 ? what : `${what} ${port}`;
    table.push([
      from,
      to,
      name,
      word(expected),
      ...seen.map(word),
      bad === 0 ? "" : colors.red("NOT AS EXPECTED"),
    ]);
  }
  console.log(table.toString());
  return wrong;
}

/** Waits until the agent has taken up an edit of the rules. */
async function waitForRevision(bed, revision) {
  for (let turn = 0; turn < 600; turn++) {
    if (JSON.parse(bed.ringwall("status", "--json")).policy.revision === revision) return;
    await sleep(100);
  }
  throw new Error(`revision ${revision} did not come into force within a minute`);
}

async function tell(bed) {
  say("making a host, two guests and a visitor (namespaces, veth, a bridge)");
  bed.make();
  bed.writeRules(rules(false));
  await bed.listen();
  say("starting the agent: sg-web (http, ping) on web, sg-db (database from sg-web) on db");
  await bed.startAgent();
  say("real traffic:");
  let wrong = observe(bed, false);
  say(
    "why is the visitor's ssh refused?  ringwall explain --from 10.80.0.50 --to eni-web --protocol tcp --port 22",
  );
  console.log(
    bed.ringwall(
      "explain",
      "--from",
      people.visitor.ipv4,
      "--to",
      "eni-web",
      "--protocol",
      "tcp",
      "--port",
      "22",
    ),
  );
  say("adding the rule to the file, live:");
  console.log(sshRules);
  bed.writeRules(rules(true));
  await waitForRevision(bed, 2);
  say("the same traffic again:");
  wrong += observe(bed, true);
  say("what the metrics say now:");
  const counted = bed.metrics().split("\n");
  console.log(
    counted
      .filter((line) => /^ringwall_packets_total.*reason="(rule|session|no-rule)"/.test(line))
      .join("\n"),
  );
  if (!counted.some((line) => line.includes('reason="no-rule"'))) wrong++;
  return wrong;
}

const bed = new Bed();
for (const signal of ["SIGINT", "SIGTERM"])
  process.on(signal, () => {
    say("interrupted: cleaning up");
    bed.remove();
    process.exit(1);
  });
let wrong = 1;
try {
  wrong = await tell(bed);
} catch (error) {
  // Ctrl-C ends the commands of a step too: its handler goes first, or their failure would pass for the reason.
  await sleep(50);
  console.error(`demo: ${error.message}`);
} finally {
  say("cleaning up");
  bed.remove();
}
console.log(wrong === 0 ? "Everything was as expected." : `${wrong} observations were not as expected.`);
process.exit(wrong === 0 ? 0 : 1);
