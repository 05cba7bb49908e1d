// Writes docs/api.md and the descriptors that the server shows to those who ask it for its API, both from the .proto files.
// With --check it writes nothing and says what is stale.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const DOCUMENT = 'docs/api.md';
const DESCRIPTORS = 'proto/gen/descriptors.binpb';
const HEAD = 'docs/api.head.md';
const OURS = 'podctl.v1';

// Numbers of descriptor.proto's fields, of which source locations are made.
const PATH = {
  message: 4,
  enum: 5,
  service: 6,
  field: 2,
  nested: 3,
  nestedEnum: 4,
  method: 2,
  value: 2,
};

const folder = mkdtempSync(join(tmpdir(), 'podctl-api-'));
try {
  const descriptors = built(['--as-file-descriptor-set', '--exclude-source-info'], 'x.binpb');
  const image = JSON.parse(built([], 'x.json').toString('utf8'));
  const files = image.file.filter((file) => file.package === OURS);
  const text = `${readFileSync(HEAD, 'utf8').trimEnd()}\n\n${files.flatMap(fileLines).join('\n')}\n`;
  const outputs = [
    [DESCRIPTORS, descriptors],
    [DOCUMENT, Buffer.from(text)],
  ];
  if (process.argv.includes('--check')) check(outputs);
  else for (const [path, data] of outputs) writeFileSync(path, data);
} finally {
  rmSync(folder, { recursive: true });
}

function built(options, name) {
  const path = join(folder, name);
  const { status } = spawnSync('buf', ['build', '-o', path, ...options], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  return readFileSync(path);
}

function check(outputs) {
  const stale = outputs.filter(([path, data]) => !current(path).equals(data)).map(([path]) => path);
  if (stale.length === 0) return;
  process.stderr.write(`podctl: ${stale.join(' and ')} are stale; run "npm run generate".\n`);
  process.exitCode = 1;
}

function current(path) {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

function fileLines(file) {
  const comments = commentsOf(file);
  const services = (file.service ?? []).flatMap((service, i) =>
    serviceLines(service, [PATH.service, i], comments),
  );
  const messages = (file.messageType ?? []).flatMap((message, i) =>
    messageLines(message, message.name, [PATH.message, i], comments),
  );
  const enums = (file.enumType ?? []).flatMap((one, i) =>
    enumLines(one, one.name, [PATH.enum, i], comments),
  );
  return [...services, ...messages, ...enums];
}

function serviceLines(service, path, comments) {
  const rows = (service.method ?? []).flatMap((method, i) => {
    const asked = typeWords(method.inputType);
    const answered = `${method.serverStreaming ? 'stream of ' : ''}${typeWords(method.outputType)}`;
    const comment = comments([...path, PATH.method, i]);
    return [`### ${service.name}.${method.name}`, '', `${asked} → ${answered}`, '', comment, ''];
  });
  return [`## ${service.name}`, '', comments(path), '', ...rows];
}

function messageLines(message, name, path, comments) {
  if (message.options?.mapEntry) return [];
  const fields = message.field ?? [];
  const rows = fields.map((field, i) => {
    const comment = comments([...path, PATH.field, i]);
    return `| \`${field.name}\` | ${fieldType(field)} | ${comment.replaceAll('|', '\\|')} |`;
  });
  const table = rows.length === 0 ? [] : ['| field | type | |', '|---|---|---|', ...rows, ''];
  return [
    `#### ${name}`,
    '',
    comments(path),
    '',
    ...table,
    ...(message.nestedType ?? []).flatMap((one, i) =>
      messageLines(one, `${name}.${one.name}`, [...path, PATH.nested, i], comments),
    ),
    ...(message.enumType ?? []).flatMap((one, i) =>
      enumLines(one, `${name}.${one.name}`, [...path, PATH.nestedEnum, i], comments),
    ),
  ];
}

function enumLines(one, name, path, comments) {
  const rows = one.value.map(
    (value, i) =>
      `| \`${value.name}\` | ${comments([...path, PATH.value, i]).replaceAll('|', '\\|')} |`,
  );
  return [`#### ${name}`, '', comments(path), '', '| value | |', '|---|---|', ...rows, ''];
}

function fieldType({ label, type, typeName, proto3Optional }) {
  const word =
    typeName === undefined ? type.slice('TYPE_'.length).toLowerCase() : typeWords(typeName);
  if (label === 'LABEL_REPEATED') return `list of ${word}`;
  return proto3Optional ? `${word}, optional` : word;
}

/** Of our own types a link, of others the full name. */
function typeWords(fullName) {
  const name = fullName.slice(1);
  if (!name.startsWith(`${OURS}.`)) return name.slice(name.lastIndexOf('.') + 1);
  const own = name.slice(OURS.length + 1);
  return `[${own}](#${own.toLowerCase().replaceAll('.', '')})`;
}

/** Comments by the place of what they stand above, as one line each. */
function commentsOf(file) {
  const found = new Map();
  for (const { path = [], leadingComments } of file.sourceCodeInfo.location)
    if (leadingComments !== undefined)
      found.set(
        path.join('.'),
        leadingComments
          .trim()
          .split(/\s*\n\s*/)
          .join(' '),
      );
  return (path) => found.get(path.join('.')) ?? '';
}
