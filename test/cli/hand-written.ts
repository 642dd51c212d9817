/** Rules of a careful hand: every comment and every blank line has to be there afterwards. */
export const handWritten = `# The shop. Ask team web before you change anything.
version: 1

networks:
  vpc-shop: {type: vpc}      # production
  vpc-lab: {type: vpc}

prefixLists:
  pl-office: {family: ipv4, entries: [{cidr: 203.0.113.0/24, description: HQ}]} # from the wiki

groups:
  # What the world sees.
  sg-web:
    type: basic
    network: vpc-shop
    rules:
      # HTTP for all
      - {id: http, direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 0.0.0.0/0, priority: 10}
      - {direction: ingress, policy: drop, protocol: all, portRange: -1/-1, remote: 198.51.100.0/24} # ticket 12

  sg-db:
    type: basic
    network: vpc-shop
    rules:
      - direction: ingress   # block style is legal, too
        policy: accept
        protocol: tcp
        portRange: 5432/5432
        remote: sg-web

  sg-strict:
    type: advanced
    network: vpc-shop
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 22/22, remote: pl-office}

# Machines
instances:
  i-web-1:
    interfaces:
      eni-web-1: {device: tap101i0, network: vpc-shop, mac: "02:00:00:00:01:01", addresses: [10.0.0.11, "2001:db8::11"], groups: [sg-web]}
  i-db-1:
    interfaces:
      eni-db-1: {device: tap102i0, network: vpc-shop, mac: "02:00:00:00:01:02", addresses: [10.0.0.12], groups: [sg-db]} # the only one
`;
