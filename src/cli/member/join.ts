import { findInterface } from "../../policy/ends.ts";
import { changeRules, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { refusal } from "../exit.ts";
import { requireGroup } from "../find.ts";
import { several } from "../options.ts";
import { withNetwork } from "./options.ts";
import { setGroups } from "./set-groups.ts";

/** `join` */
export const joinGroups = defineCommand(
  (parser) =>
    withNetwork(withChange(parser))
      .positional("interface", {
        type: "string",
        demandOption: true,
        describe: "Its id, instance, device, MAC or address",
      })
      .positional("groups", { ...several, demandOption: true, describe: "The groups" })
      .example("$0 join eni-web-1 sg-admin", "Beside the groups that it is in")
      .example("$0 join tap101i0 sg-admin sg-monitoring --dry-run", "By its device; as a diff"),
  (args) =>
    changeRules(args, (draft) => {
      const member = findInterface(draft.model, args.interface, { network: args.network });
      const wanted = args.groups.map((id) => requireGroup(draft.model, id).id);
      const joined = [...new Set(wanted)].filter((id) => !member.groups.includes(id));
      const groups = [...member.groups, ...joined];
      const notes = joined.length === 0 ? [] : setGroups(draft, member, groups);
      const said = `${member.id} is in ${groups.join(", ")}.`;
      return { record: { interface: member.id, joined, groups }, said, notes };
    }),
);

/** `leave` */
export const leaveGroups = defineCommand(
  (parser) =>
    withNetwork(withChange(parser))
      .positional("interface", {
        type: "string",
        demandOption: true,
        describe: "Its id, instance, device, MAC or address",
      })
      .positional("groups", { ...several, demandOption: true, describe: "The groups" })
      .example("$0 leave eni-web-1 sg-admin", "The last group cannot be left")
      .example("$0 join eni-web-1 sg-new && $0 leave eni-web-1 sg-old", "From one to another"),
  (args) =>
    changeRules(args, (draft) => {
      const member = findInterface(draft.model, args.interface, { network: args.network });
      const leaving = new Set(args.groups.map((id) => requireGroup(draft.model, id).id));
      const left = member.groups.filter((id) => leaving.has(id));
      const groups = member.groups.filter((id) => !leaving.has(id));
      if (groups.length === 0) {
        throw refusal(
          `${member.id} would be in no group, and so join the default group of ${member.network}: ` +
            `join another one first (\`ringwall join ${member.id} GROUP\`), then leave.`,
        );
      }
      const notes = left.length === 0 ? [] : setGroups(draft, member, groups);
      const said = `${member.id} is in ${groups.join(", ")}.`;
      return { record: { interface: member.id, left, groups }, said, notes };
    }),
);
