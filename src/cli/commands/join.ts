export { joinGroups as command } from "../member/join.ts";
