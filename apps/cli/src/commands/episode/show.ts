import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { oneLine } from '../../render/cell.ts';
import { episodeExtrasLines } from '../../render/episode-extras-lines.ts';
import { qualityLines } from '../../render/quality-words.ts';
import { ageWords, durationWords, percentWords, sizeWords } from '../../render/words.ts';
import { type EpisodeView, episodeView, type StageView } from '../../views/episode-map.ts';

export default class EpisodeShow extends BaseCommand {
  static override summary = 'Show one episode with its stages and files.';
  static override examples = [
    '<%= config.bin %> episode show k7qm',
    "<%= config.bin %> episode show k7qm --json | jq -r '.readablePaths[]'",
    '<%= config.bin %> episode show k7qm --server 127.0.0.1:7070',
  ];
  static override args = {
    id: Args.string({
      required: true,
      description: 'episode id, or a unique beginning of it (4 characters at least)',
    }),
  };

  async run(): Promise<EpisodeView> {
    const { args, flags } = await this.parse(EpisodeShow);
    const episode = await this.withClient(flags, async (client) =>
      episodeView(await client.getEpisode(args.id)),
    );
    this.lines(episodeLines(episode, Date.now()));
    return episode;
  }
}

function episodeLines(episode: EpisodeView, nowMs: number): string[] {
  const length = episode.audioSeconds > 0 ? durationWords(episode.audioSeconds) : 'not known yet';
  return [
    `Episode    ${episode.episodeId}`,
    `Title      ${oneLine(episode.title)}`,
    `Feed       ${episode.feedId}`,
    `Published  ${episode.publishedAt ?? 'not said'}`,
    `Audio      ${length}`,
    ...(episode.vanishedAt === null
      ? []
      : [`Vanished   the feed lists it no more since ${episode.vanishedAt}; what is here stays`]),
    ...episodeExtrasLines(episode.extras),
    ...(episode.prioritized ? ['Order      goes before other episodes'] : []),
    `URL        ${oneLine(episode.url)}`,
    ...publisherLines(episode),
    ...episode.stages.flatMap((stage) => stageLines(stage, nowMs)),
    ...(episode.transcriptQuality === null ? [] : qualityLines(episode.transcriptQuality)),
    ...episode.readablePaths.map((path) => `File       ${path}`),
  ];
}

/** What the feed offers may be kept or not: only the files of the download tell. */
function publisherLines({ episodeId, stages }: EpisodeView): string[] {
  const isKept = stages.some(({ files }) =>
    files.some(({ path }) => /\/publisher\.[a-z]+$/.test(path)),
  );
  const command = `podctl transcript get ${episodeId} --publisher`;
  return isKept ? [`Publisher  their own transcript is kept: "${command}" prints it`] : [];
}

function stageLines(stage: StageView, nowMs: number): string[] {
  const parts: string[] = [stage.state];
  if (stage.state === 'running')
    parts.push(`${percentWords(stage.progressRatio)}% on ${stage.agentId}, token ${stage.token}`);
  if (stage.attempts > 0) parts.push(`${stage.attempts} failed`);
  if (stage.losses > 0) parts.push(`${stage.losses} lost with their agent`);
  if (stage.notBefore !== null && Date.parse(stage.notBefore) > nowMs)
    parts.push(
      `next attempt in ${ageWords(new Date(2 * nowMs - Date.parse(stage.notBefore)).toISOString(), nowMs)}`,
    );
  if (stage.askedModel !== '') parts.push(`with the model ${oneLine(stage.askedModel)}`);
  if (stage.purged) parts.push('its files were purged with its feed');
  if (stage.audioRemoved) parts.push('its audio was removed (keepAudio)');
  if (stage.reason !== '') parts.push(oneLine(stage.reason));
  return [
    `${stage.stage.padEnd(10)} ${parts.join(', ')}`,
    ...stage.files.map(
      (file) =>
        `           ${file.path}  ${sizeWords(file.sizeBytes)}  sha256:${file.sha256.slice(0, 12)}`,
    ),
  ];
}
