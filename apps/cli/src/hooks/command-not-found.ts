import type { Hook } from '@oclif/core';
import { unknownCommand } from '../unknown-command.ts';

/** In place of oclif's plugin, which asks at a terminal and elsewhere names no command that could be meant. */
const hook: Hook.CommandNotFound = async ({ id, argv, config }) => {
  const known = config.commands.filter(({ hidden }) => hidden !== true);
  const names = known.flatMap((command) => [command.id, ...command.aliases]);
  const words = [...id.split(':'), ...(argv ?? [])];
  const { sentence, exitCode } = unknownCommand(
    words,
    names.map((name) => name.replaceAll(':', ' ')),
  );
  process.stderr.write(`podctl: ${sentence}\n`);
  process.exit(exitCode);
};

export default hook;
