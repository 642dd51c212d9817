/** docs/semantics.md, "Working on rules": import and export. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { Desk } from "./desk.ts";
import { does, type Sentences } from "./rows.ts";

/** A group of AWS, as `aws ec2 describe-security-groups` prints it. */
function awsGroup(permissions: readonly object[], egress: readonly object[] = []): string {
  const group = { GroupId: "sg-0aa1", GroupName: "web", Description: "", OwnerId: "1", VpcId: "vpc-0c1" };
  const whole = { ...group, IpPermissions: permissions, IpPermissionsEgress: egress };
  return JSON.stringify({ SecurityGroups: [whole] });
}

const https = { IpProtocol: "tcp", FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: "0.0.0.0/0" }] };
const fromAccount = { ...https, IpRanges: [], UserIdGroupPairs: [{ UserId: "9", GroupId: "sg-0bb2" }] };
const everything = { IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] };

const openstack = JSON.stringify([
  {
    ID: "r1",
    "IP Protocol": "tcp",
    Ethertype: "IPv4",
    "IP Range": "0.0.0.0/0",
    "Port Range": "22:22",
    Direction: "ingress",
    "Remote Security Group": null,
    "Remote Address Group": null,
  },
]);

/** A drop by a macro that there is not. */
const clusterFile = "[group shared]\nIN Bogus(DROP)\nIN SSH(ACCEPT)\n";
const guestFile = "[OPTIONS]\nenable: 1\n[RULES]\nGROUP shared\n";

const shop = { rules: ["ingress accept tcp 80/80 0.0.0.0/0", "ingress accept udp 53/53 10.0.0.0/8"] };

export const importRows: Sentences = {
  "**Export** and **import**, in the shape that people have.": [
    does("what goes out comes in again as it was, in each shape that can say it", async () => {
      for (const format of ["json", "yaml", "alibaba-json", "alibaba-csv"]) {
        const desk = new Desk(shop);
        const file = desk.path(`out.${format}`);
        await desk.done("group", "export", "sg-t", "--format", format, "--file", file);
        const before = desk.text;
        expect(await desk.done("group", "import", "sg-t", file, "--merge")).toMatchObject({ changed: false });
        expect(desk.text).toBe(before);
      }
    }),
    does("AWS' groups and OpenStack's rules are read by what they are", async () => {
      const desk = new Desk({}, { "aws.json": awsGroup([https]), "os.json": openstack });
      expect(await desk.done("import", desk.path("aws.json"))).toMatchObject({ format: "aws" });
      expect(await desk.done("import", desk.path("os.json"), "--name", "sg-os")).toMatchObject({
        format: "openstack",
      });
      expect(desk.model.groups.get("sg-0aa1")?.rules[0]?.ports).toEqual({ first: 443, last: 443 });
      expect(desk.model.groups.get("sg-os")?.rules.some(({ ports }) => ports?.first === 22)).toBe(true);
    }),
  ],
  "An import is never wider than its source": [
    does("an accept that cannot be said is left out, named, and refuses the import", async () => {
      const desk = new Desk({}, { "aws.json": awsGroup([https, fromAccount]) });
      const said = await desk.refused("import", desk.path("aws.json"));
      expect(said).toMatch(/IpPermissions\[1\]\.UserIdGroupPairs\[0\]: left out: sg-0aa1: .*9\/sg-0bb2/);
    }),
    does("unless told to go on: then it is without it, and nothing else", async () => {
      const desk = new Desk({}, { "aws.json": awsGroup([https, fromAccount]) });
      const record = await desk.done("import", desk.path("aws.json"), "--partial");
      expect(record).toMatchObject({ findings: [{ effect: "left-out", group: "sg-0aa1" }] });
      const ingress = desk.model.groups
        .get("sg-0aa1")
        ?.rules.filter(({ direction }) => direction === "ingress");
      expect(ingress).toHaveLength(1);
      expect(ingress?.[0]?.remote).toMatchObject({ kind: "prefix" });
    }),
    does("a drop that cannot be said refuses it even then", async () => {
      const desk = new Desk({}, { "cluster.fw": clusterFile, "100.fw": guestFile });
      const files = [desk.path("cluster.fw"), desk.path("100.fw")];
      expect(await desk.refused("import", ...files, "--partial")).toMatch(/refused.*Bogus/);
    }),
  ],
  "The source's own defaults go along": [
    does("AWS: innerAccess and defaultEgress drop, and its egress rules", async () => {
      const desk = new Desk({}, { "aws.json": awsGroup([https], [everything]) });
      await desk.done("import", desk.path("aws.json"));
      const group = desk.model.groups.get("sg-0aa1");
      expect(group).toMatchObject({ innerAccess: "drop", defaultEgress: "drop" });
      expect(group?.rules.filter(({ direction }) => direction === "egress")).toMatchObject([
        { policy: "accept", protocol: "all" },
      ]);
    }),
    does("OpenStack: the same, and no egress where it has none", async () => {
      const desk = new Desk({}, { "os.json": openstack });
      await desk.done("import", desk.path("os.json"), "--name", "sg-os");
      const group = desk.model.groups.get("sg-os");
      expect(group).toMatchObject({ innerAccess: "drop", defaultEgress: "drop" });
      expect(group?.rules.filter(({ direction }) => direction === "egress")).toEqual([]);
    }),
  ],
};

export const exportRows: Sentences = {
  "An export that cannot say a rule names it.": [
    does("a drop in AWS' shape, by its line, and nothing is written", async () => {
      const desk = new Desk({ rules: [...shop.rules, "ingress drop tcp 25/25 0.0.0.0/0"] });
      const file = desk.path("out.json");
      const said = await desk.refused("export", "sg-t", "--format", "aws", "--file", file, "--partial");
      expect(said).toMatch(/rules\.yaml:1.*refused: sg-t: .*AWS has no rules that drop/);
      expect(() => readFileSync(file)).toThrow(/ENOENT/);
    }),
    does("source ports in Alibaba's are said, in AWS' named", async () => {
      const desk = new Desk({
        group: { innerAccess: "drop", defaultEgress: "drop" },
        rules: ["ingress accept tcp 80/80 10.0.0.0/8 sourcePortRange=1024/65535"],
      });
      expect(await desk.refused("export", "sg-t", "--format", "aws", "--file", desk.path("a.json"))).toMatch(
        /sg-t: .*source/,
      );
      await desk.done("group", "export", "sg-t", "--format", "alibaba-json", "--file", desk.path("b.json"));
      expect(readFileSync(desk.path("b.json"), "utf8")).toContain("1024/65535");
    }),
  ],
};
