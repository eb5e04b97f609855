// `.ci/run`: runs `npm test` and prints a last line with the number of passed and failed tests.
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
  // A file that failed to load reports no tests, so it counts as one failure.
  failed = numFailedTests + testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
} catch (error) {
  console.error(`Reading the test report failed: ${error.message}`);
}
rmSync(dir, { recursive: true });
process.exitCode = status === 0 && failed === 0 && passed > 0 ? 0 : status || 1;
console.log(`${passed} passed, ${failed} failed`);
