// `npm run audit`: asks npm's registry for known vulnerabilities in the shipped dependencies. Passes with a note when
// the registry can't be reached.
import { spawnSync } from 'node:child_process';
import { ROOT } from './prepare.mjs';

const SERIOUS = ['moderate', 'high', 'critical'];

const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
const { stdout } = spawnSync(npm[0], [...npm.slice(1), 'audit', '--omit=dev', '--json', '--fetch-retries=0'], {
  cwd: ROOT,
  encoding: 'utf8',
});
const report = read(stdout);
if (!report?.auditReportVersion) {
  console.log(
    `The registry can't be reached (${report?.statusCode ?? report?.error?.code ?? 'no answer'}): the dependencies were not checked.`,
  );
} else {
  const found = Object.values(report.vulnerabilities).filter(({ severity }) => SERIOUS.includes(severity));
  for (const { name, severity, range, via } of found) {
    const titles = via.filter((cause) => typeof cause === 'object').map(({ title, url }) => `${title} (${url})`);
    console.error(`${severity}: ${name} ${range}${titles.length > 0 ? `: ${titles.join('; ')}` : ''}`);
  }
  console.log(`known vulnerable dependencies: ${found.length}`);
  process.exitCode = found.length > 0 ? 1 : 0;
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
