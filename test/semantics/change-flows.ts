/** What rows about changes of the model begin with: a question by UDP, a connection by TCP, and what is said of them. */
import type { Setting } from "./setting.ts";
import { into, out, type Step, tcp, udp } from "./steps.ts";

export const session = "accept session established";
export const noRule = "drop no-rule";
export const revoked = "drop revoked";

export const dns: Setting = { rules: ["ingress accept udp 53/53 any"] };
export const asked = udp("40000>53");
export const answer = udp("53>40000");
export const answered: readonly Step[] = [into(asked, "accept rule new"), out(answer, session)];

export const ssh: Setting = { rules: ["ingress accept tcp 22/22 any"] };
export const sshIn = (flags: string) => tcp("50022>22", flags, { sequence: 1001, acknowledgement: 5001 });
export const sshOut = (flags: string) => tcp("22>50022", flags, { sequence: 5001, acknowledgement: 1001 });
