import { defineFamily } from "../command.ts";
import { cloneGroup } from "../group/clone.ts";
import { createGroup } from "../group/create.ts";
import { deleteGroup } from "../group/delete.ts";
import { exportGroup } from "../group/export.ts";
import { importGroup } from "../group/import.ts";
import { listGroups } from "../group/list.ts";
import { modifyGroup } from "../group/modify.ts";
import { restoreGroup } from "../group/restore.ts";
import { showGroup } from "../group/show.ts";
import { switchGroup } from "../group/switch.ts";

export const command = defineFamily(
  "group",
  [
    { usage: "create <group>", describe: "Make a group, maybe from a template", command: createGroup },
    {
      usage: "show <group>",
      describe: "Show a group's rules as they are judged, and its members",
      command: showGroup,
    },
    { usage: "list", describe: "List groups", command: listGroups },
    { usage: "delete <group>", describe: "Delete a group that nobody uses", command: deleteGroup },
    {
      usage: "modify <group>",
      describe: "Change what is named of a group, but its rules",
      command: modifyGroup,
    },
    { usage: "clone <group> <clone>", describe: "Make a group with the same rules", command: cloneGroup },
    {
      usage: "switch <from> <to>",
      describe: "Move all members to another group, in one step",
      command: switchGroup,
    },
    {
      usage: "export <group>",
      describe: "Write a group as a file, or in a cloud's shape",
      command: exportGroup,
    },
    {
      usage: "import <group> <files..>",
      describe: "Take a group's rules from a cloud's file, or a rules file",
      command: importGroup,
    },
    {
      usage: "restore <group>",
      describe: "Take a group's rules from another group, or a file",
      command: restoreGroup,
    },
  ],
  [
    ["$0 group create sg-web --network vpc-shop --template web-linux", "A group for web servers"],
    ["$0 group clone sg-web sg-web-next", "Change the clone, then switch to it"],
    ["$0 group switch sg-web sg-web-next", "All members at once"],
    ["$0 group show sg-web --json", "For a script"],
  ],
);
