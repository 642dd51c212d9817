import { defineFamily } from "../command.ts";
import { addRule } from "../rule/add.ts";
import { listRules } from "../rule/list.ts";
import { modifyRule } from "../rule/modify.ts";
import { removeRules } from "../rule/remove.ts";

export const command = defineFamily(
  "rule",
  [
    { usage: "add <group>", describe: "Add a rule to a group", command: addRule },
    { usage: "remove <group> [names..]", describe: "Remove rules of a group", command: removeRules },
    { usage: "modify <group> <rule>", describe: "Change what is named of a rule", command: modifyRule },
    { usage: "list <group>", describe: "List a group's rules by number and id", command: listRules },
  ],
  [
    ["$0 rule add sg-web --port 443/443 --from 0.0.0.0/0 --priority 10", "Let HTTPS in"],
    ["$0 rule list sg-web", "Numbers and ids"],
    ["$0 rule modify sg-web r-3f9a1c --priority 5", "Only what is named changes"],
    ["$0 rule remove sg-web --port 80/80 --dry-run --rules rules/", "At a desk: what would go, as a diff"],
  ],
);
