/** One text of another system to groups as rules files write them, whatever its format. */
import { importAlibabaCsv, importAlibabaGroups, importAlibabaList } from "./alibaba.ts";
import { importAwsGroups, importAwsRules } from "./aws.ts";
import { readCsv } from "./csv.ts";
import { detectFormat, type SourceFormat } from "./detect.ts";
import { fieldsOf } from "./fields.ts";
import { TooManyFindings, Unsayable } from "./finding.ts";
import { type Imported, Importer, type ImportTarget } from "./importer.ts";
import { parseJson } from "./json.ts";
import { importNative } from "./native.ts";
import { importOpenstackGroups, importOpenstackList } from "./openstack.ts";
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
  const [file] = files;
  if (file === undefined) throw new Unsayable("bad-file", "there is no file");
  if (files.length > 1 && format !== "proxmox")
    throw new Unsayable("bad-file", `${files.length} files of ${format}`, "one file");
  switch (format) {
    case "alibaba":
      readAlibaba(importer, file);
      break;
    case "aws":
      readAws(importer, file.text);
      break;
    case "openstack":
      readOpenstack(importer, file.text);
      break;
    case "ringwall":
      importNative(importer, file);
      break;
    case "proxmox":
      importProxmox(importer, files);
      break;
    default:
      format satisfies never;
  }
}

function readAws(importer: Importer, text: string): void {
  const root = fieldsOf(parseJson(text), "");
  if (root.declares("SecurityGroupRules")) importAwsRules(importer, root);
  else if (root.declares("SecurityGroups")) importAwsGroups(importer, root);
  else
    throw new Unsayable(
      "bad-file",
      "there is neither `SecurityGroups` nor `SecurityGroupRules`",
      "the output of `aws ec2 describe-security-groups`",
    );
}

function readOpenstack(importer: Importer, text: string): void {
  const root = parseJson(text);
  const { name } = importer.target;
  if (Array.isArray(root)) importOpenstackList(importer, root, name);
  else {
    const fields = fieldsOf(root, "");
    const isList = fields.declares("security_group_rules") && !fields.declares("id");
    if (isList) importOpenstackList(importer, fields.list("security_group_rules"), name);
    else importOpenstackGroups(importer, fields);
  }
}

function readAlibaba(importer: Importer, file: SourceFile): void {
  const text = file.text.replace(/^\uFEFF/, "");
  const root = /^\s*[[{]/.test(text) ? parseJson(text) : null;
  if (root === null) importAlibabaCsv(importer, readCsv(text).records, nameOf(importer, file));
  else if (Array.isArray(root)) importAlibabaList(importer, root, nameOf(importer, file));
  else importAlibabaGroups(importer, fieldsOf(root, ""));
}

/** The console names its files after region and group: `ecs_cn-qingdao_sg-123.json`. */
function nameOf(importer: Importer, file: SourceFile): string {
  const named = importer.target.name ?? /(?:^|[_/ ])(sg-[A-Za-z0-9.-]+?)(?=_|\.\w+$|$)/.exec(file.name)?.[1];
  if (named !== undefined && named !== null) return named;
  throw new Unsayable("missing-key", "a list of rules does not name its group", "--name and an id");
}
