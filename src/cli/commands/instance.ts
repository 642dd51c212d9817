import { defineFamily } from "../command.ts";
import { addInstance } from "../member/add.ts";
import { listInstances } from "../member/list.ts";
import { removeInstance } from "../member/remove.ts";
import { showInstance } from "../member/show.ts";

export const command = defineFamily(
  "instance",
  [
    {
      usage: "add <instance> <interface>",
      describe: "Add an instance with its first interface",
      command: addInstance,
    },
    {
      usage: "remove <instance>",
      describe: "Take an instance out, with its interfaces",
      command: removeInstance,
    },
    { usage: "list", describe: "List instances", command: listInstances },
    { usage: "show <instance>", describe: "Show an instance's interfaces", command: showInstance },
  ],
  [
    [
      "$0 instance add i-2 eni-2 --device tap103i0 --mac 02:00:00:00:01:03 --address 10.0.0.13",
      "A new guest",
    ],
    ["$0 instance list", "All of them"],
  ],
);
