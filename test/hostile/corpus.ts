/**
 * Rules files of somebody who means harm: each has to be refused within 2 s of CPU and 512 MB, or to be harmless. What
 * is no bomb, but many rules with faults, may cost what so many legal rules do; of it there is less than 2 MB here.
 */

export interface HostileFile {
  readonly name: string;
  readonly text: () => string;
  /** What the refusal says; null: the file is legal. */
  readonly says: RegExp | null;
}

const head = "version: 1\n";
const mebi = 1024 * 1024;
const group = (id: string, rules: readonly string[]) =>
  `  ${id}:\n    type: basic\n    network: vpc-a\n    rules:\n${rules.map((rule) => `      - ${rule}\n`).join("")}`;
const network = "networks: {vpc-a: {type: vpc}}\n";
const repeat = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index)).join("");
const rule = "{direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 0.0.0.0/0}";

export const hostileFiles: readonly HostileFile[] = [
  {
    name: "nine levels of nine aliases",
    text: () =>
      `${head}a0: &a0 [x,x,x,x,x,x,x,x,x]\n${repeat(9, (index) => `a${index + 1}: &a${index + 1} [${Array(9).fill(`*a${index}`).join(",")}]\n`)}`,
    says: /alias/,
  },
  {
    name: "two megabytes of aliases of one large value",
    text: () =>
      `${head}networks:\n  a: &a {type: vpc, gateways: [${repeat(5000, () => "10.0.0.1, ")}10.0.0.1]}\n${repeat(100_000, (index) => `  b${index}: *a\n`)}`,
    says: /alias/,
  },
  { name: "64 MiB of opening brackets", text: () => "[".repeat(64 * mebi), says: /deep|levels|nest/i },
  {
    name: "2 MiB of opening braces",
    text: () => `${head}groups: ${"{".repeat(2 * mebi)}`,
    says: /deep|levels|nest/i,
  },
  {
    name: "a thousand levels of indentation",
    text: () => `${head}${repeat(1000, (index) => `${" ".repeat(index)}a:\n`)}`,
    says: /deep|levels|nest/i,
  },
  {
    name: "a megabyte of dashes in one line",
    text: () => `${head}groups: \n  ${"- ".repeat(mebi / 2)}x\n`,
    says: /deep|levels|nest/i,
  },
  { name: "20 MiB of commas", text: () => `${head}groups: [${",".repeat(20 * mebi)}]\n`, says: /./ },
  { name: "a scalar of 60 MiB", text: () => `${head}groups: ${"x".repeat(60 * mebi)}\n`, says: /./ },
  { name: "a quoted scalar of 60 MiB", text: () => `${head}groups: "${"x".repeat(60 * mebi)}"\n`, says: /./ },
  {
    name: "a description of 20 MiB",
    text: () =>
      `${head}${network}groups: {sg-a: {type: basic, network: vpc-a, description: "${"x".repeat(20 * mebi)}"}}\n`,
    says: /256/,
  },
  { name: "a key of 20 MiB", text: () => `${head}${"k".repeat(20 * mebi)}: 1\n`, says: /./ },
  { name: "a million documents", text: () => "---\n".repeat(1_000_000), says: /./ },
  {
    name: "a million anchors",
    text: () => `${head}groups:\n${repeat(1_000_000, (index) => `  - &a${index}\n`)}`,
    says: /./,
  },
  {
    name: "a hundred thousand anchors under 2 MiB",
    text: () => `${head}groups:\n${repeat(100_000, (index) => `  - &a${index} x\n`)}`,
    says: /./,
  },
  { name: "a million complex keys", text: () => `${head}groups:\n${"  ? a\n".repeat(1_000_000)}`, says: /./ },
  {
    name: "a hundred thousand complex keys",
    text: () => `${head}groups:\n${"  ? a\n".repeat(100_000)}`,
    says: /./,
  },
  {
    name: "one key a hundred thousand times",
    text: () => `${head}networks:\n${"  vpc-a: {type: vpc}\n".repeat(100_000)}`,
    says: /twice|more signs/,
  },
  {
    name: "forty thousand unknown keys, each nearly right",
    text: () =>
      `${head}${network}groups:\n${group("sg-a", [`{directionn: ingress, ${repeat(40_000, (index) => `polycy${index}: accept, `)}remote: sg-a}`])}`,
    says: /policy|direction|key/,
  },
  {
    name: "two thousand groups of long names, and as many rules that name nearly one",
    text: () => {
      const long = (index: number) => `sg-${String(index).padStart(8, "0").repeat(7)}`;
      const wrong = (index: number) => rule.replace("0.0.0.0/0", `${long(index).slice(0, -1)}x`);
      return `${head}${network}groups:\n${repeat(2000, (index) => group(long(index), [wrong(index)]))}`;
    },
    says: /unknown|no group|sg-/,
  },
  {
    name: "ten thousand rules, each with three faults",
    text: () =>
      `${head}${network}groups:\n${group("sg-a", Array(10_000).fill(rule.replace("80/80", "80-90").replace("tcp", "tpc").replace("accept", "acept")))}`,
    says: /there are more errors/,
  },
  {
    name: "five thousand interfaces of one address and one device",
    text: () =>
      `${head}${network}groups:\n${group("sg-a", [rule])}instances:\n${repeat(5_000, (index) => `  i-${index}: {interfaces: {eni-${index}: {device: tap0, network: vpc-a, mac: "02:00:00:00:00:01", addresses: [10.0.0.1], groups: [sg-a]}}}\n`)}`,
    says: /already|twice/,
  },
  {
    name: "an interface of a hundred thousand addresses",
    text: () =>
      `${head}${network}groups:\n${group("sg-a", [rule])}instances:\n  i-1: {interfaces: {eni-1: {device: tap0, network: vpc-a, mac: "02:00:00:00:00:01", groups: [sg-a], addresses: [${Array.from({ length: 100_000 }, (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`).join(", ")}]}}}\n`,
    says: /2000/,
  },
  {
    name: "an interface in ten thousand groups",
    text: () =>
      `${head}${network}groups:\n${group("sg-a", [rule])}instances:\n  i-1: {interfaces: {eni-1: {device: tap0, network: vpc-a, mac: "02:00:00:00:00:01", addresses: [10.0.0.1], groups: [${Array(10_000).fill("sg-a").join(", ")}]}}}\n`,
    says: /10|twice/,
  },
  {
    name: "a prefix list of fifty thousand entries",
    text: () =>
      `${head}prefixLists: {pl-a: {family: ipv4, entries: [${Array(50_000).fill("{cidr: 10.0.0.0/8}").join(", ")}]}}\n`,
    says: /1000/,
  },
  { name: "60 MiB of comments", text: () => `${"# x\n".repeat(15 * mebi)}`, says: /version|empty|nothing/ },
  { name: "60 MiB of empty lines", text: () => "\n".repeat(60 * mebi), says: /version|empty|nothing/ },
  { name: "60 MiB of spaces", text: () => `${head}${" ".repeat(60 * mebi)}\n`, says: null },
  {
    name: "a plain scalar over a million lines",
    text: () => `${head}groups:\n  sg-a: a\n${"    b\n".repeat(1_000_000)}`,
    says: /./,
  },
  {
    name: "a block scalar of a million lines",
    text: () => `${head}groups:\n  sg-a: |\n${"    b\n".repeat(1_000_000)}`,
    says: /./,
  },
  {
    name: "a million escapes",
    text: () => `${head}groups: "${"\\u0041".repeat(1_000_000)}"\n`,
    says: /./,
  },
  {
    name: "a hundred thousand tags",
    text: () => `${head}groups:\n${"  - !!binary x\n".repeat(100_000)}`,
    says: /./,
  },
  { name: "64 MiB and a byte", text: () => "#".repeat(64 * mebi + 1), says: /64 MiB/ },
];
