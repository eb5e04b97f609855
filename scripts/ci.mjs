// `.ci/run`: runs `npm test` and says at last, in one line, how many tests passed and failed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dir = mkdtempSync(join(tmpdir(), 'hookgraph-ci-'));
const report = join(dir, 'report.json');
const tests = ['scripts/test.mjs', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const { status } = spawnSync(process.execPath, tests, { stdio: 'inherit' });

let passed = 0;
let failed = 0;
try {
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  passed = numPassedTests;
  // A file that couldn't even be loaded has no tests to fail.
  failed = numFailedTests + testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
} catch (error) {
  console.error(`There is no report of the tests: ${error.message}`);
}
rmSync(dir, { recursive: true });
process.exitCode = status === 0 && failed === 0 && passed > 0 ? 0 : status || 1;
console.log(`${passed} passed, ${failed} failed`);
