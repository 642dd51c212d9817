export { leaveGroups as command } from "../member/join.ts";
