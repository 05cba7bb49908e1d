// docs/cli.md from the commands themselves: their manifest, and the fields of what they print. `npm run generate` writes
// it; `npm run proto` compares it.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const read = (path) => JSON.parse(readFileSync(at(path), 'utf8'));
const manifest = read('apps/cli/oclif.manifest.json').commands;
const contract = read('test/contract/cli.json');
const { topics } = read('apps/cli/package.json').oclif;

const HEAD = `# The command line

<!-- Made from the commands by \`node scripts/cli-documentation.mjs\`. Do not edit. -->

Data goes to stdout, messages to stderr. Flags win over the environment, that over files. A prompt is never required:
\`--yes\` answers it, \`--no-input\` and \`CI\` forbid it. \`podctl COMMAND --help\` shows the same as this page.

## Exit codes

| code | means |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | wrong usage, or the coordinator found a value wrong |
| 3 | there is nothing of that name |
| 4 | you are not known there, or your role does not allow it |
| 5 | no coordinator answers, or it cannot serve now |
| 6 | it did not come in time |
| 7 | the condition is false: \`--exit-status\`, \`doctor\`, \`verify\`, nothing found |
| 8 | conflict: it is there already, or its state does not allow it |
| 127 | there is no such command |
| 130, 143 | ended by Ctrl-C, by TERM |

## JSON

A list is \`{"apiVersion": "podctl/v1", "items": […], "nextPageToken": ""}\`, anything else one object; an error is
\`{"error": {"message", "exitCode"}}\` on stdout, with the same exit code; \`reason\`, \`hint\` and \`field\` beside them where
a coordinator gave them. Fields are only ever added. Ids are strings, times ISO 8601 in UTC or null, durations seconds, sizes bytes, ratios 0 to 1. \`-o jsonl\` gives one item a line, \`-o csv\` the same
fields (one that is a list or an object is JSON text), \`-o yaml\` the same document. With \`--watch\`, \`-o jsonl\` gives one line a
change: \`{"apiVersion", "type": "added|changed|removed", "item"}\`.
`;

const groupHeads = {
  GLOBAL: [
    '## Flags of every command',
    'They may also stand before the command: `podctl -c home status`. `PODCTL_LOG_LEVEL=debug` is `--verbose`.',
  ],
  LIST: ['## Flags of every list', ''],
};

function page() {
  const commands = Object.entries(manifest)
    .map(([id, command]) => ({ ...command, name: id.replaceAll(':', ' ') }))
    .filter(({ hidden }) => hidden !== true);
  const parts = [HEAD];
  for (const [group, [head, words]] of Object.entries(groupHeads)) {
    const rows = Object.keys(contract.groups[group] ?? {}).map((name) =>
      flagRow(flagOf(commands, group, name)),
    );
    parts.push([head, ...(words === '' ? [] : [words]), table('flag', rows)].join('\n\n'));
  }
  const names = [...new Set(commands.map(({ name }) => name.split(' ')[0]))];
  const alone = commands.filter(({ name }) => !name.includes(' '));
  parts.push(['## Commands', index(commands)].join('\n\n'));
  for (const topic of names.filter((name) => topics[name] !== undefined))
    parts.push(
      [
        `## podctl ${topic}`,
        topics[topic].description,
        ...commands.filter(({ name }) => name.startsWith(`${topic} `)).map(section),
      ].join('\n\n'),
    );
  parts.push(['## Other commands', ...alone.map(section)].join('\n\n'));
  return `${parts.map((part) => part.trim()).join('\n\n')}\n`;
}

/** As a command of that group has it: most of them have the same. */
function flagOf(commands, group, name) {
  const found = commands
    .map(({ flags }) => flags[name])
    .filter((flag) => flag?.helpGroup === group && flag.hidden !== true);
  const counts = new Map();
  for (const flag of found) counts.set(flag.description, (counts.get(flag.description) ?? 0) + 1);
  const [most] = [...counts].sort((a, b) => b[1] - a[1])[0];
  return found.find(({ description }) => description === most);
}

function index(commands) {
  const rows = commands.map(
    ({ name, summary }) => `| [\`podctl ${name}\`](#${anchor(name)}) | ${cell(summary ?? '')} |`,
  );
  return ['| command | what it does |', '|---|---|', ...rows].join('\n');
}

function section(command) {
  const { name, summary, description, args, flags, examples = [], aliases, strict } = command;
  const known = contract.commands[name];
  const ownFlags = Object.values(flags).filter(
    (flag) => flag.hidden !== true && (known === undefined || isOwn(known, flag)),
  );
  const words = [
    ...Object.values(args).map((arg) => argWord(arg, strict)),
    ...(ownFlags.length > 0 ? ['[flags]'] : []),
  ];
  const argRows = Object.values(args).map(
    (arg) => `| \`${arg.name}\` | ${cell(withOptions(arg))} |`,
  );
  return [
    `### podctl ${name}`,
    summary,
    ...(description === undefined ? [] : [description]),
    ...(aliases.length === 0
      ? []
      : [`Also: ${aliases.map((one) => `\`podctl ${one}\``).join(', ')}.`]),
    `\`\`\`\n${[`podctl ${name}`, ...words].join(' ')}\n\`\`\``,
    ...(argRows.length === 0 ? [] : [table('argument', argRows)]),
    ...(ownFlags.length === 0 ? [] : [table('flag', ownFlags.map(flagRow))]),
    'Examples:',
    `\`\`\`sh\n${examples.map((one) => one.replaceAll('<%= config.bin %>', 'podctl')).join('\n')}\n\`\`\``,
    ...outputPart(known?.output ?? null),
  ].join('\n\n');
}

function isOwn(known, flag) {
  return known.flags?.[flag.name] !== undefined || flag.helpGroup === undefined;
}

function outputPart(output) {
  if (output === null) return [];
  const rows = Object.entries(output).map(
    ([path, type]) => `| \`${path}\` | ${cell(type.replaceAll('"', '`'))} |`,
  );
  const head = '<details><summary>Fields of --json</summary>';
  return [head, ['| field | type |', '|---|---|', ...rows].join('\n'), '</details>'];
}

function argWord({ name, required }, strict) {
  const word = `${name.toUpperCase()}${strict === false ? '…' : ''}`;
  return required === true ? word : `[${word}]`;
}

function flagRow(flag) {
  const { name, char, type, helpValue, default: otherwise, env } = flag;
  const value = type === 'boolean' ? '' : ` ${helpValue ?? (flag.options ? 'WORD' : 'VALUE')}`;
  const facts = [
    withOptions(flag),
    ...(otherwise === undefined || otherwise === '' || otherwise === false
      ? []
      : [`default \`${otherwise}\``]),
    ...(env === undefined ? [] : [`variable \`${env}\``]),
  ];
  return `| \`${char === undefined ? '' : `-${char}, `}--${name}${value}\` | ${cell(facts.join('; '))} |`;
}

function withOptions({ description = '', options }) {
  if (options === undefined) return description;
  return `${description}${description === '' ? '' : ': '}${options.map((one) => `\`${one}\``).join(', ')}`;
}

function table(head, rows) {
  return [`| ${head} | |`, '|---|---|', ...rows].join('\n');
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function anchor(name) {
  return `podctl-${name.replaceAll(' ', '-')}`;
}

const path = at('docs/cli.md');
const text = page();
if (process.argv[2] !== '--check') writeFileSync(path, text);
else if (readFileSync(path, 'utf8') !== text) {
  process.stderr.write(`${path} is not what the commands say; run "npm run generate"\n`);
  process.exitCode = 1;
}
