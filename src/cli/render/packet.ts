/** Addresses, ports and rules as one reads them in a line. */

export interface Endpoint {
  readonly address: string | null;
  readonly port: number | null;
}

/** 10.0.0.1:80, [2001:db8::1]:80, or the address alone. */
export function formatEndpoint({ address, port }: Endpoint): string {
  if (address === null) return "-";
  if (port === null) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

export interface NamedRule {
  readonly id?: string | null | undefined;
  readonly group: string;
  readonly index: number;
  readonly line?: number | null | undefined;
}

/** "sg-web rule 3 (line 14)"; rules are counted from 0, as in JSON. */
export function formatRule(rule: NamedRule | null): string {
  if (rule === null) return "-";
  const name = rule.id === undefined || rule.id === null ? `rule ${rule.index}` : rule.id;
  const line = rule.line === undefined || rule.line === null ? "" : ` (line ${rule.line})`;
  return `${rule.group} ${name}${line}`;
}
