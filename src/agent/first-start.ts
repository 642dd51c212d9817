/** What an agent says that finds no rules, and never had any. */
export function describeMissingRules(path: string): string {
  return `There are no rules in ${path}, and none were ever in force on this host. Write a file there, for example ${path}/first.yaml:

version: 1
networks:
  vpc-1: {type: vpc}
groups:
  sg-web:
    type: basic
    network: vpc-1
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 0.0.0.0/0}
instances:
  i-web-1:
    interfaces:
      eni-web-1: {device: tap0, network: vpc-1, mac: "02:00:00:00:01:01", addresses: [10.0.0.11], groups: [sg-web]}

\`ringwall validate ${path}\` checks it without an agent.`;
}
