/** The rules file and agent.yaml that the documentation shows. */
export const exampleRules = `version: 1
networks:
  vpc-shop: {type: vpc}
prefixLists:
  pl-office: {family: ipv4, entries: [{cidr: 203.0.113.0/24, description: HQ}]}
groups:
  sg-web:
    type: basic                # basic | advanced (enterprise)
    network: vpc-shop
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 0.0.0.0/0, priority: 10}
      - {direction: ingress, policy: drop, protocol: all, portRange: -1/-1, remote: 198.51.100.0/24}
  sg-db:
    type: basic
    network: vpc-shop
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 5432/5432, remote: sg-web}
instances:
  i-web-1:
    interfaces:
      eni-web-1: {device: tap101i0, network: vpc-shop, mac: "02:00:00:00:01:01", addresses: [10.0.0.11, "2001:db8::11"], groups: [sg-web]}
  i-db-1:
    interfaces:
      eni-db-1: {host: kvm-8, device: tap102i0, network: vpc-shop, mac: "02:00:00:00:01:02", addresses: [10.0.0.12], groups: [sg-db]}
`;

export const exampleConfig = `host: kvm-7                    # default: the host name
uplinks: [eth0]                # devices whose ingress is judged early; or {device: eth0, networks: [vpc-shop]}
attach: auto                   # auto | native | generic | tc
onFailure: closed              # closed | open
establishedSessions: revalidate  # revalidate | keep
midstream: pickup              # pickup | drop
sessions: {established: 16384, answered: 8192, opening: 4096, memory: 2%}
eventsPerSecond: 100           # drop events per interface and reason
timeouts: {tcpEstablished: 910, tcpOpening: 30, tcpClosing: 10, udpReplied: 180, udpUnreplied: 30, icmp: 60, others: 300}
limits: {rulesPerGroup: 200, groupsPerInterface: 10, rulesPerInterface: 1000, entriesPerPrefixList: 1000, prefixesPerPolicy: 20000, addressesPerBasicGroup: 2000, addressesPerAdvancedGroup: 65536, alwaysPerSecond: 1000}
log: {level: info, format: auto}
metrics: {listen: "127.0.0.1:9470"}
socket: {path: /run/ringwall/ringwall.sock, group: ringwall}
store: {file: /etc/ringwall/rules.d}
`;
