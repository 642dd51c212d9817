/** Every heading of docs/semantics.md, with what is shown of its sentences. */
import { comeAndGo } from "./come-and-go.ts";
import { defaults } from "./defaults.ts";
import { fragments } from "./fragments.ts";
import { guest } from "./guest.ts";
import { limits } from "./limits.ts";
import { objects } from "./objects.ts";
import { order } from "./order.ts";
import { preface } from "./preface.ts";
import type { Chapter } from "./rows.ts";
import { sessions } from "./sessions.ts";
import { types } from "./types.ts";
import { whichRule } from "./which-rule.ts";
import { working } from "./working.ts";

export const chapters: readonly Chapter[] = [
  preface,
  objects,
  types,
  defaults,
  order,
  whichRule,
  sessions,
  fragments,
  guest,
  comeAndGo,
  limits,
  working,
];
