/** What an operator sets and the verdict depends on (agent.yaml). */

/** Seconds of silence after which a session has ended. */
export interface Timeouts {
  readonly tcpEstablished: number;
  readonly tcpOpening: number;
  readonly tcpClosing: number;
  readonly udpReplied: number;
  readonly udpUnreplied: number;
  readonly icmp: number;
  readonly others: number;
}

export interface OracleSettings {
  readonly timeouts: Timeouts;
  readonly midstream: "pickup" | "drop";
  readonly establishedSessions: "revalidate" | "keep";
  readonly onFailure: "closed" | "open";
  /** Packets of what always works that a guest may send in a second, of each kind. */
  readonly alwaysPerSecond: number;
  /** Only interfaces of this host are judged. */
  readonly host: string;
}

export const defaultOracleSettings: OracleSettings = {
  timeouts: {
    tcpEstablished: 910,
    tcpOpening: 30,
    tcpClosing: 10,
    udpReplied: 180,
    udpUnreplied: 30,
    icmp: 60,
    others: 300,
  },
  midstream: "pickup",
  establishedSessions: "revalidate",
  onFailure: "closed",
  alwaysPerSecond: 1000,
  host: "",
};
