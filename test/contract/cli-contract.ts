// What scripts rely on: commands, arguments, flags, and the fields of what commands print under --json. It is compared
// with test/contract/cli.json by cli.test.ts. After a change that is meant: node test/contract/cli-contract.ts --accept
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { outputShapes, type Shape } from './output-shape.ts';

const ACCEPTED = fileURLToPath(new URL('cli.json', import.meta.url));
const MANIFEST = fileURLToPath(new URL('../../apps/cli/oclif.manifest.json', import.meta.url));
const COMMANDS = fileURLToPath(new URL('../../apps/cli/src/commands', import.meta.url));

interface ManifestFlag {
  readonly name: string;
  readonly type: 'boolean' | 'option';
  readonly char?: string;
  readonly options?: readonly string[];
  readonly required?: boolean;
  readonly multiple?: boolean;
  readonly default?: unknown;
  readonly env?: string;
  readonly hidden?: boolean;
  readonly helpGroup?: string;
  readonly exclusive?: readonly string[];
}

interface ManifestCommand {
  readonly aliases: readonly string[];
  readonly args: Readonly<Record<string, ManifestFlag>>;
  readonly flags: Readonly<Record<string, ManifestFlag>>;
  readonly relativePath: readonly string[];
  readonly strict: boolean;
}

export interface CommandContract {
  readonly aliases?: string;
  readonly args?: string;
  /** Own ones, and those of a group that differ here. */
  readonly flags?: Readonly<Record<string, string>>;
  readonly groups: string;
  /** Flags of its groups that it does not have. */
  readonly without?: string;
  /** Null: it prints no JSON. */
  readonly output: Shape | null;
}

export interface CliContract {
  /** Flags that many commands share. */
  readonly groups: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly commands: Readonly<Record<string, CommandContract>>;
}

export function acceptedContract(): CliContract {
  return JSON.parse(readFileSync(ACCEPTED, 'utf8')) as CliContract;
}

/** As the commands are now. Takes seconds: the compiler tells what their outputs are. */
export function presentContract(): CliContract {
  const { commands } = JSON.parse(readFileSync(MANIFEST, 'utf8')) as {
    commands: Readonly<Record<string, ManifestCommand>>;
  };
  const entries = Object.entries(commands).map(
    ([id, command]) => [id.replaceAll(':', ' '), command] as const,
  );
  const shapes = outputShapes(
    entries.map(([name, { relativePath }]) => ({
      name,
      path: `${COMMANDS}/${relativePath.slice(2).join('/')}`,
    })),
  );
  const groups = groupsOf(entries.map(([, command]) => command));
  return {
    groups: Object.fromEntries(
      [...groups].map(([group, flags]) => [group, Object.fromEntries(flags)]),
    ),
    commands: Object.fromEntries(
      entries.map(([name, command]) => [
        name,
        contractOf(command, groups, 'json' in command.flags ? (shapes.get(name) ?? null) : null),
      ]),
    ),
  };
}

type Groups = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** What most commands of a group say of each of its flags. */
function groupsOf(commands: readonly ManifestCommand[]): Groups {
  const said = new Map<string, Map<string, Map<string, number>>>();
  for (const { flags } of commands)
    for (const flag of visible(flags)) {
      if (flag.helpGroup === undefined) continue;
      const group = said.get(flag.helpGroup) ?? new Map<string, Map<string, number>>();
      const counts = group.get(flag.name) ?? new Map<string, number>();
      counts.set(flagText(flag), (counts.get(flagText(flag)) ?? 0) + 1);
      said.set(flag.helpGroup, group.set(flag.name, counts));
    }
  const mostSaid = (counts: ReadonlyMap<string, number>) =>
    [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? '';
  return new Map(
    [...said].map(([group, flags]) => [
      group,
      new Map([...flags].map(([name, counts]) => [name, mostSaid(counts)])),
    ]),
  );
}

function contractOf(
  command: ManifestCommand,
  groups: Groups,
  output: Shape | null,
): CommandContract {
  const flags = visible(command.flags);
  const own = flags.filter(
    (flag) => groups.get(flag.helpGroup ?? '')?.get(flag.name) !== flagText(flag),
  );
  const used = [...new Set(flags.flatMap(({ helpGroup }) => helpGroup ?? []))].sort();
  const without = used.flatMap((group) =>
    [...(groups.get(group)?.keys() ?? [])].filter(
      (name) => !flags.some((flag) => flag.name === name),
    ),
  );
  const args = Object.values(command.args).map(argText);
  if (!command.strict) args.push('...');
  return {
    ...(command.aliases.length > 0 ? { aliases: command.aliases.join(' ') } : {}),
    ...(args.length > 0 ? { args: args.join(' ') } : {}),
    ...(own.length > 0
      ? { flags: Object.fromEntries(own.map((flag) => [flag.name, flagText(flag)])) }
      : {}),
    groups: used.join(' '),
    ...(without.length > 0 ? { without: without.join(' ') } : {}),
    output,
  };
}

function visible(flags: Readonly<Record<string, ManifestFlag>>): readonly ManifestFlag[] {
  return Object.values(flags).filter(({ hidden }) => hidden !== true);
}

function flagText(flag: ManifestFlag): string {
  const parts = [
    ...(flag.char === undefined ? [] : [`-${flag.char}`]),
    flag.options?.join('|') ?? (flag.type === 'boolean' ? 'boolean' : 'text'),
    ...(flag.multiple === true ? ['multiple'] : []),
    ...(flag.required === true ? ['required'] : []),
    ...(flag.env === undefined ? [] : [`env ${flag.env}`]),
    ...(flag.default === undefined || flag.default === '' || flag.default === false
      ? []
      : [`default ${JSON.stringify(flag.default)}`]),
    ...(flag.exclusive === undefined ? [] : [`not with ${flag.exclusive.join(', ')}`]),
  ];
  return parts.join(' ');
}

function argText({ name, required, options }: ManifestFlag): string {
  return `${name}${required === true ? '' : '?'}${options === undefined ? '' : ` ${options.join('|')}`}`;
}

/** One line for each thing that is in one of the two and not in the other, or differs. */
export function differences(accepted: CliContract, present: CliContract): readonly string[] {
  const [before, now] = [lines(accepted), lines(present)];
  return [
    ...[...before].filter((line) => !now.has(line)).map((line) => `- ${line}`),
    ...[...now].filter((line) => !before.has(line)).map((line) => `+ ${line}`),
  ].sort((a, b) => (a.slice(2) < b.slice(2) ? -1 : 1));
}

function lines({ groups, commands }: CliContract): ReadonlySet<string> {
  return new Set([...leaves('flags', groups), ...leaves('command', commands)]);
}

function leaves(path: string, value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [`${path}: ${JSON.stringify(value)}`];
  const inner = Object.entries(value).flatMap(([key, found]) => leaves(`${path} › ${key}`, found));
  return inner.length === 0 ? [`${path}: {}`] : inner;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const present = presentContract();
  if (process.argv[2] === '--accept')
    writeFileSync(ACCEPTED, `${JSON.stringify(present, null, 2)}\n`);
  for (const line of differences(acceptedContract(), present)) process.stdout.write(`${line}\n`);
}
