/** Rules of a test as lines of YAML. */

/** Everybody, by either family. */
const everybody = ["0.0.0.0/0", "::/0"] as const;

/**
 * A line a rule and family, from words as `ingress accept tcp 80/80`: rules for and from everybody. They stand below a
 * group's `rules:`, six spaces deep.
 */
export function linesForEverybody(rules: readonly string[]): string {
  return rules
    .flatMap((words) => {
      const [direction, policy, protocol, ports] = words.split(" ");
      const fields = `direction: ${direction}, policy: ${policy}, protocol: ${protocol}, portRange: ${ports}`;
      return everybody.map((remote) => `      - {${fields}, remote: "${remote}"}`);
    })
    .join("\n");
}
