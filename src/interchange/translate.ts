/** One text of another system to groups as rules files write them, whatever its format. */
import { listAlibabaGroups, listAlibabaRules } from "./alibaba.ts";
import { listAwsGroups, listAwsRules } from "./aws.ts";
import { type Candidate, importCandidates } from "./candidate.ts";
import { readCsv } from "./csv.ts";
import { detectFormat, type SourceFormat } from "./detect.ts";
import { type Fields, fieldsOf } from "./fields.ts";
import { TooManyFindings, Unsayable } from "./finding.ts";
import { type Imported, Importer, type ImportTarget } from "./importer.ts";
import { joinPath, parseJson } from "./json.ts";
import { listNative } from "./native.ts";
import { listOpenstackGroups, listOpenstackRules } from "./openstack.ts";
import { importProxmox } from "./proxmox.ts";

/** A file: its name tells which group or guest it is about, where its text does not. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/**
 * Translates foreign rules. Pure: what the model has is in `target`. The result is never wider than the source:
 * an accept that cannot be said is left out and named; where leaving out would widen, a finding refuses all.
 */
export function translateSource(
  files: readonly SourceFile[],
  format: SourceFormat | "auto",
  target: ImportTarget,
): Imported & { readonly format: SourceFormat | null } {
  const importer = new Importer(target);
  let found: SourceFormat | null = null;
  const whole = { place: "", group: null };
  try {
    importer.attempt(whole, null, () => {
      found = format === "auto" ? detectFormat(files) : format;
      readFiles(importer, files, found);
      return [];
    });
  } catch (error) {
    if (!(error instanceof TooManyFindings)) throw error;
    importer.refuse("too-many", whole, error.message);
  }
  return { ...importer.imported, format: found };
}

function readFiles(importer: Importer, files: readonly SourceFile[], format: SourceFormat): void {
  if (files.length === 0) throw new Unsayable("bad-file", "there is no file");
  if (format === "proxmox") importProxmox(importer, files);
  else importCandidates(importer, listCandidates(importer, files, format));
}

function listCandidates(
  importer: Importer,
  files: readonly SourceFile[],
  format: Exclude<SourceFormat, "proxmox">,
): readonly Candidate[] {
  // One file is known from the command line; of several, places name theirs.
  const pathOf = ({ name }: SourceFile): string =>
    files.length === 1 ? "" : `${name.replace(/^.*\//, "")}: `;
  switch (format) {
    case "alibaba":
      return listAlibaba(importer, files, pathOf);
    case "aws":
      return files.flatMap((file) => listAws(importer, parseJson(file.text), pathOf(file)));
    case "openstack":
      return files.flatMap((file) => listOpenstack(importer, parseJson(file.text), pathOf(file)));
    case "ringwall":
      return files.flatMap((file) => listNative(importer, file));
    default:
      return format satisfies never;
  }
}

function listAws(importer: Importer, value: unknown, path: string): readonly Candidate[] {
  const root = fieldsOf(value, path);
  if (root.declares("SecurityGroupRules")) return listAwsRules(importer, root);
  if (root.declares("SecurityGroups")) return listAwsGroups(importer, root);
  const right = "the output of `aws ec2 describe-security-groups`";
  throw new Unsayable(
    "bad-file",
    `${path}there is neither \`SecurityGroups\` nor \`SecurityGroupRules\``,
    right,
  );
}

function listOpenstack(importer: Importer, root: unknown, path: string): readonly Candidate[] {
  const { name } = importer.target;
  if (Array.isArray(root)) return listOpenstackRules(importer, root, path, name);
  const fields = fieldsOf(root, path);
  const key = "security_group_rules";
  const isList = fields.declares(key) && !fields.declares("id");
  if (isList) return listOpenstackRules(importer, fields.list(key), joinPath(path, key), name);
  return listOpenstackGroups(importer, fields);
}

function listAlibaba(
  importer: Importer,
  files: readonly SourceFile[],
  pathOf: (file: SourceFile) => string,
): readonly Candidate[] {
  const answers: Fields[] = [];
  const lists: Candidate[] = [];
  for (const file of files) {
    const path = pathOf(file);
    const text = file.text.replace(/^\uFEFF/, "");
    const root = /^\s*[[{]/.test(text) ? parseJson(text) : null;
    if (root !== null && !Array.isArray(root)) answers.push(fieldsOf(root, path));
    else {
      const rules =
        root === null
          ? readCsv(text).records.map(({ line, values }) => ({ value: values, path: `${path}line ${line}` }))
          : root.map((value: unknown, index) => ({ value, path: joinPath(path, index) }));
      lists.push(...listAlibabaRules(importer, rules, nameOf(importer, file)));
    }
  }
  return [...listAlibabaGroups(importer, answers), ...lists];
}

/** The console names its files after region and group: `ecs_cn-qingdao_sg-123.json`. */
function nameOf(importer: Importer, file: SourceFile): string {
  const named = importer.target.name ?? /(?:^|[_/ ])(sg-[A-Za-z0-9.-]+?)(?=_|\.\w+$|$)/.exec(file.name)?.[1];
  if (named !== undefined && named !== null) return named;
  throw new Unsayable("missing-key", "a list of rules does not name its group", "--name and an id");
}
