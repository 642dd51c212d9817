const groups = 500;
const rulesEach = 200;

/** 20 MB: beside the guests' own file, so its network and groups are its own; some interfaces are this host's. */
export function largeRules(): string {
  const parts = ["version: 1\nnetworks:\n  vpc-large: {type: vpc}\ngroups:\n"];
  for (let group = 0; group < groups; group++) {
    parts.push(`  sg-large-${group}:\n    type: basic\n    network: vpc-large\n    rules:\n`);
    for (let rule = 0; rule < rulesEach; rule++)
      parts.push(
        `      - {direction: ingress, policy: accept, protocol: tcp, portRange: ${1000 + rule}/${1000 + rule}, remote: 10.${group >> 8}.${group & 255}.0/24, priority: ${1 + (rule % 100)}, description: "the ${rule}th rule of a group with many of them, which is here to be long enough"}\n`,
      );
  }
  parts.push("instances:\n");
  for (let number = 0; number < 50; number++)
    parts.push(
      `  i-large-${number}: {interfaces: {eni-large-${number}: {device: large${number}, network: vpc-large, mac: "02:00:00:01:00:${number.toString(16).padStart(2, "0")}", addresses: [10.250.0.${number + 1}], groups: [sg-large-${number}]}}}\n`,
    );
  return parts.join("");
}
