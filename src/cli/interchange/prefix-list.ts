/** Prefix lists that come with imported groups: IP sets of Proxmox VE, lists of a rules file. */
import type { PlainValue } from "../../model/entry.ts";
import type { Draft } from "../change.ts";
import { refusal } from "../exit.ts";
import { at, usesOf } from "../find.ts";

/**
 * Adds a list, or makes one that only `group` names say what came. One that says something else to rules of other
 * groups stays: nobody named those groups. `group`: null for an import of new groups.
 * @throws CliError
 */
export function setPrefixList(
  { editor, model }: Pick<Draft, "editor" | "model">,
  id: string,
  list: PlainValue,
  group: string | null,
): void {
  const there = editor.entry("prefixLists", id);
  const equal = there === undefined || JSON.stringify(there) === JSON.stringify(list);
  const users = usesOf(model, id).filter((use) => use.group !== group);
  if (!equal && (group === null || users.length > 0)) {
    const place = at(model.prefixLists.get(id)?.place ?? null);
    const named = [...new Set(users.map((use) => use.group))].slice(0, 5).join(", ");
    const why = named === "" ? "" : `, for ${named}`;
    throw refusal(
      `there is a prefix list ${id} already${place}, with other entries${why}: rename or delete it first.`,
    );
  }
  editor.setEntry("prefixLists", id, list);
}
