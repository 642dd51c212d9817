import { defineFamily } from "../command.ts";
import { addInterface } from "../member/add.ts";
import { listInterfaces } from "../member/list.ts";
import { releaseDevice } from "../member/release.ts";
import { removeInterface } from "../member/remove.ts";
import { showInterface } from "../member/show.ts";

export const command = defineFamily(
  "interface",
  [
    { usage: "add <interface>", describe: "Add an interface to an instance", command: addInterface },
    {
      usage: "remove <interface>",
      describe: "Take an interface out; its device then drops everything",
      command: removeInterface,
    },
    { usage: "list", describe: "List interfaces", command: listInterfaces },
    {
      usage: "show <interface>",
      describe: "Show an interface: device, addresses, groups",
      command: showInterface,
    },
    {
      usage: "release <device>",
      describe: "Open a device whose interface left the rules",
      command: releaseDevice,
    },
  ],
  [
    ["$0 interface show 10.0.0.11", "By id, instance, device, MAC or address"],
    ["$0 interface remove eni-web-2", "Its device drops everything until it goes"],
    ["$0 interface release tap103i0", "Or until it is released: asks, then all its traffic passes"],
  ],
);
