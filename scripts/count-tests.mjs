// Prints the closing line of a test run; a run that failed, skipped or ran nothing exits 1.
import { readFileSync } from "node:fs";

const [, , path, status] = process.argv;
const report = JSON.parse(readFileSync(path, "utf8"));
const skipped = report.numPendingTests + report.numTodoTests;
const brokenFiles = report.testResults.filter(
  (file) => file.status === "failed" && file.assertionResults.length === 0,
);
const failed = report.numFailedTests + brokenFiles.length + skipped;
if (skipped > 0) console.log(`${skipped} skipped: a skipped test is a failed promise`);
console.log(`${report.numPassedTests} passed, ${failed} failed`);
process.exit(Number(status) !== 0 || failed > 0 || report.numPassedTests === 0 ? 1 : 0);
