import { defineFamily } from "../command.ts";
import { createList } from "../prefix-list/create.ts";
import { deleteList } from "../prefix-list/delete.ts";
import { addEntries, removeEntries } from "../prefix-list/entries.ts";
import { listLists, showList } from "../prefix-list/show.ts";

export const command = defineFamily(
  "prefix-list",
  [
    { usage: "create <list> [entries..]", describe: "Make a prefix list", command: createList },
    {
      usage: "show <list>",
      describe: "Show a list's entries, and the rules that name it",
      command: showList,
    },
    { usage: "list", describe: "List prefix lists", command: listLists },
    { usage: "delete <list>", describe: "Delete a list that no rule names", command: deleteList },
    { usage: "add <list> <entries..>", describe: "Add prefixes", command: addEntries },
    { usage: "remove <list> <entries..>", describe: "Take prefixes out", command: removeEntries },
  ],
  [
    ["$0 prefix-list create pl-office 203.0.113.0/24", "For --from pl-office"],
    ["$0 prefix-list add pl-office 198.51.100.0/28 --description Annex", "Every rule that names it changes"],
  ],
);
