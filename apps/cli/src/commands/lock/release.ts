import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import { STAGE_NAMES, stageOf } from '../../views/episode-map.ts';
import { yesFlag } from '../../yes-flag.ts';

/** What `--json` prints. */
interface ReleasedView {
  readonly episodeId: string;
  readonly stage: string;
  readonly token: string;
  readonly agentId: string;
}

export default class LockRelease extends BaseCommand {
  static override summary =
    'Take a held lock from its agent; what the agent still brings is refused.';
  static override description =
    'For work that hangs. The job is given again, perhaps to the same agent. A lock whose result is accepted cannot be released: it is finished by itself.';
  static override examples = [
    '<%= config.bin %> lock release abcd1234 transcribe --yes',
    '<%= config.bin %> lock release abcd1234 download --token 4711 --yes',
    '<%= config.bin %> lock release abcd1234 transcribe --yes --json',
  ];
  static override args = {
    episode: Args.string({
      required: true,
      description: 'id of the episode, or its first characters',
    }),
    stage: Args.string({ required: true, options: STAGE_NAMES, description: 'its stage' }),
  };
  static override flags = {
    token: Flags.integer({
      min: 1,
      helpValue: 'N',
      description: 'only if this token holds it; "lock list" shows it',
    }),
    yes: yesFlag,
  };

  async run(): Promise<ReleasedView> {
    const { args, flags } = await this.parse(LockRelease);
    const { stage } = args;
    await this.confirm(
      `the lock would be released, and the work done so far on ${stage} of ${args.episode} lost`,
      flags,
    );
    const released = await this.withClient(flags, (client) =>
      client.releaseLock({
        episodeId: args.episode,
        stage: stageOf(stage),
        token: BigInt(flags.token ?? 0),
      }),
    );
    const token = String(released.token);
    this.say(
      `Released the lock of ${stage} of ${args.episode}: agent ${released.agentId} had it with token ${token}, which is worth nothing now. "podctl lock list" shows who gets it next.`,
    );
    return { episodeId: args.episode, stage, token, agentId: released.agentId };
  }
}
