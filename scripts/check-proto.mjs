// Lints the API and checks that the generated code is what the .proto files generate today.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const run = (...args) => {
  const { status } = spawnSync('buf', args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};
const files = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    // Made by another script, which checks them.
    .filter((name) => name.endsWith('.ts'))
    .sort();

run('lint');
// What was released stays as it was: fields are only ever added. Made anew with each release (CONTRIBUTING.md).
run('breaking', '--against', 'proto/released.binpb');
const fresh = mkdtempSync(join(tmpdir(), 'podctl-proto-'));
try {
  run('generate', '--output', fresh);
  const want = join(fresh, 'proto/gen');
  const have = 'proto/gen';
  const names = new Set([...files(want), ...files(have)]);
  const read = (folder, name) => {
    try {
      return readFileSync(join(folder, name), 'utf8');
    } catch {
      return null;
    }
  };
  const stale = [...names].filter((name) => read(want, name) !== read(have, name));
  if (stale.length > 0) {
    process.stderr.write(
      `podctl: the generated code is stale (${stale.join(', ')}); run "npm run generate".\n`,
    );
    process.exitCode = 1;
  } else process.stdout.write(`proto: linted; ${names.size} generated files are current\n`);
} finally {
  rmSync(fresh, { recursive: true });
}
