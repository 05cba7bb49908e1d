import { z } from 'zod';
import { settingsSchema } from './schema.ts';
import { type SettingFacts, settingFacts } from './setting.ts';

/** Every setting with its full name, in the order of the schema. */
export function settingList(): readonly (SettingFacts & { readonly name: string })[] {
  return [...leaves(settingsSchema, '')];
}

export function settingNames(): readonly string[] {
  return settingList().map(({ name }) => name);
}

/** The text of docs/configuration.md. */
export function renderConfiguration(): string {
  const rows = settingList().map(
    ({ name, otherwise, expects, description }) =>
      `| \`${name}\` | \`${JSON.stringify(otherwise)}\` | ${cell(expects)} | ${cell(description)} |`,
  );
  return `${HEAD}${rows.join('\n')}\n`;
}

const HEAD = `# Configuration

<!-- Made from packages/platform/src/config/schema.ts by \`node packages/platform/src/config/write-documentation.ts\`. Do not edit. -->

podctl needs no configuration. What you want to change goes into \`podctl.yaml\` (or \`podctl.toml\`) in the folder where you start it; \`agent.slots.download\` is written like this:

\`\`\`yaml
agent:
  slots:
    download: 2
\`\`\`

\`\`\`toml
[agent.slots]
download = 2
\`\`\`

Times have a unit: \`ms\`, \`s\`, \`m\`, \`h\`, \`d\`. Sizes too: \`KB\`, \`MB\`, \`GB\`, \`TB\` are thousands, \`KiB\`, \`MiB\`, \`GiB\`, \`TiB\` are 1,024s. Folders that are not absolute are below the file's folder. A key that is not in this table, or a value that does not fit, is refused with one sentence that says what was expected.

| setting | default | expected | what it does |
|---|---|---|---|
`;

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function* leaves(
  schema: z.core.$ZodType,
  name: string,
): Generator<SettingFacts & { readonly name: string }> {
  const facts = settingFacts.get(schema);
  if (facts !== undefined) yield { ...facts, name };
  else if (schema instanceof z.ZodPrefault) yield* leaves(schema.def.innerType, name);
  else if (schema instanceof z.ZodPipe) yield* leaves(schema.def.out, name);
  else if (schema instanceof z.ZodObject)
    for (const [key, inner] of Object.entries(schema.shape))
      yield* leaves(inner as z.core.$ZodType, name === '' ? key : `${name}.${key}`);
}
